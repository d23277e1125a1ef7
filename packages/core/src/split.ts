/** Finds branches of a hop that meet in a later step only, and could run on threads of their own. */
import { describeHop, mayLeave, type Hop, type HopContext } from './hop.js';
import type { Step } from './step.js';

/** A hop taken apart: the branches run at the same time, what they meet in afterwards. */
export interface Split {
  readonly branches: readonly Hop[];
  readonly tail: Hop;
  /** Inputs of the hop, by step, that more than one part gets: each a copy of its own. */
  readonly shared: readonly number[];
  /** How long the hop takes if it stays whole, in milliseconds. */
  readonly whole: number;
}

/** What a split depends on, in milliseconds. */
export interface SplitTimes {
  /** How long a step runs; undefined where that is not known yet. */
  readonly ran: (step: Step) => number | undefined;
  /** What a hop costs beside what its steps run. */
  readonly overhead: number;
}

/** Hops with more steps are not taken apart: each way to cut one is looked at. */
const mostSteps = 64;

/** How much sooner, in milliseconds, all must be done for a split to be worth its trips. */
const leastGain = 1;

/**
 * The way to take a hop apart that saves most time; undefined where none saves any. Only what leaves
 * its hop anyhow, or is made by a method and might cross, may be made on another thread.
 * @param members - the steps of the hop, in topological order.
 */
export function findSplit(
  members: readonly Step[],
  context: HopContext,
  { ran, overhead }: SplitTimes,
): Split | undefined {
  // What the thread keeps for itself goes with each step that needs it.
  const own = members.filter((step) => step.bound !== 'thread');
  if (own.length < 3 || own.length > mostSteps) return undefined;
  const times = new Map<Step, number>();
  for (const step of own) {
    const time = step.node.kind === 'method' ? ran(step) : 0;
    if (time === undefined) return undefined;
    times.set(step, time);
  }
  const timeOf = (steps: readonly Step[]): number =>
    steps.reduce((sum, step) => sum + (times.get(step) ?? 0), 0);
  // The steps behind the cut are what the branches meet in: as few as possible.
  for (let cut = own.length - 1; cut >= 2; cut--) {
    const parts = partsOf(own.slice(0, cut));
    const branches = parts.filter((part) => timeOf(part) > overhead && mayRunAlone(part, context));
    if (branches.length < 2) continue;
    const apart = new Set(branches.flat());
    const tail = own.filter((step) => !apart.has(step));
    const longest = Math.max(...branches.map(timeOf));
    // Two more trips in a row: that of the branches, and that of what they meet in.
    const gain = timeOf([...apart]) - longest - 2 * overhead;
    if (gain < Math.max(leastGain, overhead)) continue;
    const apartHops = branches.map((branch) => describeBranch(branch, context));
    const tailHop = describeHop(withKept(tail, context), context, new Set(), true);
    return {
      branches: apartHops,
      tail: tailHop,
      shared: sharedInputs([...apartHops, tailHop], apart),
      whole: timeOf(own) + overhead,
    };
  }
  return undefined;
}

/**
 * The hop of some branches together with the tail: for branches whose values cannot cross after all.
 */
export function joinTail({ tail }: Split, branches: readonly Hop[], context: HopContext): Hop {
  const all = new Set([...branches.flatMap(({ steps }) => steps), ...tail.steps]);
  return describeHop(sorted(all), context, new Set(), true);
}

function sharedInputs(parts: readonly Hop[], apart: ReadonlySet<Step>): readonly number[] {
  const made = new Set([...apart].map(({ index }) => index));
  const seen = new Set<number>();
  const shared = new Set<number>();
  for (const input of parts.flatMap(({ inputs }) => inputs)) {
    if (seen.has(input) && !made.has(input)) shared.add(input);
    seen.add(input);
  }
  return [...shared];
}

/** What only the tail needs comes back if it can; the run sees to what cannot. */
function describeBranch(branch: readonly Step[], context: HopContext): Hop {
  return describeHop(withKept(branch, context), context, new Set(context.members));
}

/** With the steps that threads keep the values of. */
function withKept(steps: readonly Step[], { steps: all }: HopContext): readonly Step[] {
  const found = new Set(steps);
  // A set that grows while it is walked.
  for (const { needs } of found) {
    for (const need of needs) {
      const kept = all[need];
      if (kept?.bound === 'thread') found.add(kept);
    }
  }
  return sorted(found);
}

function sorted(steps: Iterable<Step>): readonly Step[] {
  return [...steps].sort((a, b) => a.index - b.index);
}

/**
 * Whether what others need of a branch might cross, and nothing in it depends on where and until when
 * it runs: a generator goes on when the whole hop is over, and a thread's own values are shared by all
 * steps of a hop.
 */
function mayRunAlone(branch: readonly Step[], { consumers, steps }: HopContext): boolean {
  const inside = new Set(branch);
  return branch.every(
    (step) =>
      !(step.node.kind === 'method' && step.node.generator) &&
      // What it reads may have moved to its thread: it could not be read once more.
      step.node.kind !== 'reading' &&
      !step.needs.some((need) => steps[need]?.node.scope === 'thread') &&
      (mayLeave(step.node) ||
        (consumers[step.index] ?? []).every((consumer) => inside.has(consumer))),
  );
}

/** Groups of steps that are connected with each other. */
function partsOf(steps: readonly Step[]): readonly (readonly Step[])[] {
  const parts = new Map<number, Step[]>();
  for (const step of steps) {
    const needed = new Set([...step.needs, ...step.after].map((need) => parts.get(need) ?? []));
    const joined = [...[...needed].flat(), step];
    for (const { index } of joined) parts.set(index, joined);
  }
  return [...new Set(parts.values())].map(sorted);
}
