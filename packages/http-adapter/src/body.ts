/** Reads the body of a request and decodes it. */
import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { parse } from 'secure-json-parse';
import { BodyBytes } from './body-bytes.js';
import { bodyFault, decompressed, refuseCoding } from './decompress.js';
import { BadRequest, PayloadTooLarge, UnsupportedMediaType } from './http-error.js';

/**
 * Reads the JSON body of a request.
 * @param limit - in bytes, once decompressed.
 * @param decompress - whether it may be compressed.
 * @returns undefined when there is no body.
 * @throws UnsupportedMediaType when it is not JSON in UTF-8, PayloadTooLarge, BadRequest when it
 * is incomplete.
 */
export async function readJsonBody(
  request: IncomingMessage,
  limit: number,
  decompress: boolean,
): Promise<BodyBytes | undefined> {
  if (!announcesBody(request)) return undefined;
  refuseOtherTypes(request);
  return readRawBody(request, limit, decompress);
}

/**
 * Reads the body of a request, whatever it is; as {@link readJsonBody} otherwise.
 */
export async function readRawBody(
  request: IncomingMessage,
  limit: number,
  decompress: boolean,
): Promise<BodyBytes | undefined> {
  if (!announcesBody(request)) return undefined;
  refuseCoding(request, decompress);
  const bytes = await readBody(request, limit);
  return bytes.length === 0 ? undefined : bytes;
}

/**
 * Whether the rest of a body is more than is worth reading only to keep the connection: longer
 * than the limit, of unknown length, or such that its client may still ask whether it is wanted.
 */
export function hasUnreadExcess(request: IncomingMessage, limit: number): boolean {
  return (
    !request.complete &&
    !request.readableEnded &&
    (contentLength(request) > limit ||
      request.headers['transfer-encoding'] !== undefined ||
      request.headers.expect !== undefined)
  );
}

/** Whether a request says that it has a body. */
export function announcesBody(request: IncomingMessage): boolean {
  if (request.headers['transfer-encoding'] !== undefined || contentLength(request) > 0) return true;
  // HTTP/2 needs neither header.
  const { stream } = request as { readonly stream?: { readonly endAfterHeaders?: boolean } };
  return request.httpVersionMajor === 2 && stream?.endAfterHeaders === false;
}

/** Node has checked that the header is a number, and that there is one. */
export function contentLength(request: IncomingMessage): number {
  return Number(request.headers['content-length'] ?? 0);
}

export const json = /^application\/(?:[\w!#$&^.+-]+\+)?json$/i;
const utf8 = /^charset="?utf-?8"?$/i;

function refuseOtherTypes({ headers }: IncomingMessage): void {
  const [type = '', ...parameters] = (headers['content-type'] ?? '').split(';');
  const charset = parameters.find((parameter) => /^\s*charset=/i.test(parameter));
  if (!json.test(type.trim()) || (charset !== undefined && !utf8.test(charset.trim()))) {
    throw noJson();
  }
}

export function noJson(): UnsupportedMediaType {
  return new UnsupportedMediaType('The body must be JSON in UTF-8 (application/json).', {
    headers: { accept: 'application/json' },
  });
}

/**
 * Reads the bytes of a body.
 * @throws PayloadTooLarge, BadRequest when it is incomplete.
 */
export function readBody(request: IncomingMessage, limit: number): Promise<BodyBytes> {
  const tooLarge = () => new PayloadTooLarge(`The body may have at most ${limit} bytes.`);
  return new Promise((resolve, reject) => {
    if (contentLength(request) > limit) {
      reject(tooLarge());
      return;
    }
    refuseEnded(request);
    const source = decompressed(request);
    const bytes = new BodyBytes();
    const settle = (end: () => void) => {
      source.off('data', onData).off('end', onEnd).off('close', onGone);
      // Its own error listener stays: what a decoder still says interests nobody.
      if (source !== request) source.destroy();
      end();
    };
    const onData = (chunk: Buffer) => {
      if (bytes.length + chunk.length > limit) settle(() => reject(tooLarge()));
      else bytes.add(chunk);
    };
    const onEnd = () => settle(() => resolve(bytes));
    const onGone = () => settle(() => reject(new BadRequest('The body is incomplete.')));
    const onError = (error: Error) => settle(() => reject(bodyFault(error, source !== request)));
    source.on('data', onData).on('end', onEnd).on('close', onGone).on('error', onError);
  });
}

/**
 * Refuses a body whose 'end' or 'close' is over: waiting for it would be waiting for ever.
 * @throws BadRequest where its client has gone, else Error.
 */
export function refuseEnded(request: IncomingMessage): void {
  if (request.readableEnded) {
    throw new Error('The body of the request was read before it came to the app.');
  }
  if (request.destroyed) throw new BadRequest('The body is incomplete.');
}

/**
 * How many arrays and objects may stand inside of each other: far more than data needs, and less
 * than what may cross to a thread (1,000), so that no client can provoke an error there.
 */
export const depthLimit = 500;

/** Whether JSON is nested deeper; looks at brackets outside of strings only. */
function isDeeperThan(limit: number, json: Buffer): boolean {
  if (json.length <= limit) return false;
  let depth = 0;
  let isInString = false;
  for (let index = 0; index < json.length; index++) {
    const byte = json[index];
    if (isInString) {
      if (byte === backslash) index++;
      else if (byte === quote) isInString = false;
    } else if (byte === quote) {
      isInString = true;
    } else if (byte === openBracket || byte === openBrace) {
      if (++depth > limit) return true;
    } else if (byte === closeBracket || byte === closeBrace) {
      depth--;
    }
  }
  return false;
}

const [quote, backslash, openBracket, closeBracket, openBrace, closeBrace] = Buffer.from('"\\[]{}');

/**
 * Decodes a JSON body.
 * @throws BadRequest when it is malformed, nested too deep, or reaches for a prototype.
 */
export function decodeJson(bytes: Buffer): unknown {
  if (!isUtf8(bytes)) throw new BadRequest('The body is not valid UTF-8.');
  if (isDeeperThan(depthLimit, bytes)) {
    throw new BadRequest(`The body is nested more than ${depthLimit} levels deep.`);
  }
  try {
    // Keys that reach a prototype are an attack, not data: the whole body is refused.
    return parse(bytes.toString('utf8'), { protoAction: 'error', constructorAction: 'error' });
  } catch (cause) {
    throw new BadRequest('The body is not valid JSON.', { cause });
  }
}
