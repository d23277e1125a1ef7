/** Runs in the process of a candidate: does its works, checks each result, and says how fast they went. */
import { disposed, type Sum } from './graph.js';
import { expected, workNames, type WorkName, type Works } from './works.js';

let works: Works;

/** What was made last. Kept, so that the engine cannot leave out the making. */
export let kept: Sum | undefined;

/** @returns the names of the works that the candidate has means for. */
export async function load(module: string): Promise<readonly WorkName[]> {
  const { createWorks } = (await import(module)) as { createWorks(): Promise<Works> };
  works = await createWorks();
  return workNames.filter((name) => works[name] !== undefined);
}

export interface Times {
  /** Microseconds by the clock, for each. */
  readonly elapsed: number;
  /** Microseconds of processor time, for each: on a busy machine the clock says less. */
  readonly cpu: number;
}

/**
 * Does a work again and again for a time.
 * @throws Error if a result is not as it has to be.
 */
export async function measure(name: WorkName, milliseconds: number): Promise<Times> {
  const work = works[name]!;
  const disposedBefore = disposed.count;
  const isAsync = work() instanceof Promise;
  let done = 1;
  const cpuBefore = process.cpuUsage();
  const started = performance.now();
  const end = started + milliseconds;
  // The clock is read once in a while: reading it takes longer than some works.
  let batch = 1;
  let now = started;
  while (now < end) {
    if (isAsync) await runAsync(work as () => Promise<Sum>, expected[name], batch);
    else run(work as () => Sum, expected[name], batch);
    done += batch;
    const before = now;
    now = performance.now();
    if (now - before < 1) batch *= 2;
  }
  const { user, system } = process.cpuUsage(cpuBefore);
  if (name === 'request') checkDisposed(disposed.count - disposedBefore, done);
  const times = done - 1;
  return { elapsed: ((now - started) * 1_000) / times, cpu: (user + system) / times };
}

function run(work: () => Sum, value: number, times: number): void {
  for (let time = 0; time < times; time++) check((kept = work()), value);
}

async function runAsync(work: () => Promise<Sum>, value: number, times: number): Promise<void> {
  for (let time = 0; time < times; time++) check((kept = await work()), value);
}

function check(sum: Sum, value: number): void {
  if (sum.value !== value) throw new Error(`The result is ${sum.value}, not ${value}.`);
}

function checkDisposed(count: number, scopes: number): void {
  // The first one, which tells whether the work is async, may be in work still.
  if (count < 5 * (scopes - 1) || count > 5 * scopes) {
    throw new Error(`${count} values of ${scopes} scopes were disposed, not 5 of each.`);
  }
}
