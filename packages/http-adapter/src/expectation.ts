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

/** `_read` is what every way of reading a stream comes to: events, pipes, iteration. */
function continueWhenRead(request: IncomingMessage, response: ServerResponse): void {
  const read = request._read.bind(request);
  request._read = (size) => {
    request._read = read;
    // A body that is dropped after its answer is read as well.
    if (!response.headersSent && !response.destroyed) response.writeContinue();
    read(size);
  };
}
