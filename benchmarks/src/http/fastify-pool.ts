/** Fastify with a pool of threads, wired by hand: what sync handlers cost without turno. */
import type { AddressInfo } from 'node:net';
import { fastify } from 'fastify';
import { loadItem } from './item.js';
import type { PoolTask } from './pool-task.js';
import { serving, type Server } from './server.js';

/** @param run - runs a task in a thread. */
export async function startWithPool(run: (task: PoolTask) => Promise<unknown>): Promise<Server> {
  const app = fastify();
  app.get<{ Params: { id: string } }>('/items/:id', async ({ params }) =>
    loadItem(Number(params.id)),
  );
  app.get<{ Params: { id: string } }>('/hop/:id', async ({ params }) =>
    run({ work: 'item', of: Number(params.id) }),
  );
  app.get<{ Params: { times: string } }>('/heavy/:times', async ({ params }) =>
    run({ work: 'heavy', of: Number(params.times) }),
  );
  await app.listen({ port: 0, host: '127.0.0.1' });
  return serving((app.server.address() as AddressInfo).port);
}
