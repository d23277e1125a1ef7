/** Answers what is no request: bytes that Node's parser refuses, and clients that are too slow. */
import type { Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { endGently, isLingering, lingerAtEnd, waitingOn } from './connection.js';
import { noProxy } from './guard.js';
import { HttpError, phraseOf } from './http-error.js';
import { problemAnswer } from './problem.js';

/** Told of what was refused: the status of the answer, and why, as Node's parser says it. */
type RefusalListener = (status: number, reason: string) => void;

const listeners = new WeakMap<object, RefusalListener>();

/** Tells of each answer to what is no request. @param server - one of node:http, or with its events. */
export function onClientRefusal(server: object, listener: RefusalListener): void {
  listeners.set(server, listener);
}

/** Answers with a problem document and closes the connection; nothing is sent into another answer. */
export function answerClientErrors(server: Server): void {
  const refused = new WeakSet<Duplex>();
  server.on('clientError', (error: ClientError, socket) => {
    // The parser complains again with each packet that still comes.
    if (refused.has(socket) || isLingering(socket)) return;
    refused.add(socket);
    if (!socket.writable) {
      socket.destroy();
      return;
    }
    // As Node's own answer does, which has no public way to know of it either.
    const current = (socket as WithMessage)._httpMessage;
    const [first, ...others] = current ? [current, ...waitingOn(socket)] : [];
    if (first === undefined || (!first.req.complete && !first.headersSent)) {
      const refusal = meaningOf(error);
      listeners.get(server)?.(refusal.status, error.code ?? error.message);
      end(socket, refusal);
    } else if (first.req.complete) {
      // What comes behind requests does not spoil their answers, the last of which ends it all.
      const last = others.filter(({ req }) => req.complete).at(-1) ?? first;
      last.shouldKeepAlive = false;
      lingerAtEnd(socket);
      if (last.writableFinished) end(socket, undefined);
      else last.once('finish', () => end(socket, undefined));
    } else {
      // The body is wrong, and its answer is on the way: it gets no further.
      end(socket, undefined);
    }
  });
  server.on('connect', (request, socket) => {
    // A listener of the user's own makes it a proxy.
    if (server.listenerCount('connect') > 1) return;
    if (request.httpVersionMajor >= 2) {
      // It has a response instead, which is as good as that of any other request.
      server.emit('request', request, socket);
      return;
    }
    // Its parser, which would read it to the end, is gone.
    socket.on('error', () => socket.destroy()).resume();
    end(socket, noProxy());
  });
}

type WithMessage = Duplex & { readonly _httpMessage?: ServerResponse | null };

interface ClientError extends Error {
  readonly code?: string;
  readonly rawPacket?: Buffer;
}

function end(socket: Duplex, error: HttpError | undefined): void {
  if (error !== undefined) socket.write(textOf(error));
  endGently(socket);
}

function meaningOf({ code, rawPacket }: ClientError): HttpError {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new HttpError(408, 'The request came too slowly.');
  if (code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW') {
    return new HttpError(413, 'The extensions of a chunk are too long.');
  }
  if (code === 'HPE_HEADER_OVERFLOW') {
    return isLongLine(rawPacket)
      ? new HttpError(414, 'The URL is too long.')
      : new HttpError(431, 'The headers are too long.');
  }
  if (code === 'HPE_INVALID_VERSION' && hasVersion(rawPacket)) {
    return new HttpError(505, 'This server speaks HTTP/1.1.');
  }
  return new HttpError(400, 'The request is malformed.');
}

/** Half of what the parser takes for a request line and all headers. */
const longLine = 8192;

/** Whether it is the request line that is too long. */
function isLongLine(packet: Buffer | undefined): boolean {
  if (packet === undefined) return false;
  const end = packet.indexOf('\n');
  return /^[A-Z-]+ [/h]/.test(packet.toString('latin1', 0, 32)) && (end === -1 || end > longLine);
}

/** Node says that a version is invalid, too, when the end of its line is. */
function hasVersion(packet: Buffer | undefined): boolean {
  const line = packet?.toString('latin1').split('\r\n', 1)[0] ?? '';
  return / HTTP\/\d\.\d$/.test(line);
}

function textOf(error: HttpError): string {
  const { status, headers, body = '' } = problemAnswer(error);
  const lines = Object.entries({
    ...headers,
    date: new Date().toUTCString(),
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${phraseOf(status)}\r\n${lines.join('')}\r\n${body.toString()}`;
}
