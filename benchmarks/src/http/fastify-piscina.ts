/** Fastify with piscina, by hand. */
import { availableParallelism } from 'node:os';
import { Piscina } from 'piscina';
import { startWithPool } from './fastify-pool.js';
import type { Server } from './server.js';

export async function start(): Promise<Server> {
  const threads = availableParallelism();
  const filename = new URL('./pool-task.js', import.meta.url).href;
  const pool = new Piscina({ filename, minThreads: threads, maxThreads: threads });
  return startWithPool((task) => pool.run(task));
}
