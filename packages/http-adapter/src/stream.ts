/** Bodies that come piece by piece: from Node and web streams, generators and other iterables. */
import type { ServerResponse } from 'node:http';
import type { Writable } from 'node:stream';
import { isUint8Array } from 'node:util/types';
import { ResponseError } from './errors.js';
import { formatEvent, keepAliveComment, type EventStream, type ServerSentEvent } from './sse.js';

/** A source of pieces. */
export interface Chunks {
  next(): PromiseLike<IteratorResult<unknown>> | IteratorResult<unknown>;
  /** Ends it early: the client has gone, or wants no body. */
  cancel(): unknown;
  /** How long the head may wait for the first piece, in milliseconds; default: until it is there. */
  readonly headTime?: number;
  /** What is sent when there has been nothing for so many milliseconds. */
  readonly idle?: { readonly time: number; readonly text: string } | undefined;
}

/** Whether a value is some kind of stream. */
export function isStream(value: object): boolean {
  return isWebStream(value) || Symbol.asyncIterator in value || isGenerator(value);
}

/** The pieces of a value that is some kind of stream; undefined if it is none. */
export function chunksOf(value: object): Chunks | undefined {
  if (isWebStream(value)) {
    const reader = value.getReader();
    return {
      next: () => reader.read() as Promise<IteratorResult<unknown>>,
      cancel: () => reader.cancel(),
    };
  }
  if (Symbol.asyncIterator in value) {
    const iterator = (value as AsyncIterable<unknown>)[Symbol.asyncIterator]();
    // A Readable ends at once, also while it waits for data.
    const { destroy } = value as { destroy?: () => unknown };
    const cancel =
      typeof destroy === 'function'
        ? () => destroy.call(value)
        : () => iterator.return?.(undefined);
    return { next: () => iterator.next(), cancel };
  }
  return isGenerator(value) ? chunksOfIterable(value) : undefined;
}

/**
 * How long the head of events waits for the first one, in milliseconds: what fails at once has an answer of
 * its own, and a client of quiet events learns that it is connected.
 */
const headTime = 200;

/** The text of events, piece by piece. */
export function chunksOfEvents({ events, keepAlive }: EventStream): Chunks {
  const chunks = chunksOf(events) ?? chunksOfIterable(events as Iterable<unknown>);
  return {
    next: async () => {
      const next = await chunks.next();
      if (next.done === true) return next;
      return { done: false, value: formatEvent(next.value as ServerSentEvent | string) };
    },
    cancel: () => chunks.cancel(),
    headTime,
    idle: keepAlive === undefined ? undefined : { time: keepAlive, text: keepAliveComment },
  };
}

function chunksOfIterable(value: Iterable<unknown>): Chunks {
  const iterator = value[Symbol.iterator]();
  return { next: () => iterator.next(), cancel: () => iterator.return?.() };
}

function isWebStream(value: object): value is ReadableStream {
  return 'getReader' in value && typeof value.getReader === 'function';
}

/** By tag: arrays, maps and sets can be iterated over as well, and are no streams. */
function isGenerator(value: object): value is Generator {
  return (
    Symbol.toStringTag in value && Object.prototype.toString.call(value) === '[object Generator]'
  );
}

/** What an early end of the client looks like to what was made for the request. */
export function clientGone(): DOMException {
  return new DOMException('The client has gone before its answer.', 'AbortError');
}

/** What the end of the server looks like to what makes events. */
export function serverClosing(): DOMException {
  return new DOMException('The server is closing.', 'AbortError');
}

/** How long a source may take to end when its client has gone, in milliseconds. */
const cancelTime = 10_000;

/**
 * Sends pieces as they come, and asks for the next one only when the client has room for it.
 * @param handler - for the message: `Burgers.parallel`.
 * @param writeHead - called before the first piece.
 * @param onClosing - takes what ends the answer, as if its source had ended, when the server closes;
 * returns what takes it back.
 * @throws what the source throws, a ResponseError for a piece that is no text and no bytes, or
 * {@link clientGone} when it has ended because of that.
 */
export function pipe(
  response: ServerResponse,
  chunks: Chunks,
  handler: string,
  writeHead: (first: unknown) => void,
  onClosing?: (end: () => void) => () => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let isOver = false;
    let hasHead = false;
    let waits = false;
    let timer: NodeJS.Timeout | undefined;
    let headTimer: NodeJS.Timeout | undefined;
    const closing: { stopListening?: (() => void) | undefined } = {};
    const settle = (end: () => void): void => {
      if (isOver) return;
      isOver = true;
      clearInterval(timer);
      clearTimeout(headTimer);
      closing.stopListening?.();
      response.off('close', onClose).off('drain', onDrain);
      end();
    };
    const cancelAfter = (error: unknown): void => {
      settle(() => void cancelled(chunks).then(() => reject(error as Error)));
    };
    const onClose = (): void => cancelAfter(clientGone());
    const endEarly = (): void => {
      headEarly();
      settle(() => {
        const closed = new Promise<void>((done) => response.once('close', done));
        response.end();
        void Promise.all([closed, cancelled(chunks)]).then(() => resolve());
      });
    };
    const head = (first: unknown): void => {
      if (hasHead) return;
      hasHead = true;
      writeHead(first);
      if (first === undefined) response.flushHeaders();
    };
    const take = ({ done, value }: IteratorResult<unknown>): void => {
      if (isOver) return;
      if (done === true) {
        if (!hasHead) writeHead('');
        settle(() => {
          response.once('close', resolve);
          response.end();
        });
        return;
      }
      if (typeof value !== 'string' && !isUint8Array(value)) {
        const what = value === null ? 'null' : `of type ${typeof value}`;
        cancelAfter(new ResponseError(handler, `a piece of it is ${what}, neither text nor bytes`));
        return;
      }
      head(value);
      timer?.refresh();
      // An empty piece would say nothing, and is no end.
      if (value.length === 0 || response.write(value)) pull();
      else waits = true;
      // Of events, whose client waits for each; what is compressed piece by piece becomes many times as long.
      if (chunks.headTime !== undefined) flush(response);
    };
    const pull = (): void => {
      if (isOver) return;
      waits = false;
      Promise.resolve()
        .then(() => chunks.next())
        .then(take)
        .catch(cancelAfter);
    };
    const onDrain = (): void => {
      if (waits) pull();
    };
    // Once for all: the package compression moves listeners to a stream of its own, and takes none back.
    response.once('close', onClose).on('drain', onDrain);
    const headEarly = (): void => {
      try {
        head(undefined);
      } catch (error) {
        cancelAfter(error);
      }
    };
    if (chunks.headTime !== undefined) headTimer = setTimeout(headEarly, chunks.headTime).unref();
    if (chunks.idle !== undefined) {
      const { time, text } = chunks.idle;
      timer = setInterval(() => {
        headEarly();
        // Not into the buffer of a client that does not read.
        if (isOver || isFull(response)) return;
        response.write(text);
        flush(response);
      }, time);
      timer.unref();
    }
    pull();
    closing.stopListening = onClosing?.(endEarly);
  });
}

/** The package compression holds back what is written until it is told to send it. That of Node itself is another one. */
function flush(response: ServerResponse): void {
  if (!Object.hasOwn(response, 'flush')) return;
  (response as { readonly flush?: () => void }).flush?.();
}

/** Whether the client has no room; responses of node:http2 do not say so, their streams do. */
function isFull(response: ServerResponse): boolean {
  const { stream = response } = response as { readonly stream?: Writable };
  return stream.writableNeedDrain;
}

/** Ends a source. Never rejects, and does not wait for ever. */
export async function cancelled(chunks: Chunks): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, cancelTime).unref()));
  try {
    await Promise.race([chunks.cancel(), late]);
  } catch {
    // What ends because nobody wants it any more has nobody to tell of its error.
  } finally {
    clearTimeout(timer);
  }
}

/**
 * The first piece, for an answer whose head it decides and that has no body; empty where there is none.
 * @throws as {@link pipe}.
 */
export async function firstPiece(
  response: ServerResponse,
  chunks: Chunks,
  handler: string,
): Promise<string | Uint8Array> {
  let onClose!: () => void;
  const gone = new Promise<never>((_resolve, reject) => {
    onClose = () => reject(clientGone());
    response.once('close', onClose);
  });
  try {
    const next = await Promise.race([chunks.next(), gone]);
    if (next.done === true) return '';
    const value: unknown = next.value;
    if (typeof value === 'string' || isUint8Array(value)) return value;
    const what = value === null ? 'null' : `of type ${typeof value}`;
    throw new ResponseError(handler, `a piece of it is ${what}, neither text nor bytes`);
  } finally {
    response.off('close', onClose);
    await cancelled(chunks);
  }
}
