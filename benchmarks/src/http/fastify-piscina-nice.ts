/** Fastify with piscina, by hand, with threads that give way to the loop. */
import type { Server } from './server.js';

export async function start(): Promise<Server> {
  process.env.BENCH_NICENESS = '10';
  return (await import('./fastify-piscina.js')).start();
}
