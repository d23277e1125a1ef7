/** Graphs that are deep or wide: no recursion along them, nothing that grows faster than they do. */
import { describe, expect, it, jest } from '@jest/globals';
import {
  Container,
  errorPath,
  Inject,
  Injectable,
  Provides,
  token,
  type Class,
  type Provider,
  type Scope,
  type Token,
} from '@turno/core';
import { turn } from './support/gate.js';

// Ten thousand decorators take a while on a machine that is busy.
jest.setTimeout(120_000);

const deep = 10_000;
const wide = 1_000;

type Kind = 'class' | 'async' | 'sync' | 'async *';

/** What providers here make: the length of the longest way below. */
interface Link {
  readonly depth: number;
  readonly needs: number;
}

interface Part {
  readonly token: Token<Link>;
  readonly provider: Provider;
}

interface PartOptions {
  readonly kind: Kind;
  readonly scope: Scope;
  readonly needs: readonly Token[];
  readonly make?: () => void;
  readonly end?: () => void;
}

const linkOf = (below: readonly Link[]): Link => ({
  depth: below.reduce((most, { depth }) => Math.max(most, depth), 0) + 1,
  needs: below.length,
});

function part({ kind, scope, needs, make = () => {}, end = () => {} }: PartOptions): Part {
  if (kind === 'class') {
    const self = function (...below: Link[]) {
      make();
      return { ...linkOf(below), [Symbol.dispose]: end };
    } as unknown as Class<Link>;
    needs.forEach((need, index) => Inject(need)(self, undefined, index));
    Injectable({ scope, lazy: true })(self);
    return { token: self, provider: self };
  }
  const methods = {
    async: async (...below: Link[]) => {
      make();
      return { ...linkOf(below), [Symbol.asyncDispose]: async () => end() };
    },
    sync: (...below: Link[]) => {
      make();
      return { ...linkOf(below), [Symbol.dispose]: end };
    },
    'async *': async function* (...below: Link[]) {
      make();
      yield linkOf(below);
      end();
    },
  };
  class Holder {}
  Object.defineProperty(Holder, 'make', { value: methods[kind] });
  needs.forEach((need, index) => Inject(need)(Holder, 'make', index));
  const own = token<Link>(kind);
  const descriptor = Object.getOwnPropertyDescriptor(Holder, 'make') as never;
  Provides(own, { scope, lazy: true, on: 'loop' })(Holder, 'make', descriptor);
  return { token: own, provider: Holder };
}

/** Providers that each need the one before. */
function chain(length: number, options: (index: number) => Omit<PartOptions, 'needs'>): Part[] {
  const parts: Part[] = [];
  for (let index = 0; index < length; index++) {
    const before = parts[index - 1];
    parts.push(part({ ...options(index), needs: before === undefined ? [] : [before.token] }));
  }
  return parts;
}

const providersOf = (parts: readonly Part[]): Provider[] => parts.map(({ provider }) => provider);

const cases = (['class', 'async', 'sync', 'async *'] as const).flatMap((kind) =>
  (['singleton', 'request'] as const).map((scope) => ({ kind, scope })),
);

describe('a chain of 10,000 providers', () => {
  it.each(cases)('of kind $kind and scope $scope resolves and ends', async ({ kind, scope }) => {
    let made = 0;
    const ended: number[] = [];
    const parts = chain(deep, (index) => ({
      kind,
      scope,
      make: () => (made += 1),
      end: () => ended.push(index),
    }));
    const container = await Container.create({ providers: providersOf(parts) });
    expect(made).toBe(0);
    const last = parts.at(-1)!.token;
    expect(await container.run((within) => within.resolve(last))).toMatchObject({ depth: deep });
    await container.dispose();
    expect(made).toBe(deep);
    expect(ended).toEqual(Array.from({ length: deep }, (_, index) => deep - 1 - index));
  });

  it('may change scope and kind on its way', async () => {
    const kinds = ['class', 'async', 'sync', 'async *'] as const;
    const levels = ['singleton', 'request', 'call', 'transient'] as const;
    const parts = chain(deep, (index) => ({
      kind: kinds[index % kinds.length]!,
      scope: levels[Math.floor((index * levels.length) / deep)]!,
    }));
    await using container = await Container.create({ providers: providersOf(parts) });
    const last = parts.at(-1)!.token;
    const resolved = container.run((scope) => scope.run((call) => call.resolve(last)));
    expect(await resolved).toMatchObject({ depth: deep });
  });

  it('that fails at its first step fails with that error, and the whole way to it', async () => {
    const failure = new Error('at the bottom');
    const parts = chain(deep, (index) => ({
      kind: 'async',
      scope: 'request',
      make: () => {
        if (index === 0) throw failure;
      },
    }));
    await using container = await Container.create({ providers: providersOf(parts) });
    await using scope = container.createScope();
    await expect(scope.resolve(parts.at(-1)!.token)).rejects.toBe(failure);
    expect(errorPath(failure)).toHaveLength(deep);
  });

  it('that fails at its last step tears down all others', async () => {
    const failure = new Error('at the top');
    let ended = 0;
    const parts = chain(deep, (index) => ({
      kind: index % 2 === 0 ? 'async' : 'async *',
      scope: 'request',
      make: () => {
        if (index === deep - 1) throw failure;
      },
      end: () => (ended += 1),
    }));
    await using container = await Container.create({ providers: providersOf(parts) });
    await using scope = container.createScope();
    const error: unknown = await scope
      .resolve(parts.at(-1)!.token)
      .catch((caught: unknown) => caught);
    expect(error).toBe(failure);
    // Those that are generators see the failure and say nothing; the values of the others end.
    expect(ended).toBe(deep / 2);
  });

  it('may be explained', async () => {
    const parts = chain(deep, () => ({ kind: 'async', scope: 'request' }));
    await using container = await Container.create({ providers: providersOf(parts) });
    expect(container.explain(parts.at(-1)!.token)).toMatch(/: 10000 steps/);
  });
});

describe('1,000 providers into one', () => {
  it.each(cases)('of kind $kind and scope $scope resolve and end', async ({ kind, scope }) => {
    let ended = 0;
    const parts = Array.from({ length: wide }, () =>
      part({ kind, scope, needs: [], end: () => (ended += 1) }),
    );
    const top = part({ kind, scope, needs: parts.map((each) => each.token) });
    const container = await Container.create({ providers: providersOf([...parts, top]) });
    expect(await container.run((within) => within.resolve(top.token))).toMatchObject({
      depth: 2,
      needs: wide,
    });
    await container.dispose();
    expect(ended).toBe(wide);
  });

  it('that are asynchronous are all under way before the first is done', async () => {
    let started = 0;
    let least = Infinity;
    class Slow {}
    const tokens = Array.from({ length: wide }, (_, index) => {
      const name = `slow${index}`;
      const make = async () => {
        started += 1;
        await turn();
        least = Math.min(least, started);
        return { depth: 1, needs: 0 };
      };
      Object.defineProperty(Slow, name, { value: make });
      const own = token<Link>(name);
      const descriptor = Object.getOwnPropertyDescriptor(Slow, name) as never;
      Provides(own, { scope: 'request' })(Slow, name, descriptor);
      return own;
    });
    const top = part({ kind: 'async', scope: 'request', needs: tokens });
    await using container = await Container.create({ providers: [Slow, top.provider] });
    await container.run((scope) => scope.resolve(top.token));
    expect(least).toBe(wide);
  });
});
