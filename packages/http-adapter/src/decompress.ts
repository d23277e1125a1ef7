/** Undoes the compression of a body, as long as it does not grow beyond measure. */
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { BadRequest, HttpError, PayloadTooLarge, UnsupportedMediaType } from './http-error.js';

const decoders: Readonly<Record<string, () => NodeJS.ReadWriteStream & Readable>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

/** Text of any language shrinks to a tenth, monotonous data to a fiftieth; bombs to a thousandth. */
const maxRatio = 100;
/** Below this a ratio says nothing. Bytes. */
const harmless = 64 * 1024;

/** The content coding of a body in lower case; undefined for none. */
function codingOf({ headers }: IncomingMessage): string | undefined {
  const coding = headers['content-encoding']?.trim().toLowerCase();
  return coding === '' || coding === 'identity' ? undefined : coding;
}

/**
 * @param allowed - whether compressed bodies are taken at all.
 * @throws UnsupportedMediaType when the body has a coding that is not.
 */
export function refuseCoding(request: IncomingMessage, allowed: boolean): void {
  const coding = codingOf(request);
  if (coding === undefined || (allowed && Object.hasOwn(decoders, coding))) return;
  const known = 'gzip, deflate, br';
  throw new UnsupportedMediaType(
    allowed ? `The body may be compressed by ${known}.` : 'The body must not be compressed.',
    { headers: { 'accept-encoding': allowed ? known : 'identity' } },
  );
}

/**
 * The body without its compression: the request itself where there is none. Destroy it when no more
 * is wanted. It fails with PayloadTooLarge where the body grows more than a hundredfold.
 */
export function decompressed(request: IncomingMessage): Readable {
  const decoder = decoders[codingOf(request) ?? '']?.();
  if (decoder === undefined) return request;
  let [came, made] = [0, 0];
  const onData = (chunk: Buffer) => {
    came += chunk.length;
    if (!decoder.write(chunk)) request.pause();
  };
  const onDrain = () => request.resume();
  const onEnd = () => {
    // What follows is the request's regular close.
    request.off('close', onGone);
    decoder.end();
  };
  const onGone = () => decoder.destroy(new Error('The request has ended before its body.'));
  request.on('data', onData).on('end', onEnd).on('close', onGone).on('error', onGone);
  decoder.on('drain', onDrain);
  decoder.prependListener('data', (chunk: Buffer) => {
    made += chunk.length;
    if (made <= harmless || made <= came * maxRatio) return;
    decoder.destroy(new PayloadTooLarge('The body is compressed too much.'));
  });
  decoder.once('close', () => {
    request.off('data', onData).off('end', onEnd).off('close', onGone).off('error', onGone);
    // The connection's next request waits behind the rest.
    request.resume();
  });
  return decoder;
}

/** What a client is told of an error that reading a {@link decompressed} body has ended with. */
export function bodyFault(error: Error, isCompressed: boolean): HttpError {
  if (error instanceof HttpError) return error;
  return new BadRequest(
    isCompressed ? 'The body is not validly compressed.' : 'The body is incomplete.',
  );
}
