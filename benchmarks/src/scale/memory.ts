/** What scopes and threads take. Runs with `--expose-gc`: the heap is measured after collection. */
import { Container, provide, token } from '@turno/core';

const scope = 'request';
const First = token<object>('First');
const Second = token<object>('Second');
const InThread = token<number>('InThread');

const providers = [
  provide(First, { scope }, async () => ({ of: 'first' })),
  provide(Second, { scope, deps: [First] }, async (first) => ({ first })),
  provide(InThread, { scope }, () => 1),
];

async function collect(): Promise<NodeJS.MemoryUsage> {
  for (let time = 0; time < 4; time++) {
    await new Promise((resolve) => setImmediate(resolve));
    globalThis.gc!();
  }
  return process.memoryUsage();
}

/** @returns bytes of the heap for each open scope that keeps two values. */
export async function perScope(scopes: number): Promise<number> {
  const container = await Container.create({ providers: providers.slice(0, 2) });
  const open = async () => {
    const opened = container.createScope();
    await opened.resolve(Second);
    return opened;
  };
  for (let time = 0; time < 1_000; time++) await (await open()).dispose();
  const before = await collect();
  const opened = [];
  for (let count = 0; count < scopes; count++) opened.push(await open());
  const after = await collect();
  for (const each of opened) await each.dispose();
  await container.dispose();
  return (after.heapUsed - before.heapUsed) / scopes;
}

export interface ThreadCost {
  /** Until the threads have run their first hop, in milliseconds. */
  readonly ready: number;
  /** Of the process, for each thread. */
  readonly megabytes: number;
}

/** @returns what it takes to start threads, and to have them. */
export async function perThread(size: number): Promise<ThreadCost> {
  const before = await collect();
  const started = performance.now();
  const container = await Container.create({ providers, threads: { size } });
  await container.run((opened) => opened.resolve(InThread));
  const ready = performance.now() - started;
  const after = await collect();
  await container.dispose();
  return { ready, megabytes: (after.rss - before.rss) / size / 2 ** 20 };
}
