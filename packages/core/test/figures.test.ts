/** What is counted and measured of threads, what is told of it, and what is made of it. */
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import {
  Container,
  errorPath,
  suppressedErrors,
  value,
  type HopEvent,
  type Provider,
  type ThreadEvent,
  type ThreadOptions,
  type Token,
} from '@turno/core';
import * as fixture from './fixtures/figures.js';
import { turn } from './support/gate.js';

const opened: Container[] = [];
const listening: [string, (event: unknown) => void][] = [];
afterEach(async () => {
  for (const [name, listener] of listening.splice(0)) unsubscribe(name, listener);
  await Promise.all(opened.splice(0).map((container) => container.dispose()));
});

async function create(
  providers: readonly Provider[] = [fixture.Work],
  threads: ThreadOptions = { size: 1 },
): Promise<Container> {
  const scopeValues = [fixture.Mode];
  const container = await Container.create({ providers, threads, scopeValues });
  opened.push(container);
  return container;
}

const resolve = <T>(container: Container, of: Token<T>, mode: unknown = ''): Promise<T> =>
  container.run((scope) => scope.resolve(of), [value(fixture.Mode, mode as string)]);

/** Events of a channel, as they come. */
function eventsOf<Event>(name: string): Event[] {
  const events: Event[] = [];
  const listener = (event: unknown) => events.push(event as Event);
  subscribe(name, listener);
  listening.push([name, listener]);
  return events;
}

describe('container.threads', () => {
  it('counts for each provider what became of its hops', async () => {
    const container = await create();
    for (let time = 0; time < 3; time++) await resolve(container, fixture.Trivial);
    await resolve(container, fixture.Fails).catch(() => undefined);
    await resolve(container, fixture.Leaves).catch(() => undefined);
    const { providers } = container.threads;
    const none = { failed: 0, refused: 0, replaced: 0 };
    expect(providers['Work.trivial']).toMatchObject({ ...none, hops: 3, runs: 3 });
    expect(providers['Work.fails']).toMatchObject({ ...none, hops: 1, failed: 1 });
    expect(providers['Work.leaves']).toMatchObject({ ...none, hops: 1, runs: 0, replaced: 1 });
  });

  it('sums up how long they ran and waited, and what their trips cost', async () => {
    const container = await create();
    for (let time = 0; time < 5; time++) await resolve(container, fixture.Trivial);
    const { providers, groups } = container.threads;
    const { ran, waited } = providers['Work.trivial']!;
    expect([ran.count, waited.count, groups.default!.overhead.count]).toEqual([5, 5, 5 - 1]);
    for (const { min, p50, p90, p99, max, mean } of [ran, groups.default!.overhead]) {
      expect(min).toBeGreaterThan(0);
      const sorted = [min, p50, p90, p99, max].map((time) => Math.round(time * 100));
      expect(sorted).toEqual(sorted.toSorted((a, b) => a - b));
      expect(mean).toBeGreaterThan(0);
    }
  });

  it('counts what a generator does at its end for no cost of its trip', async () => {
    const container = await create();
    for (let time = 0; time < 5; time++) await resolve(container, fixture.Cleaned);
    const { overhead } = container.threads.groups.default!;
    expect(overhead.count).toBe(5 - 1);
    expect(overhead.min).toBeGreaterThan(0);
    expect(overhead.min).toBeLessThan(fixture.cleaning);
  });

  it('estimates how many bytes have crossed', async () => {
    const container = await create();
    for (let time = 0; time < 2; time++) await resolve(container, fixture.Size);
    const { bytesIn, bytesOut } = container.threads.providers['Work.size']!;
    expect(bytesIn).toBeGreaterThan(20_000);
    expect(bytesIn).toBeLessThan(21_000);
    expect(bytesOut).toBeGreaterThan(0);
    expect(bytesOut).toBeLessThan(200);
  });
});

describe('the channel turno.hop', () => {
  it('tells of each hop with its steps, and of what it failed with', async () => {
    const events = eventsOf<HopEvent>('turno.hop');
    const container = await create();
    await resolve(container, fixture.Size);
    await resolve(container, fixture.Fails).catch(() => undefined);
    const thread = expect.any(Number);
    expect(events).toMatchObject([
      {
        steps: [{ label: 'Work.size', ran: thread }],
        group: 'default',
        threadId: thread,
        bytesIn: thread,
        bytesOut: thread,
      },
      { steps: [{ label: 'Work.fails' }], bytesOut: undefined, error: { message: 'it fails' } },
    ]);
    expect(events[0]).not.toHaveProperty('error');
  });
});

describe('the channel turno.thread', () => {
  it('tells which thread is ready, which has ended, why, and what it held', async () => {
    const events = eventsOf<ThreadEvent>('turno.thread');
    const container = await create();
    await resolve(container, fixture.Leaves).catch(() => undefined);
    await resolve(container, fixture.Trivial);
    await container.dispose();
    const [first, , second] = events;
    expect(events).toEqual([
      { event: 'ready', group: 'default', threadId: expect.any(Number) },
      {
        event: 'ended',
        group: 'default',
        threadId: first!.threadId,
        reason: 'it exited with code 3',
        held: ['Work.leaves'],
        replaced: true,
      },
      { event: 'ready', group: 'default', threadId: expect.any(Number) },
      {
        event: 'ended',
        group: 'default',
        threadId: second!.threadId,
        reason: 'it is not needed any more',
        held: [],
        replaced: false,
      },
    ]);
  });
});

describe('a thread that ends between two hops', () => {
  it.each(['worker_threads', 'child_process'] as const)(
    'is warned of with its error, since no caller hears of it: %s',
    async (runtime) => {
      const warned = new Promise<readonly unknown[]>((resolve) => {
        jest.spyOn(process, 'emitWarning').mockImplementationOnce((...given) => resolve(given));
      });
      const container = await create([fixture.Work], { size: 1, runtime });
      expect(await resolve(container, fixture.FailsLater)).toBe(1);
      expect(await warned).toEqual([
        "A thread of the group 'default' has ended between two hops: an error that nobody caught: too late",
        { code: 'TURNO_THREAD', detail: expect.stringMatching(/^RangeError: too late\n.*figures/) },
      ]);
      expect(await resolve(container, fixture.Trivial)).toBe(1);
      expect(container.threads.replaced).toBe(1);
    },
  );
});

describe('explain', () => {
  it('advises against a trip that costs more than it carries, once enough is known', async () => {
    const container = await create();
    await resolve(container, fixture.Trivial);
    expect(container.explain(fixture.Trivial)).not.toContain('advice');
    for (let time = 0; time < 40; time++) await resolve(container, fixture.Trivial);
    expect(container.explain(fixture.Trivial)).toMatch(
      /\nadvice: Work\.trivial ran [\d.e-]+ ms \(median of \d+\), less than the [\d.]+ ms of its trip to a thread: write it async, or give it on: 'loop'\.$/,
    );
  });

  it('advises against what blocks the loop', async () => {
    const container = await create();
    for (let time = 0; time < 8; time++) await resolve(container, fixture.Blocks);
    expect(container.explain(fixture.Blocks)).toMatch(
      /\nadvice: Work\.blocks blocked the event loop for \d+ ms \(p90 of 8\): write it without async, so that it runs in a thread\.$/,
    );
  });
});

describe('a hop with two heavy branches', () => {
  /** Until enough is known to take it apart. */
  async function learn(container: Container): Promise<void> {
    for (let time = 0; time < 20; time++) await resolve(container, fixture.Both);
  }

  /** The threads that left, right and both ran in. */
  async function threadsOf(container: Container, mode?: unknown): Promise<number[]> {
    const [left, right, both] = await resolve(container, fixture.Both, mode);
    expect([left.by, right.by]).toEqual(['left', 'right']);
    expect(String(left)).toBe(`left ${left.thread}`);
    return [left.thread, right.thread, both];
  }

  it('runs them on two threads at the same time, once that is known to pay', async () => {
    const container = await create([fixture.Branches], { size: 2 });
    const [left, right, both] = await threadsOf(container);
    expect([left, right]).toEqual([both, both]);
    expect(container.explain(fixture.Both)).not.toContain('while threads are idle');
    await learn(container);
    expect(container.explain(fixture.Both)).toContain(
      '\nwhile threads are idle, hop 1 runs as: [Branches.left] | [Branches.right], then [Branches.both]',
    );
    const [leftApart, rightApart] = await threadsOf(container);
    expect(leftApart).not.toBe(rightApart);
  });

  it('stays whole where there is one thread, and where it is switched off', async () => {
    for (const threads of [{ size: 1 }, { size: 2, split: false }]) {
      const container = await create([fixture.Branches], threads);
      await learn(container);
      const [left, right, both] = await threadsOf(container);
      expect([left, right]).toEqual([both, both]);
    }
  });

  it('stays whole where they share an object, unless that is asked for', async () => {
    for (const split of [undefined, true]) {
      const container = await create(
        [fixture.Branches],
        split === undefined ? { size: 2 } : { size: 2, split },
      );
      for (let time = 0; time < 20; time++) await resolve(container, fixture.Both, {});
      const [left, right] = await threadsOf(container, {});
      if (split === true) expect(left).not.toBe(right);
      else expect(left).toBe(right);
    }
  });

  it('fails with what a branch throws, as it would in one thread', async () => {
    const container = await create([fixture.Branches], { size: 2 });
    await learn(container);
    await expect(threadsOf(container, 'right fails')).rejects.toThrow('right');
    expect(container.threads).toMatchObject({ busy: 0, queued: 0, replaced: 0 });
    await threadsOf(container);
  });

  it('fails with what the first of two branches throws, also where the second one is quicker', async () => {
    const container = await create([fixture.Branches], { size: 2, split: true });
    await learn(container);
    const failing = resolve(container, fixture.Both, 'both fail');
    const error: unknown = await failing.catch((error: unknown) => error);
    expect(error).toMatchObject({ message: 'left' });
    expect(errorPath(error)).toEqual(['Branches.both', 'Branches.left']);
    expect(suppressedErrors(error)).toMatchObject([{ message: 'right' }]);
    expect(container.threads).toMatchObject({ busy: 0, queued: 0, replaced: 0 });
  });

  it('does not wait for a branch that would not have run in one thread', async () => {
    const container = await create([fixture.Branches], { size: 2, split: true });
    await learn(container);
    const failing = resolve(container, fixture.Both, 'left fails');
    await expect(failing).rejects.toThrow('left');
    expect(container.threads).toMatchObject({ busy: 0, queued: 0, replaced: 1 });
  });

  it('is ended in all its branches when nobody waits any more', async () => {
    const container = await create([fixture.Branches], { size: 2, split: true });
    await learn(container);
    const caller = new AbortController();
    const mode = value(fixture.Mode, 'both loop');
    const failing = container.run((scope) => scope.resolve(fixture.Both, caller), [mode]);
    while (container.threads.busy < 2) await turn();
    caller.abort('enough');
    await expect(failing).rejects.toBe('enough');
    while (container.threads.busy > 0) await turn();
    await threadsOf(container);
  });

  it('gives the same where a value cannot cross after all, and stays whole from then on', async () => {
    const container = await create([fixture.Branches], { size: 2 });
    await learn(container);
    const [left, , both] = await threadsOf(container, 'left leaks');
    expect(left).toBe(both);
    expect(container.explain(fixture.Both)).not.toContain('while threads are idle');
    const [leftWhole, rightWhole] = await threadsOf(container);
    expect(leftWhole).toBe(rightWhole);
  });

  it('is not taken apart while its values cannot cross', async () => {
    const container = await create([fixture.Branches], { size: 2 });
    for (let time = 0; time < 20; time++) await resolve(container, fixture.Both, 'right leaks');
    const [left, right] = await threadsOf(container);
    expect(left).toBe(right);
  });
});
