/** Hono on its adapter for Node. */
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { heavyOf, itemOf, loadItem } from './item.js';
import { serving, type Server } from './server.js';

export async function start(): Promise<Server> {
  const app = new Hono();
  app.get('/items/:id', async (context) =>
    context.json(await loadItem(Number(context.req.param('id')))),
  );
  app.get('/hop/:id', (context) => context.json(itemOf(Number(context.req.param('id')))));
  app.get('/heavy/:times', (context) => context.json(heavyOf(Number(context.req.param('times')))));
  const address = await new Promise<AddressInfo>((resolve) => {
    serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, resolve);
  });
  return serving(address.port);
}
