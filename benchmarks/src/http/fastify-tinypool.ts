/** Fastify with tinypool, by hand. */
import { availableParallelism } from 'node:os';
import { Tinypool } from 'tinypool';
import { startWithPool } from './fastify-pool.js';
import type { Server } from './server.js';

export async function start(): Promise<Server> {
  const threads = availableParallelism();
  const filename = new URL('./pool-task.js', import.meta.url).href;
  const pool = new Tinypool({ filename, minThreads: threads, maxThreads: threads });
  return startWithPool((task) => pool.run(task) as Promise<unknown>);
}
