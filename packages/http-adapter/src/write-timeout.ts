/** Ends connections whose client takes nothing of an answer that waits for it. */
import type { Server as HttpServer } from 'node:http';
import type { Server, Socket } from 'node:net';

/**
 * Node has no such limit, and its timeout of a socket would also end a request whose handler only
 * takes its time. So all connections are looked at now and then: those on which bytes wait get that
 * timeout, which each byte that the client takes sets back, until none waits any more.
 * @param timeout - in milliseconds; 0 for none.
 */
export function limitWrites(server: Server, timeout: number): void {
  if (timeout === 0) return;
  // The fraction, which timers ignore, tells it from timeouts that Node sets meanwhile.
  const mark = timeout + 0.5;
  const sockets = new Set<Socket>();
  const add = (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  };
  // Over TLS both come, and bytes wait on the second.
  server.on('connection', add).on('secureConnection', add);
  const look = () => {
    for (const socket of sockets) {
      if (socket.writableLength > 0) {
        if (socket.timeout !== mark) socket.setTimeout(mark);
      } else if (socket.timeout === mark) {
        socket.setTimeout((server as Partial<HttpServer>).timeout ?? 0);
      }
    }
  };
  let interval: NodeJS.Timeout | undefined;
  server.on('listening', () => {
    clearInterval(interval);
    // Before a timeout ends a connection on which nothing waits any more.
    interval = setInterval(look, Math.max(1, Math.min(1000, Math.floor(timeout / 4)))).unref();
  });
  // After `server.close` it goes on, until the last connection has ended.
  server.on('close', () => clearInterval(interval));
}
