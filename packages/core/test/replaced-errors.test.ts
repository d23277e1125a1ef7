/** Errors that another one takes the place of: none is lost. */
import { describe, expect, it } from '@jest/globals';
import { Container, provide, suppressedErrors, token } from '@turno/core';
import * as fixture from './fixtures/generators.js';
import { gate } from './support/gate.js';

const request = { scope: 'request' } as const;
const Outer = token<string>('Outer');
const Inner = token<string>('Inner');
const Target = token<string>('Target');

const failureOf = (pending: Promise<unknown>): Promise<unknown> =>
  pending.then(
    (result: unknown) => {
      throw new Error(`It did not fail, but gave ${String(result)}.`);
    },
    (error: unknown) => error,
  );
const textOf = (error: unknown): unknown => (error instanceof Error ? error.message : error);
const told = (error: unknown) => [textOf(error), ...suppressedErrors(error).map(textOf)];

/** Puts another error in the place of the one that it sees. */
const replacing = (text: string) =>
  async function* () {
    try {
      yield text;
    } catch {
      throw new Error(text);
    }
  };

const outer = provide(Outer, request, replacing('outer'));
const inner = provide(Inner, { ...request, deps: [Outer] }, replacing('inner'));

describe('an error that generators replace', () => {
  it('is suppressed by the last one, with all between, when a body has thrown it', async () => {
    await using container = await Container.create({ providers: [outer, inner] });
    const failed = container.run(async (scope) => {
      await scope.resolve(Inner);
      throw new Error('body');
    });
    expect(told(await failureOf(failed))).toEqual(['outer', 'body', 'inner']);
  });

  it('likewise when a step has thrown it', async () => {
    const broken = provide(Target, { ...request, deps: [Inner] }, async () => {
      throw new Error('step');
    });
    await using container = await Container.create({ providers: [outer, inner, broken] });
    const failed = container.run((scope) => scope.resolve(Target));
    expect(told(await failureOf(failed))).toEqual(['outer', 'step', 'inner']);
  });

  it('likewise when a teardown has thrown it', async () => {
    const broken = provide(Target, { ...request, deps: [Outer] }, async function* () {
      yield 'made';
      throw new Error('teardown');
    });
    await using container = await Container.create({ providers: [outer, broken] });
    const scope = container.createScope();
    await scope.resolve(Target);
    expect(told(await failureOf(scope.dispose()))).toEqual(['outer', 'teardown']);
    const failed = container.run((each) => each.resolve(Target));
    expect(told(await failureOf(failed))).toEqual(['outer', 'teardown']);
  });

  it('likewise when the teardown of a scope inside has thrown it', async () => {
    const broken = provide(Target, { scope: 'call' }, async function* () {
      yield 'made';
      throw new Error('teardown');
    });
    await using container = await Container.create({ providers: [outer, broken] });
    const scope = container.createScope();
    await scope.resolve(Outer);
    await scope.createScope().resolve(Target);
    expect(told(await failureOf(scope.dispose()))).toEqual(['outer', 'teardown']);
  });

  it('takes along the others, where it is the reason that a scope was given', async () => {
    await using container = await Container.create({ providers: [outer, inner] });
    const scope = container.createScope();
    await scope.resolve(Inner);
    const reason = new Error('reason');
    await scope.dispose(reason);
    expect(told(reason)).toEqual(['reason', 'inner', 'outer']);
  });

  it('is not suppressed by itself where the last one puts it back', async () => {
    const first = new Error('first');
    const back = provide(Outer, request, async function* () {
      try {
        yield 'back';
      } catch {
        throw first;
      }
    });
    await using container = await Container.create({ providers: [back, inner] });
    const failed = container.run(async (scope) => {
      await scope.resolve(Inner);
      throw first;
    });
    const error = await failureOf(failed);
    expect(error).toBe(first);
    expect(told(error)).toEqual(['first', 'inner']);
  });

  it.each([
    ['in a thread', { size: 1 }],
    ['in a process', { size: 1, runtime: 'child_process' }],
    ['inline', { executor: 'inline' }],
  ] as const)(
    'comes back with it %s, and with what else a teardown has thrown',
    async (_, threads) => {
      await using container = await Container.create({
        providers: [fixture.Replacing],
        threads,
      });
      const failed = container.run((scope) => scope.resolve(fixture.Replaced));
      expect(told(await failureOf(failed))).toEqual(['rollback failed', 'ROOT', 'fault too']);
    },
  );
});

describe('two singletons that fail at start', () => {
  it('are both told: the second one is suppressed by the first', async () => {
    const down = gate();
    const slow = provide(Outer, {}, async () => {
      await down.passed;
      throw new Error('slow');
    });
    const quick = provide(Inner, {}, async () => {
      setImmediate(down.open);
      throw new Error('quick');
    });
    const failed = Container.create({ providers: [slow, quick] });
    expect(told(await failureOf(failed))).toEqual(['quick', 'slow']);
  });
});

it('one that cannot come back from a thread does not take the error that it hides with it', async () => {
  await using container = await Container.create({
    providers: [fixture.Uncrossing],
    threads: { size: 1 },
  });
  const failed = container.run((scope) => scope.resolve(fixture.Uncrossable));
  expect(told(await failureOf(failed))).toEqual([
    'translated',
    'Thrown in a thread, and lost on the way: a function',
  ]);
});

it('one that the generator of an inner scope puts in the place of a reason is suppressed by that', async () => {
  const broken = provide(Target, { scope: 'call' }, replacing('rolled back'));
  await using container = await Container.create({ providers: [broken] });
  const scope = container.createScope();
  await scope.createScope().resolve(Target);
  const reason = new Error('gone');
  await scope.dispose(reason);
  expect(told(reason)).toEqual(['gone', 'rolled back']);
});
