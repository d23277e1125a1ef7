/** Bare `node:http`, with as much of a router as the three routes need. */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { heavyOf, itemOf, loadItem } from './item.js';
import { serving, type Server } from './server.js';

function send(response: ServerResponse, body: unknown): void {
  const text = JSON.stringify(body);
  response.writeHead(200, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}

async function answer(url: string, response: ServerResponse): Promise<void> {
  if (url.startsWith('/items/')) send(response, await loadItem(Number(url.slice(7))));
  else if (url.startsWith('/hop/')) send(response, itemOf(Number(url.slice(5))));
  else if (url.startsWith('/heavy/')) send(response, heavyOf(Number(url.slice(7))));
  else response.writeHead(404).end();
}

/** Async handler: `/items/:id`; sync ones, on the loop: `/hop/:id` and `/heavy/:times`. */
export async function start(): Promise<Server> {
  const server = createServer(({ url = '' }, response) => void answer(url, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return serving((server.address() as AddressInfo).port);
}
