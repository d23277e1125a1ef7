/** Makes an answer of what a handler has returned, and sends it. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ScopeInstance } from '@turno/core';
import { FileAnswer, sendFile } from './file.js';
import {
  bytesHeaders,
  headOf,
  sendHead,
  textHeaders,
  type AnswerHeaders,
  type SendOptions,
} from './head.js';
import { LoopAnswer } from './loop-answer.js';
import { Redirect } from './redirect.js';
import type { Reply } from './reply.js';
import { isBodiless, isGone, send, type Encoded } from './response.js';
import { EventStream } from './sse.js';
import {
  cancelled,
  chunksOf,
  chunksOfEvents,
  clientGone,
  firstPiece,
  pipe,
  type Chunks,
} from './stream.js';
import { shortAnswer, ThreadAnswer } from './thread-answer.js';
import { headersOf, headersOfBlob } from './web-response.js';

/** What the route and the request have said of the answer. */
export interface Manner {
  /** `Burgers.parallel`, for messages. */
  readonly label: string;
  /** That of the route. */
  readonly status: number | undefined;
  /** Those of the error that is answered; what the answer itself says goes before. */
  readonly headers?: AnswerHeaders | undefined;
  /** Undefined where nothing has asked for it. */
  readonly reply: Reply | undefined;
  /** Has given out the signals that what makes the answer may wait with. */
  readonly scope: ScopeInstance | undefined;
}

const eventHeaders: AnswerHeaders = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache',
};

/**
 * Sends what a handler has returned. Resolves when it is sent, or where the client has gone.
 * @returns undefined where the end of the response tells that, as `send` does.
 * @throws whatever is wrong with it: with `response.headersSent`, after a part of it was sent.
 */
export function transmit(
  request: IncomingMessage,
  response: ServerResponse,
  result: unknown,
  manner: Manner,
  options: SendOptions,
): Promise<void> | undefined {
  if (typeof result === 'object' && result !== null) {
    if (result instanceof LoopAnswer) {
      return transmitWhole(request, response, result, manner, options);
    }
    if (result instanceof ThreadAnswer) {
      const { status, headers, body } = result;
      const whole = { status, headers, body, isOurs: true };
      return transmitWhole(request, response, whole, manner, options);
    }
    if (result instanceof Redirect) {
      const { status, location } = result;
      const whole = { status, headers: { location }, body: '' };
      return transmitWhole(request, response, whole, manner, options);
    }
    if (result instanceof FileAnswer) {
      const { status: byRoute = 200, headers: given = {}, reply } = manner;
      const { status, headers } = reply?.applyTo(byRoute, given) ?? {
        status: byRoute,
        headers: given,
      };
      if (isBodiless(status)) {
        return send(request, response, { status, headers, body: undefined }, options);
      }
      const head = headOf(response, headers, options);
      return sendFile(request, response, result, { status, head });
    }
    if (result instanceof EventStream) {
      const chunks = chunksOfEvents(result);
      return transmitChunks(request, response, chunks, eventHeaders, manner, options);
    }
    if (result instanceof Response) {
      const { status, body } = result;
      const own = { ...manner, status };
      const headers = headersOf(result);
      if (body === null) {
        return transmitWhole(request, response, { status, headers, body: '' }, own, options);
      }
      return transmitChunks(request, response, chunksOf(body) as Chunks, headers, own, options);
    }
    if (result instanceof Blob) {
      const chunks = chunksOf(result.stream()) as Chunks;
      return transmitChunks(request, response, chunks, headersOfBlob(result), manner, options);
    }
    const chunks = chunksOf(result);
    if (chunks !== undefined) {
      return transmitChunks(request, response, chunks, undefined, manner, options);
    }
  }
  if (typeof result !== 'string')
    throw new TypeError(`An answer of ${manner.label} is not encoded.`);
  return transmitWhole(request, response, shortAnswer(result), manner, options);
}

function transmitWhole(
  request: IncomingMessage,
  response: ServerResponse,
  { status, headers, body, isOurs }: Encoded,
  manner: Manner,
  options: SendOptions,
): Promise<void> | undefined {
  const byRoute = manner.status ?? (body === undefined ? 204 : 200);
  const { reply } = manner;
  const own = manner.headers === undefined ? headers : { ...manner.headers, ...headers };
  const byHandler = status ?? byRoute;
  if (reply === undefined) {
    return send(request, response, { status: byHandler, headers: own, body, isOurs }, options);
  }
  const said = reply.applyTo(byHandler, own);
  return send(request, response, { ...said, body, isOurs }, options);
}

/** @param headers - undefined: by the first piece. */
async function transmitChunks(
  request: IncomingMessage,
  response: ServerResponse,
  chunks: Chunks,
  headers: AnswerHeaders | undefined,
  { label, status: byRoute = 200, headers: given, reply, scope }: Manner,
  options: SendOptions,
): Promise<void> {
  const headersFor = (first: unknown) => ({
    ...given,
    ...(headers ?? (typeof first === 'string' ? textHeaders : bytesHeaders)),
  });
  const saidOf = (first: unknown) =>
    reply?.applyTo(byRoute, headersFor(first)) ?? { status: byRoute, headers: headersFor(first) };
  const writeHead = (first: unknown): void => {
    const { status, headers } = saidOf(first);
    sendHead(response, status, headOf(response, headers, options));
  };
  if (isGone(response)) {
    await cancelled(chunks);
    throw clientGone();
  }
  const isEmpty = isBodiless(saidOf('').status);
  if (request.method === 'HEAD' || isEmpty) {
    const isKnown = isEmpty || chunks.headTime !== undefined;
    if (isKnown) await cancelled(chunks);
    // What fails before its first piece, or says there what it is, does so without a body, too.
    const first = isKnown ? '' : await firstPiece(response, chunks, label);
    writeHead(first);
    response.end();
    return;
  }
  const { onClosing } = options;
  // A client of events connects again; to one of any other stream half of it would look like the whole.
  const isCutShort = onClosing !== undefined && isEventStream(saidOf('').headers);
  await pipe(
    response,
    chunks,
    label,
    writeHead,
    isCutShort
      ? (end) =>
          onClosing((reason) => {
            scope?.abort(reason);
            end();
          })
      : undefined,
  );
}

function isEventStream(headers: AnswerHeaders): boolean {
  return String(headers['content-type']).startsWith('text/event-stream');
}
