/** Decides for each run of a hop whether its branches run at the same time, from measured times. */
import type { Hop } from './hop.js';
import type { Node } from './node.js';
import { findSplit, joinTail, type Split } from './split.js';
import type { Executor } from './threads/executor.js';

/** What was measured so far. */
export interface MeasuredTimes {
  /** How long a step runs in a thread, in milliseconds; undefined where too little is known. */
  meanRunTime(node: Node): number | undefined;
  /** What a hop of a group costs beside that, in milliseconds; likewise. */
  medianOverhead(group: string): number | undefined;
}

/** How a hop is to run now. */
export interface Choice {
  /** Set where its branches are to run at the same time. */
  readonly split: Split | undefined;
  /**
   * Positions in `definition.steps` of values that would have to cross, if the hop were taken apart:
   * its thread is to say whether they could.
   */
  readonly probe: readonly number[] | undefined;
  /** To be told what the thread says. */
  readonly probed: ((crosses: boolean) => void) | undefined;
  /** To be told how long the branches and their meeting took, in milliseconds. */
  readonly ended: ((time: number) => void) | undefined;
}

interface State {
  runs: number;
  split: Split | undefined;
  probe: readonly number[];
  /** How often in a row all values could have crossed. */
  crossed: number;
  /** A value could not cross, or it does not pay: the hop stays whole for good. */
  isWhole: boolean;
  /** Of the latest runs in which it was taken apart, in milliseconds. */
  took: number[];
}

const whole: Choice = { split: undefined, probe: undefined, probed: undefined, ended: undefined };

/** After so many runs a hop is looked at for the first time, then whenever that has doubled. */
const firstLook = 8;

/** How often the values must have been able to cross before a hop is taken apart. */
const enough = 4;

/** After so many runs in which a hop was taken apart, it is looked at whether that pays. */
const tried = 8;

/** Which hops are taken apart: those where nobody can tell, also those whose parts share objects, none. */
export type Splitting = 'unseen' | 'sharing' | 'never';

export class Splitter {
  private readonly states = new WeakMap<Hop, State>();

  constructor(
    private readonly executor: Executor,
    private readonly times: MeasuredTimes,
    private readonly splitting: Splitting,
  ) {}

  /** @param values - what the run has so far, by step. */
  choose(hop: Hop, values: readonly unknown[]): Choice {
    const { times, splitting } = this;
    if (hop.steps.length < 3 || splitting === 'never') return whole;
    const state = this.stateOf(hop);
    if (state.isWhole) return whole;
    const runs = ++state.runs;
    if (runs >= firstLook && (runs & (runs - 1)) === 0) this.look(hop, state, times);
    const { split } = state;
    if (split === undefined) return whole;
    if (state.crossed < enough) {
      const probed = (crosses: boolean): void => {
        if (crosses) state.crossed++;
        else state.isWhole = true;
      };
      return { split: undefined, probe: state.probe, probed, ended: undefined };
    }
    // What one part does to an object that it shares with another one would be lost.
    if (splitting === 'unseen' && split.shared.some((step) => isObject(values[step]))) return whole;
    // Each branch must start at once: a branch that waits saves nothing.
    if (this.executor.free(hop.definition.group) < split.branches.length) return whole;
    const ended = (time: number): void => note(state, split, time);
    return { split, probe: undefined, probed: undefined, ended };
  }

  /** The way in which the hop runs where threads are idle, if it is taken apart then. */
  splitOf(hop: Hop): Split | undefined {
    const state = this.states.get(hop);
    return state !== undefined && !state.isWhole && state.crossed >= enough
      ? state.split
      : undefined;
  }

  /**
   * Values of these branches could not cross this time: the hop that makes them again, together with
   * what needs them. The hop stays whole from now on.
   */
  rejoin(hop: Hop, split: Split, branches: readonly Hop[]): Hop {
    this.stateOf(hop).isWhole = true;
    return joinTail(split, branches, hop.context);
  }

  private stateOf(hop: Hop): State {
    let state = this.states.get(hop);
    if (state === undefined) {
      state = { runs: 0, split: undefined, probe: [], crossed: 0, isWhole: false, took: [] };
      this.states.set(hop, state);
    }
    return state;
  }

  private look(hop: Hop, state: State, times: MeasuredTimes): void {
    const overhead = times.medianOverhead(hop.definition.group);
    const ran = ({ node }: Hop['steps'][number]): number | undefined => times.meanRunTime(node);
    const split =
      overhead === undefined ? undefined : findSplit(hop.steps, hop.context, { ran, overhead });
    // All that the branches make: what does not cross must have no end either, since that would come
    // before what the branches meet in.
    const apart = new Set(split?.branches.flatMap(({ steps }) => steps));
    const probe = hop.steps.flatMap((step, position) =>
      apart.has(step) && step.node.kind === 'method' ? [position] : [],
    );
    // Another way to cut it has other values that cross.
    if (probe.join() !== state.probe.join()) {
      state.crossed = 0;
      state.took = [];
    }
    state.probe = probe;
    state.split = split;
  }
}

function isObject(value: unknown): boolean {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

/** Large values may cost more on their way than the branches save. */
function note(state: State, { whole }: Split, time: number): void {
  if (state.took.push(time) < tried) return;
  const median = state.took.sort((a, b) => a - b)[tried / 2] as number;
  if (median > whole) state.isWhole = true;
  state.took = [];
}
