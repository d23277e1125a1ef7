/** Express, in production mode as its guide on performance says. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { heavyOf, itemOf, loadItem } from './item.js';
import { serving, type Server } from './server.js';

export async function start(): Promise<Server> {
  process.env.NODE_ENV = 'production';
  const { default: express } = await import('express');
  const app = express();
  app.get('/items/:id', async (request, response) => {
    response.json(await loadItem(Number(request.params.id)));
  });
  app.get('/hop/:id', (request, response) => {
    response.json(itemOf(Number(request.params.id)));
  });
  app.get('/heavy/:times', (request, response) => {
    response.json(heavyOf(Number(request.params.times)));
  });
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return serving((server.address() as AddressInfo).port);
}
