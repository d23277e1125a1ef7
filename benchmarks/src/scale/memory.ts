/** What scopes and threads take. Memory is measured after collection, with `--expose-gc`. */
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

/** @returns milliseconds until the threads have started and run their first hop. */
export async function threadsReady(size: number): Promise<number> {
  const started = performance.now();
  const container = await startThreads(size);
  const ready = performance.now() - started;
  await container.dispose();
  return ready;
}

/** @returns megabytes of the process, for each thread. */
export async function perThread(size: number): Promise<number> {
  const before = await collect();
  const container = await startThreads(size);
  const after = await collect();
  await container.dispose();
  return (after.rss - before.rss) / size / 2 ** 20;
}

async function startThreads(size: number): Promise<Container> {
  const container = await Container.create({ providers, threads: { size } });
  await container.run((opened) => opened.resolve(InThread));
  return container;
}
