/** Paths of errors that several see, or that are thrown again and again. */
import { describe, expect, it } from '@jest/globals';
import { Container, errorPath, provide, suppressedErrors, token } from '@turno/core';

const request = { scope: 'request' } as const;
const Shared = token<number>('Shared');
const One = token<number>('One');
const Other = token<number>('Other');
const one = provide(One, { ...request, deps: [Shared] }, async (made) => made);
const other = provide(Other, { ...request, deps: [Shared] }, async (made) => made);

const pathOf = (pending: Promise<unknown>): Promise<unknown> =>
  pending.then(
    (result: unknown) => {
      throw new Error(`It did not fail, but gave ${String(result)}.`);
    },
    (error: unknown) => errorPath(error),
  );

describe('the path of an error', () => {
  it('that two wait for is the way from one of them', async () => {
    const shared = provide(Shared, { lazy: true }, async (): Promise<number> => {
      await new Promise(setImmediate);
      throw new Error('no');
    });
    await using container = await Container.create({ providers: [shared, one, other] });
    const paths = await Promise.all(
      [One, Other].map((each) => pathOf(container.run((scope) => scope.resolve(each)))),
    );
    expect(paths).toEqual([
      ['provide(Other)', 'provide(Shared)'],
      ['provide(Other)', 'provide(Shared)'],
    ]);
  });

  it('does not grow when the same error is thrown again', async () => {
    const error = new Error('the same');
    const shared = provide(Shared, { lazy: true }, async (): Promise<number> => {
      throw error;
    });
    await using container = await Container.create({ providers: [shared, one, other] });
    for (const each of [One, One, Other, One]) {
      expect(await pathOf(container.run((scope) => scope.resolve(each)))).toEqual([
        `provide(${each.name})`,
        'provide(Shared)',
      ]);
    }
  });

  it('is that of the last time, where one that nobody keeps has thrown it', async () => {
    const error = new Error('the same');
    const shared = provide(Shared, request, async (): Promise<number> => {
      throw error;
    });
    await using container = await Container.create({ providers: [shared, one, other] });
    for (const each of [One, Other, One]) {
      expect(await pathOf(container.run((scope) => scope.resolve(each)))).toEqual([
        `provide(${each.name})`,
        'provide(Shared)',
      ]);
    }
    expect(await pathOf(container.run((scope) => scope.resolve(Shared)))).toEqual([
      'provide(Shared)',
    ]);
  });
});

it('the errors that one suppresses do not grow without limit', async () => {
  const error = new Error('the same');
  const shared = provide(Shared, request, async function* () {
    try {
      yield 1;
    } finally {
      await Promise.resolve();
    }
  });
  const faulty = provide(Other, { ...request, deps: [Shared] }, async () => {
    const made = {
      [Symbol.dispose]: () => {
        throw new Error('teardown');
      },
    };
    return made as unknown as number;
  });
  const broken = provide(One, { ...request, deps: [Other] }, async (): Promise<number> => {
    throw error;
  });
  await using container = await Container.create({ providers: [shared, faulty, broken] });
  for (let time = 0; time < 150; time++) {
    await expect(container.run((scope) => scope.resolve(One))).rejects.toBe(error);
  }
  expect(suppressedErrors(error)).toHaveLength(100);
});

it.each([
  [
    'throws',
    () => ({
      [Symbol.dispose]: () => {
        throw undefined;
      },
    }),
  ],
  ['rejects with', () => ({ [Symbol.asyncDispose]: () => Promise.reject(undefined) })],
])('a teardown that %s undefined has failed', async (_, make) => {
  const shared = provide(Shared, request, async () => make() as unknown as number);
  await using container = await Container.create({ providers: [shared] });
  const caught: unknown[] = [];
  await container
    .run((scope) => scope.resolve(Shared))
    .catch((error: unknown) => caught.push(error));
  const scope = container.createScope();
  await scope.resolve(Shared);
  await scope.dispose().catch((error: unknown) => caught.push(error));
  expect(caught).toEqual([undefined, undefined]);
});
