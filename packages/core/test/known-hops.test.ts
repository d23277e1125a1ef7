/** Which definitions of hops threads keep: no more than so many, and the same ones as the loop thinks. */
import { afterEach, describe, expect, it, jest } from '@jest/globals';
// Not of the bundle, which has a `HopRunner` of its own.
import { Container, Inject, Provides, token, value } from '../dist/index.js';
import { decode } from '../dist/portable/codec.js';
import { recordWithId } from '../dist/record.js';
import { createExecutor } from '../dist/threads/create-executor.js';
import type { HopDefinition } from '../dist/threads/executor.js';
import { HopRunner } from '../dist/threads/hop-runner.js';
import { threadPacker, unpack } from '../dist/threads/freight.js';
import { KnownHops, mostKnown } from '../dist/threads/known-hops.js';
import { callIn, hop } from './support/hop.js';

class Numbers {
  static add(a: number, b: number): number {
    return a + b;
  }
}
recordWithId(Numbers, 'known-hops#Numbers');

afterEach(() => {
  jest.restoreAllMocks();
});

describe('the definitions that a thread keeps', () => {
  const classes = {
    find: () => Promise.resolve(),
    load: () => Promise.resolve(),
    reason: () => 'it is not there',
  };

  it('are those that the loop counts on, however hops come and come again', async () => {
    const most = 8;
    const known = new KnownHops(most);
    const runner = new HopRunner(1, classes, threadPacker, 1_000);
    const definitions = Array.from({ length: 3 * most }, () =>
      hop([callIn('known-hops', 'Numbers', 'add', 0, 1)]),
    );
    let sent = 0;
    for (let time = 0; time < 500; time++) {
      // Some come often, some seldom.
      const definition = definitions[(time * time) % ((time % 20) + 3)] as HopDefinition;
      const details = known.mention(definition);
      if (details?.definition !== undefined) sent += 1;
      const { freight } = threadPacker.pack([time, 1]);
      const task = { task: 'hop', hop: definition.id, inputs: freight, details } as const;
      runner.learn(task);
      const { reply } = await runner.run(task);
      expect('values' in reply && decode(unpack(reply.values))).toEqual([time + 1]);
      expect(runner.known).toBe(known.size);
      expect(known.size).toBeLessThanOrEqual(most);
    }
    // The limit has been met, and what came again soon was not sent again.
    expect(known.size).toBe(most);
    expect(sent).toBeGreaterThan(definitions.length);
    expect(sent).toBeLessThan(400);
  });

  it('are those that were used last', () => {
    const known = new KnownHops(2);
    const [a, b, c] = [1, 2, 3].map(() => hop([]));
    known.mention(a!);
    known.mention(b!);
    expect(known.mention(a!)).toBeUndefined();
    expect(known.mention(c!)).toEqual({ definition: c, forget: b!.id });
    expect(known.mention(a!)).toBeUndefined();
    expect(known.mention(b!)).toEqual({ definition: b, forget: c!.id });
  });
});

it('a thread that has forgotten a hop runs it when it comes again', async () => {
  const module = new URL('./fixtures/faults.mjs', import.meta.url).href;
  const executor = createExecutor({ size: 1, execArgv: [] });
  const needs = [
    {
      classId: `${module}#Faults`,
      module,
      labels: ['Faults'],
      methods: [],
      twins: 1,
      ambiguous: false,
    },
  ];
  await executor.start({ modules: [module], portableModules: [], groups: ['default'], needs });
  const first = hop([callIn(module, 'Faults', 'echo', 0)]);
  expect(await executor.run(first, ['first'])).toEqual(['first']);
  for (let index = 0; index < mostKnown; index++) {
    const next = hop([callIn(module, 'Faults', 'echo', 0)]);
    expect(await executor.run(next, [index])).toEqual([index]);
  }
  expect(await executor.run(first, ['again'])).toEqual(['again']);
  await executor.dispose();
});

describe('a container that is overridden and forked again and again', () => {
  const Order = token<number>('Order');
  const Bill = token<number>('Bill');
  class Shop {
    @Provides(Bill, { scope: 'request' }) static bill(@Inject(Order) order: number): number {
      return 2 * order;
    }
  }

  it('leaves no more in threads than those may keep', async () => {
    const runners = new Set<HopRunner>();
    const run = HopRunner.prototype.run;
    jest.spyOn(HopRunner.prototype, 'run').mockImplementation(function (this: HopRunner, task) {
      runners.add(this);
      return run.call(this, task);
    });
    await using container = await Container.create({
      providers: [Shop, value(Order, 1)],
      threads: { executor: 'inline', size: 1 },
    });
    const bill = (of: Container) => of.run((scope) => scope.resolve(Bill));
    for (let round = 1; round <= mostKnown; round++) {
      await using _override = await container.override(value(Order, round));
      expect(await bill(container)).toBe(2 * round);
      await using fork = await container.fork({ overrides: [value(Order, -round)] });
      expect(await bill(fork)).toBe(-2 * round);
    }
    expect(await bill(container)).toBe(2);
    const [runner] = runners;
    expect(runners.size).toBe(1);
    expect(runner?.known).toBe(mostKnown);
  });
});
