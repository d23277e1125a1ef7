/** A server that tells what it takes after collection. Runs with `--expose-gc`. */
import type { Server, Start } from '../http/server.js';

/** @param module - URL of a module with `start`. */
export async function start(module: string): Promise<Server> {
  const { start } = (await import(module)) as { start: Start };
  const server = await start();
  if ('skipped' in server) throw new Error(`${module}: ${server.skipped}`);
  return server;
}

/** @returns kilobytes of the process that are in memory. */
export async function kilobytes(): Promise<number> {
  for (let time = 0; time < 4; time++) {
    await new Promise((resolve) => setImmediate(resolve));
    globalThis.gc!();
  }
  return process.memoryUsage.rss() / 1_024;
}
