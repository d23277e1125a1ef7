/** A node:http server that listens, or says clearly why it cannot, and that closes to the end. */
import { once } from 'node:events';
import { createServer, type RequestListener, type Server as HttpServer } from 'node:http';
import type { Http2Session, Http2Stream } from 'node:http2';
import type { AddressInfo, Server, Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { lingerTime } from './connection.js';
import { ListenError } from './errors.js';
import { applyLimits, checkLimits, limitNames, type ServerLimits } from './limits.js';
import { refuseUnknownOptions } from './misuse.js';

/** Where to listen, and what to put up with there. */
export interface ListenOptions extends ServerLimits {
  /** 0 to 65535; 0 lets the system choose a free port. */
  readonly port: number;
  /**
   * Default `127.0.0.1`: only this machine. `0.0.0.0` (or `::`) serves all networks, which a
   * container image needs.
   */
  readonly host?: string;
  /**
   * A server to listen with, instead of one of node:http: one of node:https or node:http2. The app
   * closes it.
   */
  readonly server?: Server;
}

export const listenNames: readonly (keyof ListenOptions)[] = [
  'port',
  'host',
  'server',
  ...limitNames,
];

/** Where a server listens. */
export interface Address {
  readonly port: number;
  readonly host: string;
  /** `http://127.0.0.1:8000`, without a slash at the end; one that can be opened on this machine. */
  readonly url: string;
}

/**
 * Opens a server.
 * @throws ListenError naming host and port; OptionsError for a limit that is none.
 */
export async function openServer(
  listener: RequestListener,
  // JavaScript may leave them out.
  options: ListenOptions | undefined,
): Promise<{ server: OpenServer; address: Address }> {
  if (options !== undefined) refuseUnknownOptions('listen', options, listenNames);
  if (options?.port === undefined) {
    throw new ListenError(
      'listen was given no port.',
      'Write app.listen({ port: 8000 }); 0 lets the system choose one.',
    );
  }
  const { port, host = '127.0.0.1' } = options;
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    throw new ListenError(
      `The port is ${typeof port === 'string' ? JSON.stringify(port) : String(port)}.`,
      'A port is a whole number from 0 to 65535; 0 lets the system choose one.',
    );
  }
  const limits = checkLimits('listen', options);
  const server = options.server ?? createServer();
  // The app refuses a missing Host itself, with a problem document.
  if ('requireHostHeader' in server) server.requireHostHeader = false;
  applyLimits(server, limits);
  server.on('request', listener);
  const open = watch(server);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      reject(cannotListen(host, port, cause));
    });
    server.listen(port, host, resolve);
  });
  return { server: open, address: addressOf(server) };
}

/** A server and what ends its connections. */
export interface OpenServer {
  readonly server: Server;
  /** Ends idle connections, and the others when what is in work there ends; resolves when they have. */
  readonly end: () => Promise<unknown>;
  readonly endAll: () => void;
}

/** A server of node:http2 does not know its connections. */
function watch(server: Server): OpenServer {
  if ('closeAllConnections' in server && !isHttp2(server)) {
    const http = server as HttpServer;
    const end = () => {
      http.closeIdleConnections();
      return Promise.resolve();
    };
    return { server, end, endAll: () => http.closeAllConnections() };
  }
  const sessions = new Set<Http2Session>();
  const answered = new WeakSet<Http2Session>();
  const sockets = new Set<Socket>();
  server.on('stream', ({ session }: Http2Stream) => {
    if (session !== undefined) answered.add(session);
  });
  server.on('session', (session: Http2Session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
  });
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  return {
    server,
    end: () => {
      // What of an answer the system has not taken yet is lost with its session.
      const closed = [...sessions].filter((session) => answered.has(session));
      const ended = Promise.allSettled(closed.map((session) => once(session, 'close')));
      for (const session of sessions) session.close();
      return ended;
    },
    endAll: () => {
      // The streams of a session see its end at once, that of its socket later.
      for (const session of sessions) session.destroy();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Servers of node:http and node:https have timeouts for headers, those of node:http2 none. */
function isHttp2(server: Server): boolean {
  return !('headersTimeout' in server);
}

/**
 * How long a client that was just about to ask may still do so, in milliseconds: longer than it takes to
 * read an answer and send the next request.
 */
const lateTime = 50;

/**
 * Closes a server: it stops listening at once, and for a moment serves what comes on open connections of HTTP/1.
 * In HTTP/2 clients are told which requests nobody has seen.
 * @param grace - when to end what is left, in milliseconds.
 * @param drained - resolves with true when no request is in work any more, or with false when the grace
 * is over: then all connections that are left are ended.
 */
export async function closeServer(
  { server, end, endAll }: OpenServer,
  grace: number,
  drained: () => Promise<boolean>,
): Promise<void> {
  const closed = stopListening(server);
  await within(Math.min(lateTime, grace), closed);
  // The loop looks at timers before it reads: if it was busy, requests are waiting still.
  await nextTurn();
  const ended = end();
  if (await drained()) await within(lingerTime, ended);
  // Those that have never sent a request count as busy, and their timeouts ended with `close`.
  endAll();
  // What was upgraded belongs to whoever has upgraded it, and its server waits for it.
  await within(lingerTime, closed);
}

/** @returns a promise of the end of its last connection. */
function stopListening(server: Server): Promise<void> {
  return new Promise((resolve) => {
    // Its only error says that the server was closed already.
    const close = () => server.close(() => resolve());
    if (!('closeIdleConnections' in server)) return void close();
    // `close` calls it, and would so lose requests that nobody has read yet, as busy clients have them.
    const { closeIdleConnections } = server;
    server.closeIdleConnections = () => undefined;
    close();
    server.closeIdleConnections = closeIdleConnections;
  });
}

/** Waits, but not longer than so many milliseconds. */
async function within(time: number, settled: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, time)));
  await Promise.race([settled, late]);
  clearTimeout(timer);
}

function addressOf(server: Server): Address {
  const { address: host, port, family } = server.address() as AddressInfo;
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  const scheme = 'setSecureContext' in server ? 'https' : 'http';
  return {
    host,
    port,
    url: `${scheme}://${family === 'IPv6' ? `[${reachable}]` : reachable}:${port}`,
  };
}

const remedies: Readonly<Record<string, string>> = {
  EADDRINUSE: 'Another program listens there: stop it, or choose another port (0 for a free one).',
  EACCES: 'This user may not listen there: ports below 1024 are often reserved.',
  EADDRNOTAVAIL: 'No network of this machine has that address: leave `host` out, or use 0.0.0.0.',
  ENOTFOUND: 'The name of the host is not known: leave `host` out, or use an IP address.',
};

function cannotListen(host: string, port: number, cause: NodeJS.ErrnoException): ListenError {
  const reason = cause.code ?? cause.message;
  return new ListenError(
    `The server cannot listen on ${host}:${port} (${reason}).`,
    remedies[reason] ?? 'See the cause.',
    cause,
  );
}
