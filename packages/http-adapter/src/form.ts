/** Reads the body of a request as a form. */
import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import type { Busboy, FileInfo } from 'busboy';
import { announcesBody, contentLength, readBody, refuseEnded } from './body.js';
import { bodyFault, decompressed, refuseCoding } from './decompress.js';
import { BadRequest, PayloadTooLarge, UnsupportedMediaType } from './http-error.js';
import { loadAgain } from './load-again.js';
import { parseQuery } from './query.js';
import type { RequestForm } from './request.js';
import { UploadedFile } from './uploaded-file.js';

/** What forms may be at most; each is a whole number. */
export interface FormLimits {
  /** Of a whole form, in bytes. Default 10 MiB. */
  readonly size: number;
  /** Of one file, in bytes. Default 5 MiB. */
  readonly fileSize: number;
  /** Default 10. */
  readonly files: number;
  /** Of one field, in bytes. Default 64 KiB. */
  readonly fieldSize: number;
  /** Default 100. */
  readonly fields: number;
  /** Of one name of a field, file or filename, in characters. Default 200. */
  readonly nameLength: number;
}

/** The limits of an app that names none. */
export const defaultFormLimits: FormLimits = {
  size: 10 * 1024 * 1024,
  fileSize: 5 * 1024 * 1024,
  files: 10,
  fieldSize: 64 * 1024,
  fields: 100,
  nameLength: 200,
};

/** What is wrong with limits that somebody has given; undefined where nothing is. */
export function formLimitsFault(
  given: Partial<FormLimits>,
  of: string,
): readonly [fact: string, remedy: string] | undefined {
  for (const [name, limit] of Object.entries(given)) {
    if (!Object.hasOwn(defaultFormLimits, name)) {
      const names = Object.keys(defaultFormLimits).join(', ');
      return [`\`forms\` of ${of} has no limit "${name}".`, `Its limits are ${names}.`];
    }
    if (!isByteCount(limit)) {
      return [`\`forms\` of ${of} has ${String(limit)} for \`${name}\`.`, 'It is a whole number.'];
    }
  }
  return undefined;
}

/** Whether a limit of bytes is one. */
export function isByteCount(limit: unknown): limit is number {
  return Number.isSafeInteger(limit) && (limit as number) >= 0;
}

/** Headers of one part of a multipart form. */
const partHeaders = 20;

/**
 * Reads the form that is the body of a request. Files are kept in memory.
 * @param limits - of what is there once decompressed.
 * @param decompress - whether it may be compressed.
 * @returns undefined when there is no body.
 * @throws UnsupportedMediaType when it is no form, PayloadTooLarge above a limit, BadRequest when it is
 * malformed or incomplete, or a name too long.
 */
export async function readForm(
  request: IncomingMessage,
  limits: FormLimits,
  decompress: boolean,
): Promise<RequestForm | undefined> {
  if (!announcesBody(request)) return undefined;
  const [type = '', ...parameters] = (request.headers['content-type'] ?? '').split(';');
  const kind = type.trim().toLowerCase();
  if (kind !== 'multipart/form-data' && kind !== urlencoded) throw noForm();
  refuseCoding(request, decompress);
  if (contentLength(request) > limits.size) throw tooLarge(limits);
  if (kind !== urlencoded) return readMultipart(request, limits);
  const charset = parameters.find((parameter) => /^\s*charset=/i.test(parameter));
  if (charset !== undefined && !/^\s*charset="?utf-?8"?\s*$/i.test(charset)) throw noForm();
  return readUrlencoded((await readBody(request, limits.size)).whole(), limits);
}

export const urlencoded = 'application/x-www-form-urlencoded';

export function noForm(): UnsupportedMediaType {
  return new UnsupportedMediaType(
    'The body must be a form in UTF-8 (multipart/form-data or application/x-www-form-urlencoded).',
    { headers: { accept: `multipart/form-data, ${urlencoded}` } },
  );
}

function tooLarge({ size }: FormLimits): PayloadTooLarge {
  return new PayloadTooLarge(`The form may have at most ${size} bytes.`);
}

function readUrlencoded(bytes: Buffer, limits: FormLimits): RequestForm {
  if (!isUtf8(bytes)) throw new BadRequest('The form is not valid UTF-8.');
  const fields = parseQuery(bytes.toString('utf8'), 'form');
  let count = 0;
  for (const [name, values] of fields) {
    checkName(name, limits);
    count += values.length;
    for (const value of values) checkField(Buffer.byteLength(value) > limits.fieldSize, limits);
  }
  if (count > limits.fields) throw tooMany('fields', limits.fields);
  return { fields, files: new Map() };
}

function checkName(name: string, { nameLength }: FormLimits): void {
  if (name.length <= nameLength) return;
  throw new BadRequest(`A name in the form has more than ${nameLength} characters.`);
}

function checkField(isTooLarge: boolean, { fieldSize }: FormLimits): void {
  if (!isTooLarge) return;
  throw new PayloadTooLarge(`A field of the form may have at most ${fieldSize} bytes.`);
}

function tooMany(what: string, limit: number): PayloadTooLarge {
  return new PayloadTooLarge(`The form may have at most ${limit} ${what}.`);
}

async function readMultipart(request: IncomingMessage, limits: FormLimits): Promise<RequestForm> {
  // Here: a worker thread imports this package for its decorators only.
  const { default: busboy } = await import('busboy').catch(
    () => loadAgain('busboy') as { readonly default: typeof import('busboy') },
  );
  // Meanwhile, or while a middleware took its time.
  refuseEnded(request);
  let parser: Busboy;
  try {
    parser = busboy({
      headers: request.headers,
      defParamCharset: 'utf8',
      limits: {
        // It says so at the limit, not above.
        fieldSize: limits.fieldSize + 1,
        fields: limits.fields,
        fileSize: limits.fileSize + 1,
        files: limits.files,
        headerPairs: partHeaders,
      },
    });
  } catch {
    throw new BadRequest('The form names no boundary, or a malformed one.');
  }
  return new Upload(request, parser, limits).read();
}

/** One multipart form while it arrives. */
class Upload {
  private readonly fields = new Map<string, string[]>();
  private readonly files = new Map<string, UploadedFile[]>();
  private size = 0;

  constructor(
    private readonly request: IncomingMessage,
    private readonly parser: Busboy,
    private readonly limits: FormLimits,
  ) {}

  read(): Promise<RequestForm> {
    const { request, parser, fields, files, limits } = this;
    const source = decompressed(request);
    return new Promise((resolve, reject) => {
      const settle = (end: () => void): void => {
        source.off('data', onData).off('end', onEnd).off('close', onGone);
        // What the destroyed parser has still to say concerns nobody.
        parser.removeAllListeners().on('error', () => undefined);
        end();
      };
      const fail = (error: Error): void => {
        settle(() => {
          // Later: it may be in the middle of the chunk that this is about.
          setImmediate(() => parser.destroy());
          // What is left is thrown away, so that the connection can go on.
          if (source === request) request.resume();
          else source.destroy();
          reject(error);
        });
      };
      const guard = (body: () => void): void => {
        try {
          body();
        } catch (error) {
          fail(error as Error);
        }
      };
      const onData = (chunk: Buffer): void => {
        this.size += chunk.length;
        guard(() => {
          if (this.size > limits.size) throw tooLarge(limits);
          if (parser.write(chunk)) return;
          source.pause();
          parser.once('drain', () => source.resume());
        });
      };
      const done = (): void => settle(() => resolve({ fields, files }));
      const onEnd = (): void => {
        // It is closed soon, and nothing is missing.
        source.off('close', onGone);
        parser.end();
        // It would wait for the end of a file that has begun behind the end of the form. Those before have
        // ended, and say so by then.
        if (isOver(parser)) setImmediate(done);
      };
      const onGone = (): void => fail(new BadRequest('The body is incomplete.'));
      // It stays: what a decoder still says when all is settled interests nobody.
      const onError = (error: Error): void => {
        fail(bodyFault(error, source !== request));
      };
      parser
        .on('field', (name, value, { valueTruncated }) => {
          if (isOver(parser)) return;
          guard(() => {
            checkField(valueTruncated || Buffer.byteLength(value) > limits.fieldSize, limits);
            this.addField(name, value);
          });
        })
        .on('file', (name, stream, info) => {
          if (isOver(parser)) stream.on('error', () => undefined).resume();
          else guard(() => this.takeFile(name, stream, info, fail));
        })
        .on('fieldsLimit', () => isOver(parser) || fail(tooMany('fields', limits.fields)))
        .on('filesLimit', () => isOver(parser) || fail(tooMany('files', limits.files)))
        .on('error', (cause) => {
          if (isOver(parser)) return;
          fail(new BadRequest('The form is malformed or incomplete.', { cause }));
        })
        .on('close', done);
      source.on('data', onData).on('end', onEnd).on('close', onGone).on('error', onError);
    });
  }

  private addField(name: string | undefined, value: string): void {
    if (name === undefined) throw new BadRequest('A part of the form has no name.');
    checkName(name, this.limits);
    const values = this.fields.get(name);
    if (values === undefined) this.fields.set(name, [value]);
    else values.push(value);
  }

  private takeFile(
    name: string | undefined,
    stream: Readable,
    // Without a filename it is a part of type application/octet-stream.
    { filename = '', mimeType }: FileInfo,
    fail: (error: Error) => void,
  ): void {
    const { limits, files } = this;
    // Of a parser that is destroyed meanwhile.
    stream.on('error', () => undefined);
    if (name === undefined) throw new BadRequest('A part of the form has no name.');
    checkName(name, limits);
    checkName(filename, limits);
    const chunks: Buffer[] = [];
    stream
      .on('data', (chunk: Buffer) => chunks.push(chunk))
      .on('limit', () => {
        fail(new PayloadTooLarge(`A file may have at most ${limits.fileSize} bytes.`));
      })
      .on('end', () => {
        const bytes = joined(chunks);
        // What browsers send for a file that nobody chose.
        if (filename === '' && bytes.length === 0) return;
        const file = new UploadedFile(name, filename, mimeType, bytes);
        const others = files.get(name);
        if (others === undefined) files.set(name, [file]);
        else others.push(file);
      });
  }
}

/**
 * Whether the last boundary of a form has come: what follows is none of it (RFC 2046, section 5.1.1). What has
 * come in one piece with that boundary busboy takes for further parts, and nothing that comes later, so that
 * what a form holds would depend on how it was cut on its way.
 */
function isOver(parser: Busboy): boolean {
  return (parser as { readonly _complete?: boolean })._complete === true;
}

/** In memory of its own, not a part of some pool: it may cross to a thread. */
function joined(chunks: readonly Buffer[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
