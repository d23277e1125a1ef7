/** Ends connections and streams whose client takes nothing of an answer that waits for it. */
import type { Server as HttpServer } from 'node:http';
import type { Http2Server, ServerHttp2Stream } from 'node:http2';
import type { Server, Socket } from 'node:net';

/** NGHTTP2_CANCEL: worker threads, which import this package, need no node:http2. */
const cancel = 8;

/**
 * Node has no such limit, and its timeout of a socket would also end a request whose handler only
 * takes its time. So all connections, and streams of HTTP/2, are looked at now and then: those on which
 * bytes wait get that timeout, which each byte that the client takes sets back, until none waits any
 * more.
 * @param timeout - in milliseconds; 0 for none.
 */
export function limitWrites(server: Server, timeout: number): void {
  if (timeout === 0) return;
  // The fraction, which timers ignore, tells it from timeouts that Node sets meanwhile.
  const mark = timeout + 0.5;
  const writers = new Set<Socket | ServerHttp2Stream>();
  function forget(this: Socket | ServerHttp2Stream): void {
    writers.delete(this);
  }
  const add = (writer: Socket | ServerHttp2Stream) => {
    writers.add(writer);
    // One function for all; and `on`, since it comes once anyway: what either would make stays as long as the connection.
    writer.on('close', forget);
  };
  // Over TLS both come, and bytes wait on the second.
  server.on('connection', add).on('secureConnection', add);
  (server as Http2Server).on('stream', (stream) => {
    add(stream);
    stream.on('timeout', () => {
      if (timeoutOf(stream) === mark) endStream(stream, timeout);
    });
  });
  const look = () => {
    for (const writer of writers) {
      if (writer.writableLength > 0) {
        if (timeoutOf(writer) !== mark) writer.setTimeout(mark);
      } else if (timeoutOf(writer) === mark) {
        const usual = 'session' in writer ? 0 : (server as Partial<HttpServer>).timeout;
        writer.setTimeout(usual ?? 0);
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

/** Those of node:http2 have it too, though their types do not say so. */
function timeoutOf(writer: Socket | ServerHttp2Stream): number | undefined {
  return (writer as { readonly timeout?: number }).timeout;
}

/** Others of its session may go on; where nothing goes any more the session ends as well. */
function endStream(stream: ServerHttp2Stream, timeout: number): void {
  const { session } = stream;
  stream.close(cancel);
  // The reset may have to wait as the answer did.
  stream.destroy();
  // At the second time: at the first what comes may be there already, behind what has held the loop.
  session?.setTimeout(timeout, () => session.setTimeout(timeout, () => session.destroy()));
}
