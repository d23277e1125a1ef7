/** What the candidates of this suite do: each makes the object that holds everything, again and again. */
import type { Sum } from './graph.js';

export const workNames = ['request', 'transient', 'diamond', 'part', 'waits', 'chains'] as const;

export type WorkName = (typeof workNames)[number];

/** One that a container has no means for is missing. */
export type Works = Readonly<Partial<Record<WorkName, () => Sum | Promise<Sum>>>>;

export const titles: Readonly<Record<WorkName, string>> = {
  request: 'request scope: open, make 10 nodes of which 5 scoped, dispose those, close',
  transient: '10 transient nodes',
  diamond: 'diamond of 10 async nodes that settle at once',
  part: 'the same diamond, 3 of its nodes async',
  waits: '8 independent waits of 10 ms',
  chains: 'two uneven chains of waits, 40 ms each: 30 + 10 and 10 + 30',
};

/** The `value` of what each work makes: the sum of all nodes on the way to it. */
export const expected: Readonly<Record<WorkName, number>> = {
  request: 17,
  transient: 10,
  diamond: 17,
  part: 17,
  waits: 8,
  chains: 4,
};

/** Of what is measured by the time it takes, how long the longest way through the graph waits, in ms. */
export const criticalPath: Readonly<Partial<Record<WorkName, number>>> = { waits: 10, chains: 40 };
