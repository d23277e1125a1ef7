/** What goes back over the wire: values become answers, answers are sent. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isArrayBuffer, isDataView, isNativeError, isUint8Array } from 'node:util/types';
import { lingerTime } from './connection.js';
import { ResponseError } from './errors.js';
import {
  bytesHeaders,
  headOf,
  jsonHeaders,
  sendHead,
  textHeaders,
  type AnswerHeaders,
  type SendOptions,
} from './head.js';
import { isLarge, writeSlices } from './slices.js';

/** An answer of one piece, ready to be sent. */
export interface Answer {
  readonly status: number;
  /** Without those that frame the body. */
  readonly headers: AnswerHeaders;
  /** Undefined: no body. */
  readonly body: string | Uint8Array | undefined;
  /** Whether the body is bytes that nobody else has. */
  readonly isOurs?: boolean | undefined;
}

/** What a returned value says of its answer. */
export interface Encoded {
  /** Undefined: what the route says. */
  readonly status?: number | undefined;
  readonly headers: AnswerHeaders;
  readonly body: Answer['body'];
  /** As for {@link Answer}. */
  readonly isOurs?: boolean | undefined;
}

const noHeaders: AnswerHeaders = {};

/**
 * The answer for plain data: nothing for `undefined`, text for a string, bytes for a `Uint8Array`, an
 * `ArrayBuffer` or a `DataView`, JSON for everything else.
 * @param handler - for the message: `Burgers.parallel`.
 * @throws ResponseError when the value is no plain data.
 */
export function encode(handler: string, value: unknown): Encoded {
  if (value === undefined) return { headers: noHeaders, body: undefined };
  if (typeof value === 'string') return { headers: textHeaders, body: value };
  if (isPlain(value)) return { headers: jsonHeaders, body: jsonOf(handler, value) };
  const bytes = bytesIn(value);
  if (bytes !== undefined) return { headers: bytesHeaders, body: bytes };
  refuseUnserialisable(handler, value);
  return { headers: jsonHeaders, body: jsonOf(handler, value) };
}

/**
 * Whether a value is an object or array that is nothing else, as nearly all results are: to ask by tag and
 * class for all that it could be takes 0.3 µs.
 */
export function isPlain(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Array.prototype) return true;
  return prototype === Object.prototype && !(Symbol.iterator in value);
}

/** By tag: bytes of another realm (a Jest sandbox) count too. */
function bytesIn(value: unknown): Uint8Array | undefined {
  if (isUint8Array(value)) return value;
  if (isArrayBuffer(value)) return new Uint8Array(value);
  if (!isDataView(value)) return undefined;
  const { buffer, byteOffset, byteLength } = value;
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function jsonOf(handler: string, value: unknown): string {
  let json: unknown;
  try {
    json = JSON.stringify(value);
  } catch (cause) {
    throw new ResponseError(handler, cause instanceof Error ? cause.message : String(cause), cause);
  }
  // Of functions and symbols, whatever its type says.
  if (typeof json !== 'string') throw new ResponseError(handler, `it is a ${typeof value}`);
  return json;
}

/** JSON.stringify makes `{}` of a Map or an error, and an inventory of innards of a stream. */
function refuseUnserialisable(handler: string, value: unknown): void {
  if (isNativeError(value) || value instanceof Error) {
    throw new ResponseError(
      handler,
      `it is the error ${value.name}, which has to be thrown`,
      value,
    );
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value) || 'toJSON' in value) {
    return;
  }
  if (Symbol.iterator in value || Symbol.asyncIterator in value) {
    throw new ResponseError(handler, `it is ${nameOf(value)}, which JSON cannot hold`);
  }
}

/** By tag, as `[object Map]`: what has no prototype, or a generator's, has no name of a class. */
function nameOf(value: object): string {
  return `a ${Object.prototype.toString.call(value).slice('[object '.length, -1)}`;
}

/** Whether an answer with a status never has a body. */
export function isBodiless(status: number): boolean {
  return status === 204 || status === 205 || status === 304;
}

/** Whether there is nobody to answer any more. */
export function isGone(response: ServerResponse): boolean {
  // The response learns it a few turns after its socket, and a server may be closed by then.
  const { stream } = response as { readonly stream?: { readonly destroyed: boolean } };
  if (stream !== undefined) return stream.destroyed;
  // While it waits behind another one it has no socket yet.
  return response.destroyed || (response.socket ?? response.req.socket).destroyed;
}

/** Ends a response whose rest cannot be sent, so that its client does not take it for whole. */
export function cutOff(response: ServerResponse): void {
  // Over HTTP/1.1 the end of the connection says it. To a stream of HTTP/2 only an error does.
  if ('stream' in response) response.destroy(new Error('The answer has failed.'));
  else response.destroy();
}

/**
 * Sends an answer of one piece. Resolves when it is handed to the system, or the client has gone.
 * @returns undefined where the end of the response tells that, to whoever watches it.
 */
export function send(
  request: IncomingMessage,
  response: ServerResponse,
  answer: Answer,
  options: SendOptions,
): Promise<void> | undefined {
  if (isGone(response)) return Promise.resolve();
  if (options.isWatched === true) {
    write(request, response, answer, options);
    return undefined;
  }
  return writeToEnd(request, response, answer, options);
}

// Functions inside of others stand apart here from what each answer goes through: a call would put what they need
// into a context, whether it comes to them or not.

function writeToEnd(
  request: IncomingMessage,
  response: ServerResponse,
  answer: Answer,
  options: SendOptions,
): Promise<void> {
  return new Promise((resolve) => {
    // It comes once: what `once` makes for each listener is not needed.
    response.on('close', resolve);
    write(request, response, answer, options);
  });
}

function write(
  request: IncomingMessage,
  response: ServerResponse,
  { status, headers, body, isOurs = false }: Answer,
  options: SendOptions,
): void {
  const whole = isBodiless(status) ? undefined : (body ?? '');
  const sent = typeof whole === 'string' && isLarge(whole) ? Buffer.from(whole) : whole;
  const length = sent === undefined ? undefined : Buffer.byteLength(sent);
  const head = headOf(response, headers, options, length);
  sendHead(response, status, head);
  const visible = request.method === 'HEAD' || sent === undefined ? '' : sent;
  if (typeof visible === 'object' && isLarge(visible)) {
    writeLarge(request, response, visible, isOurs, options);
  } else {
    finish(request, response, visible, options);
  }
}

function writeLarge(
  request: IncomingMessage,
  response: ServerResponse,
  body: Uint8Array,
  isOurs: boolean,
  options: SendOptions,
): void {
  writeSlices(response, body, isOurs, () => finish(request, response, '', options));
}

function finish(
  request: IncomingMessage,
  response: ServerResponse,
  rest: string | Uint8Array,
  { linger }: SendOptions,
): void {
  if (linger) endSlowly(request, response, rest);
  else response.end(rest);
}

function endSlowly(
  request: IncomingMessage,
  response: ServerResponse,
  rest: string | Uint8Array,
): void {
  if (rest.length > 0) response.write(rest);
  else response.flushHeaders();
  const timer = setTimeout(end, lingerTime);
  function end() {
    clearTimeout(timer);
    response.end();
  }
  request.once('end', end).once('close', end).resume();
}
