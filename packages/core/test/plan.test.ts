/** Plans: order, hops and what crosses, as pure data. */
import { describe, expect, it } from '@jest/globals';
import { Inject, Injectable, Portable, Provides } from '../src/decorators.js';
import { CheckedGraph } from '../src/check.js';
import { explainPlan } from '../src/explain.js';
import { Graph } from '../src/graph.js';
import { compilePlan, type Plan } from '../src/plan.js';
import type { Provider } from '../src/provider.js';
import { token, type Token } from '../src/token.js';

function planOf(
  target: Token,
  providers: readonly Provider[],
  stored: readonly Token[] = [],
): Plan {
  const { graph, problems } = Graph.build({ providers, overrides: [], scopeValues: [] });
  expect(problems).toEqual([]);
  const { node } = graph.find(target);
  const kept = new Set(stored.map((each) => graph.find(each).node));
  const checked = new CheckedGraph(graph);
  expect(checked.check().problems).toEqual([]);
  return compilePlan(node, checked.sides, kept);
}

/** Labels of each unit, in order; those of a hop in brackets. */
function unitsOf({ units }: Plan): string[] {
  return units.map(({ hop, steps }) => {
    const labels = steps.map(({ node }) => node.label).join(' ');
    return hop === undefined ? labels : `[${labels}]`;
  });
}

const A = token<number>('A');
const B = token<number>('B');
const C = token<number>('C');
const D = token<number>('D');
const request = { scope: 'request' } as const;

describe('hops', () => {
  it('fuse connected thread steps', () => {
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
    const plan = planOf(C, [Chain]);
    expect(unitsOf(plan)).toEqual(['[Chain.a Chain.b Chain.c]']);
    expect(plan.units[0]?.hop?.inputs).toEqual([]);
    expect(plan.units[0]?.hop?.outputs).toEqual([plan.root.index]);
  });

  it('are parted by a loop step between them', () => {
    class Chain {
      @Provides(A, request) static async a(): Promise<number> {
        return 1;
      }
      @Provides(B, request) static b(@Inject(A) a: number): number {
        return a;
      }
      @Provides(C, request) static async c(@Inject(B) b: number): Promise<number> {
        return b;
      }
      @Provides(D, request) static d(@Inject(C) c: number, @Inject(B) b: number): number {
        return b + c;
      }
    }
    const plan = planOf(D, [Chain]);
    expect(unitsOf(plan)).toEqual(['Chain.a', '[Chain.b]', 'Chain.c', '[Chain.d]']);
    const hops = plan.units.flatMap(({ hop }) => (hop === undefined ? [] : [hop]));
    expect(hops.map(({ inputs }) => inputs.length)).toEqual([1, 2]);
  });

  it('take a step along whose input comes from the loop beside them', () => {
    class Side {
      @Provides(A, request) static a(): number {
        return 1;
      }
      @Provides(B, request) static async b(): Promise<number> {
        return 2;
      }
      @Provides(C, request) static c(@Inject(A) a: number, @Inject(B) b: number): number {
        return a + b;
      }
    }
    expect(unitsOf(planOf(C, [Side]))).toEqual(['Side.b', '[Side.a Side.c]']);
  });

  it('are parallel where they meet on the loop only', () => {
    class Fork {
      @Provides(A, request) static a(): number {
        return 1;
      }
      @Provides(B, request) static b(): number {
        return 2;
      }
      @Provides(C, request) static async c(
        @Inject(A) a: number,
        @Inject(B) b: number,
      ): Promise<number> {
        return a + b;
      }
    }
    expect(unitsOf(planOf(C, [Fork]))).toEqual(['[Fork.a]', '[Fork.b]', 'Fork.c']);
  });

  it('build the instance of a method where the method runs, in each hop', () => {
    class Kitchen {
      @Provides(A, request) a(): number {
        return 1;
      }
      @Provides(B, request) b(): number {
        return 2;
      }
      @Provides(C, request) async c(@Inject(A) a: number, @Inject(B) b: number): Promise<number> {
        return a + b;
      }
    }
    const plan = planOf(C, [Kitchen]);
    expect(unitsOf(plan)).toEqual([
      'Kitchen',
      '[Kitchen Kitchen.a]',
      '[Kitchen Kitchen.b]',
      'Kitchen.c',
    ]);
    const [hop] = plan.units.flatMap((unit) => (unit.hop === undefined ? [] : [unit.hop]));
    expect(
      hop?.definition.steps.map(({ operation, perThread }) => [operation, perThread !== undefined]),
    ).toEqual([
      ['construct', true],
      ['call', false],
    ]);
  });

  it('share what a thread keeps among their steps', () => {
    @Injectable({ scope: 'thread' })
    class Model {}
    class Kitchen {
      @Provides(A, request) a(_model: Model): number {
        return 1;
      }
      @Provides(B, request) b(@Inject(A) a: number, _model: Model): number {
        return a;
      }
    }
    const [unit] = planOf(B, [Kitchen]).units;
    expect(unit?.hop?.definition.steps.map(({ label }) => label)).toEqual([
      'Kitchen',
      'Model',
      'Kitchen.a',
      'Kitchen.b',
    ]);
  });

  it('hold a class of the request that only they need', () => {
    @Injectable(request)
    class Basket {
      readonly burgers: number[] = [];
    }
    class Kitchen {
      @Provides(A, request) static a(basket: Basket): number {
        return basket.burgers.push(1);
      }
      @Provides(B, request) static b(basket: Basket, @Inject(A) a: number): number {
        return basket.burgers.push(a);
      }
    }
    expect(unitsOf(planOf(B, [Kitchen]))).toEqual(['[Basket Kitchen.a Kitchen.b]']);
  });

  it('receive a portable class of the request that the loop needs too', () => {
    @Portable()
    @Injectable(request)
    class Basket {}
    class Kitchen {
      @Provides(A, request) static a(_basket: Basket): number {
        return 1;
      }
      @Provides(B, request) static async b(_basket: Basket, @Inject(A) a: number): Promise<number> {
        return a;
      }
    }
    expect(unitsOf(planOf(B, [Kitchen]))).toEqual(['Basket', '[Kitchen.a]', 'Kitchen.b']);
  });
});

describe('a plan', () => {
  it('makes a shared dependency once and a transient one for each consumer', () => {
    @Injectable(request)
    class Shared {}
    @Injectable({ scope: 'transient' })
    class Own {
      constructor(readonly shared: Shared) {}
    }
    @Injectable(request)
    class Left {
      constructor(readonly own: Own) {}
    }
    @Injectable(request)
    class Top {
      constructor(
        readonly left: Left,
        readonly own: Own,
      ) {}
    }
    expect(unitsOf(planOf(Top, []))).toEqual(['Shared', 'Own', 'Left', 'Own', 'Top']);
  });

  it('loads singletons instead of making them', () => {
    @Injectable()
    class Deep {}
    @Injectable()
    class Single {
      constructor(readonly deep: Deep) {}
    }
    @Injectable(request)
    class Top {
      constructor(readonly single: Single) {}
    }
    const plan = planOf(Top, []);
    expect(plan.steps.map(({ node, kind }) => `${kind} ${node.label}`)).toEqual([
      'load Single',
      'make Top',
    ]);
  });

  it('loads what the scope keeps already, and leaves out what only that needed', () => {
    @Injectable({ scope: 'transient' })
    class Deep {}
    @Injectable(request)
    class Kept {
      constructor(readonly deep: Deep) {}
    }
    @Injectable(request)
    class Top {
      constructor(readonly kept: Kept) {}
    }
    const plan = planOf(Top, [], [Kept]);
    expect(plan.steps.map(({ node, kind }) => `${kind} ${node.label}`)).toEqual([
      'load Kept',
      'make Top',
    ]);
  });

  it('of 10,000 steps is compiled without deep recursion', () => {
    class Chain {}
    const tokens = Array.from({ length: 10_000 }, (_, index) => token<number>(`t${index}`));
    tokens.forEach((own, index) => {
      const name = `m${index}`;
      Object.defineProperty(Chain, name, { value: async () => index });
      if (index > 0) Inject(tokens[index - 1]!)(Chain, name, 0);
      Provides(own, request)(Chain, name, Object.getOwnPropertyDescriptor(Chain, name) as never);
    });
    expect(planOf(tokens.at(-1)!, [Chain]).units).toHaveLength(10_000);
  });
});

it('explains a plan: order, scope, placement, hops', () => {
  @Injectable()
  class Tickets {}
  class Kitchen {
    @Provides(A, request) async order(_tickets: Tickets): Promise<number> {
      return 1;
    }
    @Provides(B, request) grind(@Inject(A) order: number): number {
      return order;
    }
    @Provides(C, request) cook(@Inject(B) patties: number): number {
      return patties;
    }
    @Provides(D, request) async serve(@Inject(C) cooked: number): Promise<number> {
      return cooked;
    }
  }
  expect(explainPlan(planOf(D, [Kitchen]))).toBe(
    [
      'Kitchen.serve: 7 steps, 1 hop to a thread',
      '  1  Kitchen        [singleton]  loop, kept',
      '  2  Kitchen        [singleton]  thread, hop 1',
      '  3  Tickets        [singleton]  loop, kept',
      '  4  Kitchen.order  [request]    loop           after 1, 3',
      '  5  Kitchen.grind  [request]    thread, hop 1  after 2, 4',
      '  6  Kitchen.cook   [request]    thread, hop 1  after 2, 5',
      '  7  Kitchen.serve  [request]    loop           after 1, 6',
      'critical path, by number of steps: Kitchen.order -> hop 1 -> Kitchen.serve',
    ].join('\n'),
  );
});
