/** Fastify, without any injection. */
import type { AddressInfo } from 'node:net';
import { fastify } from 'fastify';
import { heavyOf, itemOf, loadItem } from './item.js';
import { serving, type Server } from './server.js';

interface ById {
  Params: { id: string };
}

const id = { type: 'integer' };
const params = { type: 'object', properties: { id }, required: ['id'] };
const item = {
  type: 'object',
  properties: { id, name: { type: 'string' }, price: { type: 'integer' } },
};

/** Async handlers; `/schema/:id` with a schema of what it answers. */
export async function start(): Promise<Server> {
  const app = fastify();
  app.get<ById>('/items/:id', async ({ params }) => loadItem(Number(params.id)));
  app.get<{ Params: { id: number } }>(
    '/schema/:id',
    { schema: { params, response: { 200: item } } },
    async (request) => loadItem(request.params.id),
  );
  app.get<ById>('/hop/:id', async ({ params }) => itemOf(Number(params.id)));
  app.get<{ Params: { times: string } }>('/heavy/:times', async ({ params }) =>
    heavyOf(Number(params.times)),
  );
  await app.listen({ port: 0, host: '127.0.0.1' });
  return serving((app.server.address() as AddressInfo).port);
}
