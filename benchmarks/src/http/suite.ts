/** Servers, against bare `node:http`: 64 connections, JSON, one path parameter. */
import { record, type Measurements } from '../measurements.js';
import type { Options } from '../options.js';
import { Processes } from '../process/candidate-process.js';
import { cpuSeconds, residentMegabytes } from '../process/usage.js';
import { inRounds } from '../rounds.js';
import { isWanted } from '../suite.js';
import type { ClosedLoop } from './closed-loop.js';
import { expectedItem } from './item.js';
import { checkAnswer, startServers } from './servers.js';

const bare = 'node:http';
const fastify = 'fastify';
const piscina = 'one hop: fastify + piscina';
const connections = 64;

interface Candidate {
  readonly name: string;
  readonly module: string;
  readonly path: string;
}

const candidates: readonly Candidate[] = [
  { name: bare, module: 'node-http', path: '/items/7' },
  { name: 'turno', module: 'turno-loop', path: '/items/7' },
  { name: fastify, module: 'fastify', path: '/items/7' },
  { name: 'fastify, schemas', module: 'fastify', path: '/schema/7' },
  { name: 'hono', module: 'hono', path: '/items/7' },
  { name: 'express', module: 'express', path: '/items/7' },
  { name: 'nestjs on fastify', module: 'nestjs', path: '/items/7' },
  { name: 'nestjs, request scope', module: 'nestjs', path: '/scoped/7' },
  { name: 'fastapi, async def', module: 'fastapi', path: '/items/7' },
  { name: 'go net/http', module: 'go', path: '/items/7' },
  { name: 'turno, one hop', module: 'turno', path: '/hop/7' },
  { name: piscina, module: 'fastify-piscina', path: '/hop/7' },
  { name: 'one hop: fastify + tinypool', module: 'fastify-tinypool', path: '/hop/7' },
  { name: 'fastapi, def', module: 'fastapi', path: '/hop/7' },
];

export async function http(measurements: Measurements, options: Options): Promise<void> {
  await using processes = new Processes();
  const bases = [bare, fastify, piscina];
  const wanted = candidates.filter(({ name }) => isWanted(name, bases, options));
  const servers = await startServers(
    wanted.map(({ module }) => module),
    processes,
    measurements,
  );
  const able = wanted.flatMap((candidate) => {
    const server = servers.get(candidate.module);
    return server === undefined
      ? []
      : [{ name: candidate.name, url: server.url + candidate.path, pid: server.pid }];
  });
  for (const { url } of able) await checkAnswer(url, expectedItem);

  const rate = measurements.table({
    title: `requests with ${connections} connections`,
    unit: 'a second',
    better: 'higher',
    bases,
  });
  const cost = measurements.table({
    title: 'processor time of the server',
    unit: 'µs a request',
    better: 'lower',
    bases: [bare, fastify, piscina],
  });
  const latency = measurements.table({
    title: '99th percentile of latency',
    unit: 'ms',
    better: 'lower',
    bases: [bare, fastify],
  });
  const memory = measurements.table({
    title: 'memory of the server under load',
    unit: 'MB',
    better: 'lower',
    bases: [bare, fastify, piscina],
  });

  const load = processes.start(new URL('./closed-loop.js', import.meta.url));
  const ask = (url: string, seconds: number): Promise<ClosedLoop> =>
    load.call<ClosedLoop>('closedLoop', url, expectedItem, connections, seconds);
  const { quick, rounds = quick ? 1 : 5 } = options;
  await inRounds(able, 1, ({ url }) => load.call('warmUp', url, connections, quick ? 500 : 4_000));
  await inRounds(able, rounds, async ({ name, url, pid }) => {
    const seconds = quick ? 0.5 : 2;
    const before = cpuSeconds(pid);
    const { perSecond, p99 } = await ask(url, seconds);
    record(rate, name, perSecond);
    record(cost, name, ((cpuSeconds(pid) - before) / (perSecond * seconds)) * 1e6);
    record(latency, name, p99);
    record(memory, name, residentMegabytes(pid));
  });
}
