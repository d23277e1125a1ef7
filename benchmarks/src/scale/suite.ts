/** How things grow: providers, steps, scopes, connections, threads. */
import type { Server } from '../http/server.js';
import { record, type Measurements } from '../measurements.js';
import type { Options } from '../options.js';
import { CandidateProcess, Processes } from '../process/candidate-process.js';
import { inRounds } from '../rounds.js';
import type { Started } from './growing-graph.js';

/** Calls one export in a process that has done nothing else. */
async function fresh<T>(
  module: string,
  name: string,
  args: readonly unknown[],
  options: readonly string[] = [],
): Promise<T> {
  const url = new URL(module, import.meta.url);
  await using process = new CandidateProcess(url, options);
  return await process.call<T>(name, ...args);
}

/**
 * As {@link fresh}, with what collects garbage. Node then compiles its own modules anew, in each thread as well:
 * what it has of them in advance is for the options that it was built with.
 */
function collecting<T>(module: string, name: string, ...args: readonly unknown[]): Promise<T> {
  return fresh<T>(module, name, args, ['--expose-gc']);
}

export async function scale(measurements: Measurements, options: Options): Promise<void> {
  await graphs(measurements, options);
  await plans(measurements, options);
  await threadsAndScopes(measurements, options);
  await connections(measurements, options);
}

async function graphs(
  measurements: Measurements,
  { quick, rounds = quick ? 1 : 3 }: Options,
): Promise<void> {
  const of = 'turno, 10 providers';
  const lower = { better: 'lower', bases: [] } as const;
  const request = measurements.table({
    title: 'a request that needs 5 providers of a graph',
    unit: 'µs of CPU',
    better: 'lower',
    bases: [of],
  });
  const create = measurements.table({ title: 'start: compile and check', unit: 'ms', ...lower });
  const declare = measurements.table({ title: 'start: declare', unit: 'ms', ...lower });
  await inRounds([10, 100, 1_000, 10_000], rounds, async (count) => {
    const name = `turno, ${count.toLocaleString('en')} providers`;
    const time = quick ? 50 : 1_000;
    const started = await collecting<Started>('./growing-graph.js', 'start', count, time);
    record(request, name, started.request);
    record(create, name, started.create);
    record(declare, name, started.declare);
  });
}

async function plans(
  measurements: Measurements,
  { quick, rounds = quick ? 1 : 3 }: Options,
): Promise<void> {
  const table = measurements.table({
    title: 'a request with many steps, for each step',
    unit: 'µs of CPU',
    better: 'lower',
    bases: ['turno, 10 steps'],
  });
  await inRounds([1, 10, 100, 1_000], rounds, async (steps) => {
    const name = `turno, ${steps.toLocaleString('en')} steps`;
    const time = quick ? 50 : 1_000;
    record(table, name, await collecting<number>('./growing-plan.js', 'perStep', steps, time));
  });
}

async function threadsAndScopes(
  measurements: Measurements,
  { quick, rounds = quick ? 1 : 3 }: Options,
): Promise<void> {
  const head = { better: 'lower', bases: [] } as const;
  const ready = measurements.table({ title: 'threads ready, first hop done', unit: 'ms', ...head });
  const thread = measurements.table({ title: 'memory of a thread', unit: 'MB', ...head });
  const scope = measurements.table({
    title: 'memory of an open request scope with 2 values',
    unit: 'bytes',
    ...head,
  });
  await inRounds([1, 2, 4], rounds, async (size) => {
    const name = `turno, ${size} ${size === 1 ? 'thread' : 'threads'}`;
    record(ready, name, await fresh<number>('./memory.js', 'threadsReady', [size]));
    record(thread, name, await collecting<number>('./memory.js', 'perThread', size));
  });
  await inRounds(quick ? [1_000] : [1_000, 50_000], rounds, async (scopes) => {
    const name = `turno, ${scopes.toLocaleString('en')} scopes`;
    record(scope, name, await collecting<number>('./memory.js', 'perScope', scopes));
  });
}

/**
 * With a young generation of one size. It grows in steps of megabytes, up to 48, when V8 sees fit: for 2,000 connections
 * that was up to twice what they hold.
 */
const memoryOptions = ['--expose-gc', '--min-semi-space-size=16', '--max-semi-space-size=16'];

async function connections(
  measurements: Measurements,
  { quick, rounds = quick ? 1 : 3 }: Options,
): Promise<void> {
  const bare = 'node:http';
  const count = quick ? 200 : 2_000;
  const table = measurements.table({
    title: `memory of an idle connection, of ${count.toLocaleString('en')}`,
    unit: 'kB',
    better: 'lower',
    bases: [bare],
  });
  const servers = [
    { name: bare, file: 'node-http' },
    { name: 'turno', file: 'turno-loop' },
    { name: 'fastify', file: 'fastify' },
  ];
  await inRounds(servers, rounds, async ({ name, file }) => {
    await using processes = new Processes();
    const server = processes.start(new URL('./idle-server.js', import.meta.url), memoryOptions);
    const clients = processes.start(new URL('./connections.js', import.meta.url));
    const module = new URL(`../http/${file}.js`, import.meta.url).href;
    const { url } = await server.call<Server>('start', module);
    // What is there for all of them, such as compiled code, has grown by then.
    await clients.call('ask', url, '/items/7', quick ? 1_000 : 50_000);
    const open = async (): Promise<number> => {
      let taken = 0;
      // Collected after every few hundred: what the requests leave behind is not what the connections hold.
      for (let opened = 0; opened < count; opened += count / 4) {
        await clients.call('open', url, '/items/7', count / 4);
        taken = await server.call<number>('kilobytes');
      }
      return taken;
    };
    const before = await open();
    record(table, name, ((await open()) - before) / count);
    await clients.call('close');
  });
}
