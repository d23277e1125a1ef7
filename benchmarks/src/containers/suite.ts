/** Containers, against the same graph wired by hand. */
import { record, type Measurements, type Table } from '../measurements.js';
import type { Options } from '../options.js';
import { Processes, type CandidateProcess } from '../process/candidate-process.js';
import { inRounds } from '../rounds.js';
import { isWanted } from '../suite.js';
import type { Times } from './measure.js';
import { criticalPath, titles, workNames, type WorkName } from './works.js';

const byHand = 'by hand';
const withAwait = 'by hand, one await';

/** The module of each candidate. */
const modules: Readonly<Record<string, string>> = {
  [byHand]: './by-hand.js',
  [withAwait]: './by-hand-await.js',
  turno: './turno.js',
  inversify: './inversify.js',
  nestjs: './nestjs.js',
  tsyringe: './tsyringe.js',
  awilix: './awilix.js',
  'needle-di': './needle-di.js',
  effect: './effect.js',
};

interface Candidate {
  readonly name: string;
  readonly process: CandidateProcess;
  readonly works: readonly WorkName[];
}

export async function containers(measurements: Measurements, options: Options): Promise<void> {
  await using processes = new Processes();
  const wanted = Object.keys(modules).filter((name) =>
    isWanted(name, [byHand, withAwait], options),
  );
  const candidates = await Promise.all(
    wanted.map(async (name): Promise<Candidate> => {
      const process = processes.start(new URL('./measure.js', import.meta.url));
      const module = new URL(modules[name]!, import.meta.url).href;
      return { name, process, works: await process.call<WorkName[]>('load', module) };
    }),
  );
  for (const work of workNames) {
    const able = candidates.filter(({ works }) => works.includes(work));
    const table = tableOf(measurements, work);
    await measureWork(work, table, able, options);
  }
}

function tableOf(measurements: Measurements, work: WorkName): Table {
  const path = criticalPath[work];
  if (path === undefined) {
    const bases = work === 'request' || work === 'transient' ? [byHand, withAwait] : [byHand];
    return measurements.table({
      title: titles[work],
      unit: 'a second of CPU',
      better: 'higher',
      bases,
    });
  }
  const title = `${titles[work]} (critical path: ${path} ms)`;
  return measurements.table({ title, unit: 'ms', better: 'lower', bases: [byHand] });
}

async function measureWork(
  work: WorkName,
  table: Table,
  candidates: readonly Candidate[],
  { quick, rounds = quick ? 2 : 7 }: Options,
): Promise<void> {
  const perSecond = table.better === 'higher';
  const time = quick ? 25 : 250;
  // The pace of a shared machine changes within seconds: turns that are short meet the same one.
  const turns = perSecond && !quick ? 4 : 1;
  // The engine compiles what is hot: that must be over when the first round begins.
  await inRounds(candidates, 1, async ({ process }) => {
    await process.call('measure', work, perSecond ? 3 * time : 1);
  });
  await inRounds(candidates, turns * rounds, async ({ name, process }) => {
    const { cpu, elapsed } = await process.call<Times>('measure', work, time / turns);
    record(table, name, perSecond ? 1e6 / cpu : elapsed / 1_000);
  });
}
