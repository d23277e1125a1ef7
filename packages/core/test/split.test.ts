/** How a hop is taken apart: which steps go where, as pure data. */
import { describe, expect, it } from '@jest/globals';
import { CheckedGraph } from '../src/check.js';
import { Inject, Injectable, Portable, Provides } from '../src/decorators.js';
import { Graph } from '../src/graph.js';
import type { Hop } from '../src/hop.js';
import { compilePlan } from '../src/plan.js';
import type { Provider } from '../src/provider.js';
import { findSplit, joinTail } from '../src/split.js';
import { Splitter } from '../src/splitter.js';
import type { Step } from '../src/step.js';
import type { Executor } from '../src/threads/executor.js';
import { token, type Token } from '../src/token.js';

const [A, B, C, D, E] = ['A', 'B', 'C', 'D', 'E'].map((name) => token<number>(name)) as [
  Token<number>,
  Token<number>,
  Token<number>,
  Token<number>,
  Token<number>,
];
const request = { scope: 'request' } as const;

function hopOf(target: Token, providers: readonly Provider[]): Hop {
  const { graph } = Graph.build({ providers, overrides: [], scopeValues: [] });
  const { node } = graph.find(target);
  const checked = new CheckedGraph(graph);
  expect(checked.check().problems).toEqual([]);
  const hops = compilePlan(node, checked.sides).units.flatMap(({ hop }) => hop ?? []);
  expect(hops).toHaveLength(1);
  return hops[0]!;
}

/** @param times - milliseconds by the name of the method; left out: not measured. */
function splitOf(hop: Hop, times: Readonly<Record<string, number>>, overhead = 0.1) {
  const ran = ({ node }: Step): number | undefined => times[node.label.split('.')[1] ?? ''];
  return findSplit(hop.steps, hop.context, { ran, overhead });
}

const namesOf = ({ steps }: Hop) => steps.map(({ node }) => node.label.split('.').at(-1)).join(' ');
const shapeOf = (split: ReturnType<typeof splitOf>) =>
  split === undefined ? undefined : [split.branches.map(namesOf), namesOf(split.tail)];

/** a | b -> c -> d */
class Meets {
  @Provides(A, request) static a(): number {
    return 1;
  }
  @Provides(B, request) static b(): number {
    return 1;
  }
  @Provides(C, request) static c(@Inject(A) a: number, @Inject(B) b: number): number {
    return a + b;
  }
  @Provides(D, request) static d(@Inject(C) c: number): number {
    return c;
  }
}

describe('a hop', () => {
  const hop = hopOf(D, [Meets]);

  it('whose branches meet late is taken apart at the step that they meet in', () => {
    const split = splitOf(hop, { a: 50, b: 40, c: 5, d: 5 })!;
    expect(shapeOf(split)).toEqual([['a', 'b'], 'c d']);
    const [a, b] = split.branches;
    const [stepA, stepB] = [a!.steps[0]!.index, b!.steps[0]!.index];
    // What only the tail needs comes back if it can.
    expect([a!.outputs, a!.extras]).toEqual([[], [stepA]]);
    expect([b!.outputs, b!.extras]).toEqual([[], [stepB]]);
    expect(split.tail.inputs).toEqual([stepA, stepB]);
    expect(split.tail.outputs).toEqual(hop.outputs);
  });

  it.each([
    ['whose times are not known', { a: 50, b: 50, c: 5 }],
    ['of which one branch is quick', { a: 50, b: 0.05, c: 5, d: 5 }],
    ['whose quicker branch hardly pays for two more trips', { a: 50, b: 1.1, c: 5, d: 5 }],
  ])('%s stays whole', (_what, times) => {
    expect(splitOf(hop, times)).toBeUndefined();
  });

  it('stays whole where its trips cost more than it saves', () => {
    expect(splitOf(hop, { a: 5, b: 5, c: 0, d: 0 }, 2)).toBeUndefined();
    expect(splitOf(hop, { a: 5, b: 5, c: 0, d: 0 }, 1)).toBeDefined();
  });

  it('that is a chain stays whole', () => {
    class Chain {
      @Provides(A, request) static a(): number {
        return 1;
      }
      @Provides(B, request) static b(@Inject(A) a: number): number {
        return a;
      }
      @Provides(C, request) static c(@Inject(B) b: number): number {
        return b;
      }
    }
    expect(splitOf(hopOf(C, [Chain]), { a: 50, b: 50, c: 50 })).toBeUndefined();
  });

  it('keeps with the tail what is quick, and makes what both branches need only once', () => {
    class Mixed {
      @Provides(E, request) static e(): number {
        return 1;
      }
      @Provides(A, request) static a(): number {
        return 1;
      }
      @Provides(B, request) static b(): number {
        return 1;
      }
      @Provides(C, request) static c(@Inject(A) a: number, @Inject(B) b: number): number {
        return a + b;
      }
      @Provides(D, request) static d(@Inject(C) c: number, @Inject(E) e: number): number {
        return c + e;
      }
    }
    const times = { a: 50, b: 50, c: 1, d: 1, e: 0.01 };
    expect(shapeOf(splitOf(hopOf(D, [Mixed]), times))).toEqual([['a', 'b'], 'c e d']);
    class Shared {
      @Provides(E, request) static e(): number {
        return 1;
      }
      @Provides(A, request) static a(@Inject(E) e: number): number {
        return e;
      }
      @Provides(B, request) static b(@Inject(E) e: number): number {
        return e;
      }
      @Provides(C, request) static c(@Inject(A) a: number, @Inject(B) b: number): number {
        return a + b;
      }
    }
    expect(splitOf(hopOf(C, [Shared]), { a: 50, b: 50, c: 1, e: 1 })).toBeUndefined();
  });

  it('stays whole where what a branch makes cannot cross', () => {
    class Engine {
      start(): number {
        return 1;
      }
    }
    class Yields {
      @Provides(A, request) static *a(): Generator<number> {
        yield 1;
      }
      @Provides(B, request) static b(): number {
        return 1;
      }
      @Provides(C, request) static c(@Inject(A) a: number, @Inject(B) b: number): number {
        return a + b;
      }
    }
    expect(splitOf(hopOf(C, [Yields]), { a: 50, b: 50, c: 1 })).toBeUndefined();
    @Injectable(request)
    class Holder {
      readonly engine = new Engine();
    }
    class Holds {
      @Provides(B, request) static b(): number {
        return 1;
      }
      @Provides(C, request) static c(holder: Holder, @Inject(B) b: number): number {
        return holder.engine.start() + b;
      }
    }
    expect(splitOf(hopOf(C, [Holds]), { b: 50, c: 50 })).toBeUndefined();
  });

  it('stays whole where a branch needs what its thread keeps, which other steps may have changed', () => {
    @Injectable({ scope: 'thread' })
    class Model {
      readonly weights = [1];
    }
    @Portable()
    class Result {
      constructor(readonly value: number) {}
    }
    const [First, Second, Both] = ['First', 'Second', 'Both'].map((name) =>
      token<Result>(name),
    ) as [Token<Result>, Token<Result>, Token<Result>];
    class Models {
      @Provides(First, request) first(model: Model): Result {
        return new Result(model.weights.length);
      }
      @Provides(Second, request) second(model: Model): Result {
        return new Result(model.weights.length);
      }
      @Provides(Both, request) both(@Inject(First) a: Result, @Inject(Second) b: Result): Result {
        return new Result(a.value + b.value);
      }
    }
    const times = { first: 30, second: 30, both: 1 };
    expect(splitOf(hopOf(Both, [Models]), times)).toBeUndefined();
  });

  it('can be joined again with a branch whose value has not crossed', () => {
    const split = splitOf(hop, { a: 50, b: 40, c: 5, d: 5 })!;
    const joined = joinTail(split, [split.branches[0]!], hop.context);
    expect(namesOf(joined)).toBe('a c d');
    expect(joined.inputs).toEqual([split.branches[1]!.steps[0]!.index]);
    expect(joined.outputs).toEqual(hop.outputs);
  });
});

describe('a hop that is taken apart', () => {
  const hop = hopOf(D, [Meets]);
  const times: Readonly<Record<string, number>> = { a: 50, b: 40, c: 5, d: 5 };

  /** Until it is taken apart. */
  function learnt(): Splitter {
    const executor = { free: () => 2 } as Partial<Executor> as Executor;
    const meanRunTime = ({ label }: Step['node']) => times[label.split('.')[1] ?? ''];
    const splitter = new Splitter(executor, { meanRunTime, medianOverhead: () => 1 }, 'unseen');
    for (let run = 0; run < 12; run++) splitter.choose(hop, []).probed?.(true);
    expect(splitter.splitOf(hop)).toBeDefined();
    return splitter;
  }

  it.each([
    ['stays so while that takes less time', 60, true],
    ['is whole again where it takes more', 102, false],
  ])('%s', (_what, time, stays) => {
    const splitter = learnt();
    for (let run = 0; run < 8; run++) {
      const { ended } = splitter.choose(hop, []);
      expect(ended).toBeDefined();
      ended?.(time);
    }
    expect(splitter.splitOf(hop) !== undefined).toBe(stays);
    expect(splitter.choose(hop, []).split !== undefined).toBe(stays);
  });
});
