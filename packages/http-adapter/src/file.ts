/** Files as answers, with ranges, conditional requests and ETag: by the package `send`. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Portable } from '@turno/core';
import { HttpError, NotFound } from './http-error.js';
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
 * handler runs in a thread. What does not exist, begins with a dot, is a folder or leads out of `root`
 * is a 404 or 403.
 * @throws OptionsError for an option that does not exist: a `root` that is misspelt bounds nothing.
 */
export function file(path: string, options: SendFileOptions = {}): FileAnswer {
  refuseUnknownOptions('file', options, optionNames);
  return new FileAnswer(path, options);
}

/**
 * Sends a file. Resolves when it is sent or the client has gone.
 * @throws HttpError before anything was sent where there is no such file, or not that part of it.
 */
export async function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  { path, options: { root, type, download, maxAge = 0, immutable = false } }: FileAnswer,
  headers: Readonly<Record<string, string | readonly string[]>>,
): Promise<void> {
  const { default: send } = await import('send');
  if (isGone(response)) return;
  await new Promise<void>((resolve, reject) => {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    if (type !== undefined) response.setHeader('content-type', type);
    if (download !== undefined) response.setHeader('content-disposition', disposition(download));
    const fail = (error: unknown): void => {
      if (!response.headersSent) {
        for (const name of response.getHeaderNames()) response.removeHeader(name);
      }
      reject(error);
    };
    response.once('close', resolve);
    // It decodes its path once.
    send(request, encodeURI(path), {
      ...(root === undefined ? {} : { root }),
      maxAge,
      immutable,
      index: false,
      dotfiles: 'ignore',
    })
      .on('error', (error: SendError) => fail(meaningOf(error)))
      .on('directory', () => fail(new NotFound()))
      .pipe(response);
  });
}

interface SendError extends Error {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

function meaningOf(error: SendError): Error {
  const { status = 500, headers } = error;
  if (status >= 500) return error;
  const range = headers?.['Content-Range'];
  return new HttpError(status, undefined, {
    cause: error,
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
