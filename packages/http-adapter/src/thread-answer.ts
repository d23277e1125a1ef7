/** What becomes of a handler's result in its thread: bytes or short text, so that the loop only has to send them. */
import { isUint8Array } from 'node:util/types';
import { Portable, transfer } from '@turno/core';
import { FileAnswer } from './file.js';
import { Redirect } from './redirect.js';
import { bytesHeaders, jsonHeaders, textHeaders, type AnswerHeaders } from './head.js';
import { encode, type Encoded } from './response.js';
import { EventStream } from './sse.js';
import { chunksOf, chunksOfEvents, type Chunks } from './stream.js';
import { headersOf, headersOfBlob } from './web-response.js';
import { worthMoving } from './body-bytes.js';
import { ResponseError } from './errors.js';

/** From so many characters on a text is made bytes in its thread: below, that takes the loop less than receiving them. */
const worthEncoding = 4096;

/** A result that was encoded in a thread. */
@Portable()
export class ThreadAnswer implements Encoded {
  constructor(
    readonly status: number | undefined,
    readonly headers: AnswerHeaders,
    readonly body: Uint8Array | undefined,
  ) {}
}

/**
 * Encodes what a handler has returned. What comes in pieces is collected: a trip to a thread has one
 * result. Files and redirects are data already.
 * @throws ResponseError for what cannot be sent.
 */
export function finishInThread(result: unknown, label: string): unknown {
  if (result instanceof Redirect || result instanceof FileAnswer) return result;
  if (result instanceof Response) return collectResponse(result, label);
  if (result instanceof Blob) {
    return collect(chunksOf(result.stream()) as Chunks, label, headersOfBlob(result));
  }
  if (result instanceof EventStream) {
    const headers = { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' };
    return collect(chunksOfEvents(result), label, headers);
  }
  if (typeof result === 'object' && result !== null) {
    const chunks = chunksOf(result);
    if (chunks !== undefined) return collect(chunks, label);
  }
  const { headers, body } = encode(label, result);
  if (typeof body === 'string' && body.length < worthEncoding) {
    if (headers === jsonHeaders) return `j${body}`;
    if (headers === textHeaders) return `t${body}`;
  }
  return new ThreadAnswer(undefined, headers, bytesOf(body));
}

/**
 * What has come of a short text, which crosses as a string with a letter for its kind in front: an object
 * with bytes would cost as much as all else in a trip.
 */
export function shortAnswer(crossed: string): Encoded {
  const headers = crossed.startsWith('j') ? jsonHeaders : textHeaders;
  return { headers, body: crossed.slice(1) };
}

function bytesOf(body: Encoded['body']): Uint8Array | undefined {
  if (body === undefined) return undefined;
  // A handler may keep its bytes: copied here, they need not be copied on the loop.
  if (typeof body === 'object')
    return body.length < worthMoving ? body : moving(new Uint8Array(body));
  // Its memory is its own, unlike that of small Buffers, so that it can be moved.
  return moving(new TextEncoder().encode(body));
}

function moving(bytes: Uint8Array): Uint8Array {
  return bytes.length < worthMoving ? bytes : transfer(bytes);
}

async function collectResponse(response: Response, label: string): Promise<ThreadAnswer> {
  const headers = headersOf(response);
  if (response.body === null) return new ThreadAnswer(response.status, headers, undefined);
  const chunks = chunksOf(response.body) as Chunks;
  const { body } = await collect(chunks, label);
  return new ThreadAnswer(response.status, headers, body);
}

const megabyte = 1024 * 1024;

/** How long an answer that is collected may become: sources may be endless, and memory is not. Bytes. */
const collectLimit = 64 * megabyte;

async function collect(
  chunks: Chunks,
  label: string,
  headers?: AnswerHeaders,
): Promise<ThreadAnswer> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  let isText: boolean | undefined;
  for (;;) {
    const next = await chunks.next();
    if (next.done === true) break;
    const value: unknown = next.value;
    if (typeof value !== 'string' && !isUint8Array(value)) {
      await chunks.cancel();
      const what = value === null ? 'null' : `of type ${typeof value}`;
      throw new ResponseError(label, `a piece of it is ${what}, neither text nor bytes`);
    }
    isText ??= typeof value === 'string';
    const piece = typeof value === 'string' ? Buffer.from(value) : value;
    length += piece.length;
    if (length > collectLimit) {
      await chunks.cancel();
      throw new ResponseError(
        label,
        `its pieces, which are collected in a thread, are longer than ${collectLimit / megabyte} MiB; an async handler sends them as they come`,
      );
    }
    pieces.push(piece);
  }
  const own = isText === false ? bytesHeaders : textHeaders;
  return new ThreadAnswer(undefined, headers ?? own, moving(joined(pieces)));
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
