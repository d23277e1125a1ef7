/** Runs in the process of a candidate: sends hops, checks what comes back, and says how long that takes. */
import { percentile } from '../statistics.js';
import { chainLength, type Open, type Threads } from './threads.js';

export interface InFlight {
  readonly perSecond: number;
  /** How long the loop was busy for each hop, in microseconds. */
  readonly loop: number;
}

let threads: Threads;

export async function load(module: string, size: number): Promise<void> {
  const { open } = (await import(module)) as { open: Open };
  threads = await open(size);
}

/** @returns the median of hops one after the other, in microseconds. */
export async function alone(milliseconds: number): Promise<number> {
  return medianOf(threads.hop, 1, milliseconds);
}

/** @returns the median of chains one after the other, in microseconds. */
export async function chain(milliseconds: number): Promise<number> {
  return medianOf(threads.chain, chainLength, milliseconds);
}

async function medianOf(
  run: (number: number) => Promise<number>,
  adds: number,
  milliseconds: number,
): Promise<number> {
  const times: number[] = [];
  const end = performance.now() + milliseconds;
  for (let now = performance.now(); now < end || times.length === 0;) {
    check(await run(times.length), times.length + adds);
    const ended = performance.now();
    times.push((ended - now) * 1_000);
    now = ended;
  }
  return percentile(times, 0.5);
}

/** @param flying - how many hops are on their way at the same time. */
export async function inFlight(flying: number, milliseconds: number): Promise<InFlight> {
  let done = 0;
  const started = performance.now();
  const end = started + milliseconds;
  const loopBefore = performance.eventLoopUtilization();
  const send = async (): Promise<void> => {
    while (performance.now() < end) {
      const number = done++;
      check(await threads.hop(number), number + 1);
    }
  };
  await Promise.all(Array.from({ length: flying }, send));
  const { active } = performance.eventLoopUtilization(loopBefore);
  return {
    perSecond: (done * 1_000) / (performance.now() - started),
    loop: (active * 1_000) / done,
  };
}

function check(result: number, expected: number): void {
  if (result !== expected) throw new Error(`The result is ${result}, not ${expected}.`);
}
