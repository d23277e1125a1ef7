/** What was measured of the steps of plans, for who decides by it: how long they run, and block. */
import { providerKey, type Node } from './node.js';
import type { Measured } from './threads/executor.js';
import { Timing } from './timing.js';

/** Below so many runs a mean says little. */
const fewRuns = 8;

/** How long steps run in threads, and what it costs to get there. */
export class StepTimes {
  constructor(private readonly measured: Measured) {}

  /**
   * The mean time, in milliseconds, that a step ran in threads, its own part of the hop.
   * @returns undefined below 8 runs.
   */
  meanRunTime(node: Node): number | undefined {
    const times = this.runTimes(node);
    return times === undefined || times.count < fewRuns ? undefined : times.mean;
  }

  /**
   * What half of the trips to the threads of a group cost at most beside the time that their steps run,
   * in milliseconds: a few that met a busy machine say nothing.
   * @returns undefined below 8 trips.
   */
  medianOverhead(group?: string): number | undefined {
    const times = this.overhead(group);
    return times.count < fewRuns ? undefined : times.percentile(50);
  }

  /** @returns undefined where it has not run in a thread. */
  runTimes(node: Node): Timing | undefined {
    return this.measured.runTimes(providerKey(node));
  }

  overhead(group?: string): Timing {
    return this.measured.overhead(group);
  }
}

/**
 * Of all runs of a plan these are measured: the first ones, then one in so many, and, where much is known already,
 * one in many more: to measure one in 64 for ever took ten transient nodes a seventh of their time.
 */
const firstRuns = 8;
const oneIn = 64;
const manyRuns = 4_096;
const laterOneIn = 1_024;

/** Says which runs of a plan are measured on the loop. */
export class Sampling {
  #runs = 0;

  /** Whether the run that begins now is one of them. */
  next(): boolean {
    const run = this.#runs++;
    return run < firstRuns || run % (run < manyRuns ? oneIn : laterOneIn) === 0;
  }
}

/** What blocks the loop for less, in milliseconds, is only counted: most steps need no more memory. */
const noticed = 1;

interface Blocking {
  short: number;
  readonly times: Timing;
}

/** By node, how long it held the loop. */
const blocking = new WeakMap<Node, Blocking>();

/**
 * Notes how long a step held the loop, in milliseconds: its constructor, or its method up to the
 * return, that of an async one up to its first `await`.
 */
export function noteBlocking(node: Node, time: number): void {
  let known = blocking.get(node);
  if (known === undefined) blocking.set(node, (known = { short: 0, times: new Timing() }));
  if (time >= noticed) known.times.record(time);
  else known.short++;
}

/** How often a step was measured on the loop, and for how long it held that. */
export interface BlockingTimes {
  readonly count: number;
  /** In milliseconds; 0 for less than one. */
  percentile(percent: number): number;
}

/** @returns undefined where it was not measured. */
export function blockingTimes(node: Node): BlockingTimes | undefined {
  const known = blocking.get(node);
  if (known === undefined) return undefined;
  const { short, times } = known;
  const count = short + times.count;
  return {
    count,
    percentile(percent) {
      // Its place among the long ones, which come after all the short ones.
      const place = (count * percent) / 100 - short;
      return place <= 0 ? 0 : times.percentile((place / times.count) * 100);
    },
  };
}
