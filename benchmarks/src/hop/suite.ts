/** Trips to a thread and back, against bare pools: a trivial step with a small argument. */
import { record, type Measurements } from '../measurements.js';
import type { Options } from '../options.js';
import { Processes } from '../process/candidate-process.js';
import { inRounds } from '../rounds.js';
import { isWanted } from '../suite.js';
import type { InFlight } from './measure.js';

const tinypool = nameOf('tinypool', 2);
const oneThread = nameOf('tinypool', 1);
const bases = [tinypool, oneThread];
const modules = ['tinypool', 'piscina', 'turno', 'turno-call'];
const flying = 64;

function nameOf(module: string, threads: number): string {
  const label = module === 'turno-call' ? 'turno, offloaded call' : module;
  return `${label}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
}

export async function hop(measurements: Measurements, options: Options): Promise<void> {
  await using processes = new Processes();
  const wanted = [2, 1]
    .flatMap((threads) => modules.map((module) => ({ module, threads })))
    .map((each) => ({ ...each, name: nameOf(each.module, each.threads) }))
    .filter(({ name }) => isWanted(name, bases, options));
  const candidates = await Promise.all(
    wanted.map(async ({ name, module, threads }) => {
      const process = processes.start(new URL('./measure.js', import.meta.url));
      await process.call('load', new URL(`./${module}.js`, import.meta.url).href, threads);
      return { name, process };
    }),
  );

  const lower = { better: 'lower', bases } as const;
  const alone = measurements.table({ title: 'one hop alone', unit: 'µs', ...lower });
  const chain = measurements.table({ title: 'chain of 6 sync steps', unit: 'µs', ...lower });
  const fused = measurements.table({
    title: 'chain of 6 sync steps, of one hop of the same candidate',
    unit: 'times',
    better: 'lower',
    bases: [],
  });
  const rate = measurements.table({
    title: `${flying} hops in flight`,
    unit: 'a second',
    better: 'higher',
    bases,
  });
  const loop = measurements.table({
    title: `main thread busy, ${flying} hops in flight`,
    unit: 'µs a hop',
    ...lower,
  });

  const { quick, rounds = quick ? 2 : 7 } = options;
  const time = quick ? 50 : 300;
  await inRounds(candidates, 1, async ({ process }) => {
    await process.call('inFlight', flying, quick ? 50 : 1_000);
  });
  await inRounds(candidates, rounds, async ({ name, process }) => {
    const one = await process.call<number>('alone', time);
    const six = await process.call<number>('chain', time);
    const many = await process.call<InFlight>('inFlight', flying, time);
    record(alone, name, one);
    record(chain, name, six);
    record(fused, name, six / one);
    record(rate, name, many.perSecond);
    record(loop, name, many.loop);
  });
}
