/** Starts the servers of a suite, each in a process of its own. */
import type { Measurements } from '../measurements.js';
import type { Processes } from '../process/candidate-process.js';
import type { Server, Skipped } from './server.js';

/** @returns the servers that can run here, by module; why others cannot is noted. */
export async function startServers(
  modules: readonly string[],
  processes: Processes,
  measurements: Measurements,
): Promise<ReadonlyMap<string, Server>> {
  const started = await Promise.all(
    [...new Set(modules)].map(async (module) => {
      const process = processes.start(new URL(`./${module}.js`, import.meta.url));
      return [module, await process.call<Server | Skipped>('start')] as const;
    }),
  );
  const servers = new Map<string, Server>();
  for (const [module, server] of started) {
    if ('skipped' in server) measurements.skipped.set(module, server.skipped);
    else servers.set(module, server);
  }
  return servers;
}

/** @throws Error unless a server answers with what it has to. */
export async function checkAnswer(url: string, body: string): Promise<void> {
  const response = await fetch(url);
  const text = await response.text();
  if (response.status !== 200 || text !== body) {
    throw new Error(`${url}: ${response.status} ${text}, not 200 ${body}.`);
  }
}
