/** Sends `100 Continue` when, and only when, somebody wants the body. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';

/**
 * Lets requests with an `Expect` header come to the server's handlers like any other: the guard
 * refuses unknown expectations, and the first read of a body sends the 100 that its client waits for.
 * By itself Node sends it before anybody has seen the request.
 */
export function handleExpectations(server: Server): void {
  server.on('checkContinue', (request, response) => {
    continueWhenRead(request, response);
    server.emit('request', request, response);
  });
  server.on('checkExpectation', (request, response) => {
    server.emit('request', request, response);
  });
}

/**
 * `_read` is what every way of reading a stream comes to: events, pipes, iteration; or `read` alone, where
 * the whole body is there already. Without a 100 Node would end the connection after the answer.
 */
function continueWhenRead(request: IncomingMessage, response: ServerResponse): void {
  const [prepare, read] = [request._read.bind(request), request.read.bind(request)];
  const go = () => {
    request._read = prepare;
    request.read = read;
    // A body that is dropped after its answer is read as well.
    if (!response.headersSent && !response.destroyed) response.writeContinue();
  };
  request._read = (size) => {
    go();
    prepare(size);
  };
  request.read = (size) => {
    // Of 0 bytes: by the stream itself, when some have come.
    if (size !== 0) go();
    return read(size) as unknown;
  };
}
