/** A container with ever more providers, and one handler that always needs the same few. */
import { Container, provide, token, type Provider } from '@turno/core';

const scope = 'request';

export interface Started {
  /** Declaring the providers, in milliseconds: what happens when modules are imported. */
  readonly declare: number;
  /** Compiling and checking the graph, in milliseconds. */
  readonly create: number;
  /** Open a scope, resolve the handler, dispose the scope: microseconds of processor time. */
  readonly request: number;
}

/** Providers form trees of five, so that a graph of any size has the same shape. */
function declare(count: number) {
  const providers: Provider[] = [];
  const tokens = Array.from({ length: count }, (_, index) => token<number>(`Node${index}`));
  for (const [index, made] of tokens.entries()) {
    const deps = index % 5 === 0 ? [] : [tokens[index - 1]!];
    providers.push(provide(made, { scope, deps }, async (before = 0) => before + 1));
  }
  return { providers, handler: tokens[4]! };
}

/** @returns what it takes to start with that many providers, and to serve a request then. */
export async function start(count: number, milliseconds: number): Promise<Started> {
  const begun = performance.now();
  const { providers, handler } = declare(count);
  const declared = performance.now();
  const container = await Container.create({ providers });
  const created = performance.now();
  const request = await timeOf(async () => {
    const opened = container.createScope();
    const made = await opened.resolve(handler);
    await opened.dispose();
    if (made !== 5) throw new Error(`The handler has made ${made}, not 5.`);
  }, milliseconds);
  await container.dispose();
  return { declare: declared - begun, create: created - declared, request };
}

/** @returns microseconds of processor time for each run, after a warm-up. */
export async function timeOf(run: () => Promise<void>, milliseconds: number): Promise<number> {
  let runs = 0;
  for (const share of [0.5, 1]) {
    const end = performance.now() + share * milliseconds;
    const before = process.cpuUsage();
    for (runs = 0; runs === 0 || performance.now() < end; runs++) await run();
    const { user, system } = process.cpuUsage(before);
    if (share === 1) return (user + system) / runs;
  }
  return NaN;
}
