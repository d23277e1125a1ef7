/** What becomes of requests that wait behind others of their connection. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

/** Responses that have, or had, to wait for their turn; in the order of their requests. */
const queues = new WeakMap<Duplex, Set<ServerResponse>>();

/** Stands in a connection whose last request has come: each request asks, and a WeakSet takes longer. */
const isEnded = Symbol('isEnded');

interface Ended {
  [isEnded]?: true;
}

/**
 * To be called when a request comes. A connection that ends takes the response that has its turn with
 * it; node:http forgets those behind it, which would never close.
 */
export function takeTurn(request: IncomingMessage, response: ServerResponse): void {
  // Only while another one has it. Those of node:http2 never wait.
  if (response.socket !== null) return;
  const { socket } = request;
  if (socket.destroyed) {
    forget(response);
    return;
  }
  const queue = queues.get(socket) ?? new Set();
  if (!queues.has(socket)) {
    queues.set(socket, queue);
    socket.once('close', () => queue.forEach(forget));
  }
  queue.add(response);
  response.once('close', () => queue.delete(response));
}

function forget(response: ServerResponse): void {
  if (response.socket !== null) return;
  let hasClosed = false;
  response.once('close', () => (hasClosed = true));
  response.destroy();
  // From Node 24 on it says so itself, in a later tick; twice would count one request as two.
  setImmediate(() => {
    if (!hasClosed) response.emit('close');
  });
}

/** The responses of a connection that wait for their turn. */
export function waitingOn(socket: Duplex): readonly ServerResponse[] {
  return [...(queues.get(socket) ?? [])].filter((response) => response.socket === null);
}

/** Whether no request of its connection has come behind a request. */
export function isLastOf(request: IncomingMessage): boolean {
  const queue = waitingOn(request.socket);
  return queue.findIndex(({ req }) => req === request) === queue.length - 1;
}

/** Makes an answer that somebody else writes the last one of its connection, unless requests wait behind it. */
export function leaveAfter(response: ServerResponse): void {
  const { req } = response;
  if (req.httpVersionMajor < 2 && isLastOf(req)) response.shouldKeepAlive = false;
}

/**
 * How long a connection that is ended is still read, in milliseconds: closed at once, the client's system
 * would see a reset, and could throw the answer away unread.
 */
export const lingerTime = 2000;

/** Connections that are only read any more. */
const lingering = new WeakSet<Duplex>();

/** Whether what comes on a connection concerns nobody. */
export function isLingering(socket: Duplex): boolean {
  return lingering.has(socket);
}

/** Ends a connection as soon as what is written has gone, and its client has seen it. */
export function endGently(socket: Duplex): void {
  lingering.add(socket);
  socket.end();
  const timer = setTimeout(() => socket.destroy(), lingerTime);
  socket.once('close', () => clearTimeout(timer));
}

/** Makes the last answer of a connection end it in that way. */
export function lingerAtEnd(socket: Duplex & { destroySoon?: () => void }): void {
  // By which Node ends it.
  socket.destroySoon = () => endGently(socket);
}

/**
 * Makes a request the last one of its connection: what follows one that two programs could read
 * differently may be the body of it.
 */
export function endWith({ socket }: IncomingMessage): void {
  (socket as Ended)[isEnded] = true;
  lingerAtEnd(socket);
}

/** Whether a request comes behind the last one of its connection. */
export function isBehindEnd({ socket }: IncomingMessage): boolean {
  // What somebody has made for a test, or from another source, may have none.
  return (socket as Ended | undefined)?.[isEnded] === true;
}
