/** Files as answers, with ranges, conditional requests and ETag: by the package `send`. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Portable } from '@turno/core';
import { OptionsError } from './errors.js';
import { setHead, type Head } from './head.js';
import { loadAgain } from './load-again.js';
import { httpErrorOf, NotFound } from './http-error.js';
import { refuseUnknownOptions } from './misuse.js';
import { isGone } from './response.js';

/** Options of {@link file}. */
export interface SendFileOptions {
  /**
   * The folder that the path is relative to and cannot leave. Without it the path is one of the file
   * system: then never take it, or a part of it, from a request.
   */
  readonly root?: string;
  /** `Content-Type`. Default: by the ending of the path. */
  readonly type?: string;
  /** Makes a browser save it, under this name. */
  readonly download?: string;
  /** How long it may be cached, in milliseconds. Default 0. */
  readonly maxAge?: number;
  /** Says that it never changes while it is cached. */
  readonly immutable?: boolean;
}

const optionNames = [
  'root',
  'type',
  'download',
  'maxAge',
  'immutable',
] as const satisfies (keyof SendFileOptions)[];

/** What {@link file} makes. */
@Portable()
export class FileAnswer {
  /** @internal Use {@link file}. */
  constructor(
    readonly path: string,
    readonly options: SendFileOptions,
  ) {}
}

/**
 * To be returned by a handler: sends a file, on the event loop and piece by piece, also where the
 * handler runs in a thread. What does not exist, is a folder, leads out of `root`, or below it begins with
 * a dot, is a 404 or 403; the log says why.
 * @throws OptionsError for an option that does not exist: a `root` that is misspelt bounds nothing.
 */
export function file(path: string, options: SendFileOptions = {}): FileAnswer {
  if (typeof path !== 'string') {
    throw new OptionsError(`file was given ${String(path)} for its path.`, 'It is a string.');
  }
  refuseUnknownOptions('file', options, optionNames);
  for (const name of ['root', 'type', 'download'] as const) {
    if (options[name] === undefined || typeof options[name] === 'string') continue;
    throw new OptionsError(
      `file was given the \`${name}\` ${String(options[name])}.`,
      name === 'download' ? 'It is a string: the name to save it under.' : 'It is a string.',
    );
  }
  return new FileAnswer(path, options);
}

/**
 * Sends a file. Resolves when it is sent or the client has gone.
 * @param said - another status than 2xx stays, and the file is sent as a whole.
 * @throws HttpError before anything was sent where there is no such file, or not that part of it.
 */
export async function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  { path, options: { root, type, download, maxAge = 0, immutable = false } }: FileAnswer,
  said: { readonly status: number; readonly head: Head },
): Promise<void> {
  const { default: send } = await import('send').catch(
    () => loadAgain('send') as { readonly default: typeof import('send') },
  );
  if (isGone(response)) return;
  const isFound = said.status >= 200 && said.status < 300;
  // What is no success is not asked for in part, or on a condition (RFC 9110, 13.2.1).
  const asked = isFound
    ? request
    : (Object.create(request, { headers: { value: {} } }) as IncomingMessage);
  const before = { status: response.statusCode, headers: response.getHeaders() };
  await new Promise<void>((resolve, reject) => {
    response.statusCode = said.status;
    setHead(response, said.head);
    if (type !== undefined) response.setHeader('content-type', type);
    if (download !== undefined) response.setHeader('content-disposition', disposition(download));
    const fail = (error: unknown): void => {
      if (!response.headersSent) {
        response.statusCode = before.status;
        for (const name of response.getHeaderNames()) response.removeHeader(name);
        for (const [name, value] of Object.entries(before.headers)) {
          if (value !== undefined) response.setHeader(name, value);
        }
      }
      reject(error);
    };
    response.once('close', resolve);
    // It decodes its path once.
    send(asked, encodeURI(path), {
      ...(root === undefined ? {} : { root }),
      acceptRanges: isFound,
      maxAge,
      immutable,
      index: false,
      // Without a root the path is the program's own.
      dotfiles: root === undefined ? 'allow' : 'ignore',
    })
      .on('error', (error: SendError) => fail(meaningOf(error, path)))
      .on('directory', () =>
        fail(new NotFound(undefined, { cause: new FileFault(path, 'is a folder') })),
      )
      .pipe(response);
  });
}

/** Why there was no file to send: for the log. */
export class FileFault extends Error {
  constructor(path: string, reason: string, cause?: unknown) {
    super(`The file ${JSON.stringify(path)} ${reason}.`, { cause });
  }

  override get name(): string {
    return 'FileFault';
  }
}

interface SendError extends Error {
  readonly status?: number;
  readonly code?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

function meaningOf(error: SendError, path: string): Error {
  const { status = 500, headers, code } = error;
  if (status >= 500) return error;
  const reason =
    status === 403
      ? 'leads out of its root, or has ".." in it where there is none'
      : code === undefined
        ? 'begins with a dot, or lies in a folder that does'
        : `does not exist (${code})`;
  const cause = status === 403 || status === 404 ? new FileFault(path, reason, error) : error;
  const range = headers?.['Content-Range'];
  return httpErrorOf(status, undefined, {
    cause,
    ...(range === undefined ? {} : { headers: { 'content-range': range } }),
  });
}

/** As RFC 6266 has it: an ASCII name for old clients, the whole one for all others. */
function disposition(name: string): string {
  const ascii = name.replace(/[^\x20-\x7e]|["\\%]/g, '_');
  const encoded = encodeURIComponent(name.replace(/\p{Surrogate}/gu, '\ufffd')).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}
