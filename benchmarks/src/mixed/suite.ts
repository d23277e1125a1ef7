/** Mixed load: how long a light async route takes while clients keep a synchronous one busy. */
import { cpus } from 'node:os';
import { heavyOf, expectedItem } from '../http/item.js';
import type { Server } from '../http/server.js';
import { checkAnswer, startServers } from '../http/servers.js';
import { record, type Measurements } from '../measurements.js';
import type { Options } from '../options.js';
import { Processes } from '../process/candidate-process.js';
import { cpuSeconds } from '../process/usage.js';
import { inRounds } from '../rounds.js';
import { isWanted } from '../suite.js';
import { timesFor } from './calibrate.js';
import type { Load, OpenLoop } from './open-loop.js';

const piscina = 'fastify + piscina';
const nice = 'fastify + piscina, niceness 10';
const bases = [piscina, nice];
const heavyMilliseconds = 50;
const heavyClients = 4;
const perSecond = 200;

interface Candidate {
  readonly name: string;
  readonly module: string;
  /** Whether its loop turns at another speed than that of Node. */
  readonly other?: true;
}

const candidates: readonly Candidate[] = [
  { name: 'turno', module: 'turno' },
  { name: piscina, module: 'fastify-piscina' },
  { name: nice, module: 'fastify-piscina-nice' },
  { name: 'fastify + tinypool', module: 'fastify-tinypool' },
  { name: 'fastify, on the loop', module: 'fastify' },
  { name: 'express, on the loop', module: 'express' },
  { name: 'nestjs, on the loop', module: 'nestjs' },
  { name: 'fastapi, def', module: 'fastapi', other: true },
  { name: 'go net/http', module: 'go', other: true },
];

export async function mixed(measurements: Measurements, options: Options): Promise<void> {
  await using processes = new Processes();
  const wanted = candidates.filter(({ name }) => isWanted(name, bases, options));
  const servers = await startServers(
    ['node-http', ...wanted.map(({ module }) => module)],
    processes,
    measurements,
  );
  const bare = servers.get('node-http')!;
  const timesInNode = await timesFor(heavyUrl(bare), bare.pid, heavyMilliseconds);
  const able: { name: string; pid: number; load: Omit<Load, 'seconds' | 'heavyClients'> }[] = [];
  for (const { name, module, other } of wanted) {
    const server = servers.get(module);
    if (server === undefined) continue;
    const url = heavyUrl(server);
    const times = other ? await timesFor(url, server.pid, heavyMilliseconds) : timesInNode;
    const heavyBody = JSON.stringify(heavyOf(times));
    await checkAnswer(`${url}${times}`, heavyBody);
    const lightUrl = `${server.url}/items/7`;
    const load = {
      lightUrl,
      lightBody: expectedItem,
      perSecond,
      heavyUrl: `${url}${times}`,
      heavyBody,
    };
    able.push({ name, pid: server.pid, load });
  }

  const loaded = measurements.table({
    title: `99th percentile of the light route under load, of that without (${perSecond} a second; ${heavyClients} clients of ${heavyMilliseconds} ms each)`,
    unit: 'times',
    better: 'lower',
    bases: [],
  });
  const milliseconds = measurements.table({
    title: '99th percentile of the light route under load',
    unit: 'ms',
    better: 'lower',
    bases,
  });
  const alone = measurements.table({
    title: '99th percentile of the light route without load',
    unit: 'ms',
    better: 'lower',
    bases,
  });
  const throughput = measurements.table({
    title: 'heavy answers',
    unit: 'a second',
    better: 'higher',
    bases,
  });
  const efficiency = measurements.table({
    title: 'heavy answers for each second of processor time of the server',
    unit: 'a second of CPU',
    better: 'higher',
    bases,
  });
  const cores = measurements.table({
    title: 'share of the cores that the server has used under load',
    unit: 'of all',
    better: 'higher',
    bases: [],
  });

  const clients = processes.start(new URL('./open-loop.js', import.meta.url));
  const run = (load: Load): Promise<OpenLoop> => clients.call<OpenLoop>('openLoop', load);
  const { quick, rounds = quick ? 1 : 3 } = options;
  await inRounds(able, 1, async ({ load }) => {
    await run({ ...load, perSecond: 1_000, heavyClients: 0, seconds: quick ? 0.2 : 1 });
  });
  await inRounds(able, rounds, async ({ name, pid, load }) => {
    const idle = await run({ ...load, heavyClients: 0, seconds: quick ? 0.4 : 2.5 });
    const [cpu, time] = [cpuSeconds(pid), performance.now()];
    const busy = await run({ ...load, heavyClients, seconds: quick ? 0.8 : 5 });
    const elapsed = (performance.now() - time) / 1_000;
    record(loaded, name, busy.p99 / idle.p99);
    record(milliseconds, name, busy.p99);
    record(alone, name, idle.p99);
    record(throughput, name, busy.heavyPerSecond);
    const used = cpuSeconds(pid) - cpu;
    record(efficiency, name, (busy.heavyPerSecond * elapsed) / used);
    record(cores, name, used / elapsed / cpus().length);
  });
}

function heavyUrl({ url }: Server): string {
  return `${url}/heavy/`;
}
