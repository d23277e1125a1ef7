/** The container on the event loop: scopes, sharing, order, failures, teardown. */
import { beforeEach, describe, expect, it } from '@jest/globals';
import { inspect } from 'node:util';
import {
  alias,
  Container,
  declareHandler,
  declareParameter,
  DisposedError,
  errorPath,
  handlerToken,
  Inject,
  Injectable,
  Provides,
  suppressedErrors,
  token,
  value,
  type ContainerOptions,
  type Provider,
} from '@turno/core';
import { gate, turn, type Gate } from './support/gate.js';

const request = { scope: 'request' } as const;
const lazy = { lazy: true } as const;

const A = token<string>('A');
const B = token<string>('B');
const C = token<string>('C');
const D = token<string>('D');

let log: string[];
beforeEach(() => {
  log = [];
});

async function containerOf(
  providers: readonly Provider[],
  options: ContainerOptions = {},
): Promise<Container> {
  return Container.create({ providers, ...options });
}

/** A value that writes down its end. */
class Resource {
  constructor(readonly name: string) {}
  async [Symbol.asyncDispose](): Promise<void> {
    log.push(`-${this.name}`);
  }
}

describe('resolve', () => {
  it('gives values, aliases of values, and falsy ones', async () => {
    const Zero = token<number>('Zero');
    const Nothing = token<undefined>('Nothing');
    const Other = token<number>('Other');
    await using container = await containerOf([
      value(Zero, 0),
      value(Nothing, undefined),
      alias(Other, Zero),
    ]);
    expect(await container.resolve(Zero)).toBe(0);
    expect(await container.resolve(Nothing)).toBeUndefined();
    expect(await container.resolve(Other)).toBe(0);
  });

  it('gives a function as a value, without calling it', async () => {
    const Now = token<() => number>('Now');
    const now = (): number => {
      throw new Error('called');
    };
    await using container = await containerOf([value(Now, now)]);
    expect(await container.resolve(Now)).toBe(now);
  });

  it('makes injectable classes that nobody listed, with what they need', async () => {
    @Injectable()
    class Deep {}
    @Injectable()
    class Top {
      constructor(readonly deep: Deep) {}
    }
    await using container = await containerOf([]);
    const top = await container.resolve(Top);
    expect(top.deep).toBe(await container.resolve(Deep));
  });

  it('names near misses of a token that nobody provides', async () => {
    class Ticket {}
    @Injectable()
    class Tickets {}
    await using container = await containerOf([Tickets]);
    await expect(container.resolve(Ticket)).rejects.toMatchObject({
      code: 'TURNO_MISSING_PROVIDER',
      suggestions: ['Tickets'],
    });
  });

  it('checks a class that joins the graph later', async () => {
    class Unknown {}
    @Injectable()
    class Late {
      constructor(readonly unknown: Unknown) {}
    }
    await using container = await containerOf([]);
    const late = container.resolve(Late);
    await expect(late).rejects.toMatchObject({ code: 'TURNO_GRAPH' });
    await expect(container.resolve(Late)).rejects.toMatchObject({ code: 'TURNO_GRAPH' });
  });

  it('injects an abort signal, aborted with the reason of the caller', async () => {
    const reached = gate<AbortSignal>();
    class Slow {
      @Provides(A, request)
      static async a(signal: AbortSignal): Promise<string> {
        reached.open(signal);
        return new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error));
        });
      }
    }
    await using container = await containerOf([Slow]);
    await using scope = container.createScope();
    const caller = new AbortController();
    const pending = scope.resolve(A, { signal: caller.signal });
    const signal = await reached.passed;
    expect(signal.aborted).toBe(false);
    const reason = new Error('enough');
    caller.abort(reason);
    await expect(pending).rejects.toBe(reason);
    expect(signal.reason).toBe(reason);
  });

  it('does not start anything for a caller who has given up already', async () => {
    class Counted {
      @Provides(A, request)
      static async a(): Promise<string> {
        log.push('a');
        return 'a';
      }
    }
    await using container = await containerOf([Counted]);
    await using scope = container.createScope();
    await expect(scope.resolve(A, { signal: AbortSignal.abort('no') })).rejects.toBe('no');
    expect(log).toEqual([]);
  });

  it('awaits a promise that a method without async returns on the loop', async () => {
    class Promised {
      @Provides(A, request)
      static a(): Promise<string> {
        return Promise.resolve('a');
      }
      @Provides(B, { ...request, on: 'loop' })
      static b(@Inject(A) a: string): string {
        return `${a}b`;
      }
    }
    await using container = await containerOf([Promised]);
    await using scope = container.createScope();
    expect(await scope.resolve(B)).toBe('ab');
    expect(container.placement(A)).toBe('loop');
  });
});

describe('singletons', () => {
  it('are made at start, those that need nothing of each other at the same time', async () => {
    const gates: Record<string, Gate> = { a: gate(), b: gate() };
    class Slow {
      @Provides(A) static async a(): Promise<string> {
        log.push('a');
        await gates.a!.passed;
        return 'a';
      }
      @Provides(B) static async b(): Promise<string> {
        log.push('b');
        await gates.b!.passed;
        return 'b';
      }
      @Provides(C) static async c(@Inject(A) a: string, @Inject(B) b: string): Promise<string> {
        log.push('c');
        return a + b;
      }
    }
    const starting = containerOf([Slow]);
    await turn();
    expect(log).toEqual(['a', 'b']);
    gates.a!.open();
    gates.b!.open();
    await using container = await starting;
    expect(log).toEqual(['a', 'b', 'c']);
    expect(await container.resolve(C)).toBe('ab');
    expect(log).toEqual(['a', 'b', 'c']);
  });

  it('that are lazy are made once, however many ask at the same time', async () => {
    const opened = gate<string>();
    class Slow {
      @Provides(A, lazy) static async a(): Promise<string> {
        log.push('a');
        return opened.passed;
      }
      @Provides(B, request) static async b(@Inject(A) a: string): Promise<string> {
        return a;
      }
    }
    await using container = await containerOf([Slow]);
    expect(log).toEqual([]);
    const scopes = Array.from({ length: 500 }, () => container.createScope());
    const pending = [
      ...scopes.map((scope) => scope.resolve(B)),
      ...scopes.map(() => container.resolve(A)),
    ];
    await turn();
    opened.open('made');
    expect(new Set(await Promise.all(pending))).toEqual(new Set(['made']));
    expect(log).toEqual(['a']);
  });

  it('that failed are tried again at the next use, and fail all who wait together once', async () => {
    let attempts = 0;
    class Flaky {
      @Provides(A, lazy) static async a(): Promise<string> {
        attempts += 1;
        await turn();
        if (attempts === 1) throw new Error('first');
        return 'second';
      }
      @Provides(B, request) static async b(@Inject(A) a: string): Promise<string> {
        return a;
      }
    }
    await using container = await containerOf([Flaky]);
    await using scope = container.createScope();
    const outcomes = await Promise.allSettled([
      container.resolve(A),
      container.resolve(A),
      scope.resolve(B),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(attempts).toBe(1);
    expect(await container.resolve(A)).toBe('second');
    expect(attempts).toBe(2);
  });

  it('whose class throws are tried once for one use', async () => {
    let attempts = 0;
    @Injectable(lazy)
    class Broken {
      constructor() {
        attempts += 1;
        throw new Error('broken');
      }
    }
    @Injectable(lazy)
    class Left {
      constructor(readonly broken: Broken) {}
    }
    @Injectable(lazy)
    class Top {
      constructor(
        readonly left: Left,
        readonly broken: Broken,
      ) {}
    }
    await using container = await containerOf([]);
    const error: unknown = await container.resolve(Top).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ message: 'broken' });
    expect(attempts).toBe(1);
    expect(errorPath(error)).toEqual(['Top', 'Left', 'Broken']);
    await expect(container.resolve(Top)).rejects.toThrow('broken');
    expect(attempts).toBe(2);
  });

  it('fail the start with the error itself, and what was made is torn down', async () => {
    const failure = new Error('no database');
    class Start {
      @Provides(Resource) static async resource(): Promise<Resource> {
        return new Resource('resource');
      }
      @Provides(A) static async a(_resource: Resource): Promise<string> {
        throw failure;
      }
    }
    await expect(containerOf([Start])).rejects.toBe(failure);
    expect(errorPath(failure)).toEqual(['Start.a']);
    expect(log).toEqual(['-resource']);
  });

  it('of a chain of 10,000 lazy classes need no deep recursion', async () => {
    const tokens = Array.from({ length: 10_000 }, (_, index) => token<number>(`t${index}`));
    class Chain {}
    tokens.forEach((own, index) => {
      const name = `m${index}`;
      Object.defineProperty(Chain, name, { value: async (below = -1) => below + 1 });
      if (index > 0) Inject(tokens[index - 1]!)(Chain, name, 0);
      Provides(own, lazy)(Chain, name, Object.getOwnPropertyDescriptor(Chain, name) as never);
    });
    await using container = await containerOf([Chain]);
    expect(await container.resolve(tokens.at(-1)!)).toBe(9_999);
  });
});

describe('a scope', () => {
  class Basket {
    readonly burgers: string[] = [];
  }
  class Baskets {
    @Provides(Basket, request) static async basket(): Promise<Basket> {
      log.push('basket');
      await turn();
      return new Basket();
    }
    @Provides(A, request) static async a(basket: Basket): Promise<string> {
      basket.burgers.push('a');
      return 'a';
    }
    @Provides(B, request) static async b(basket: Basket): Promise<string> {
      basket.burgers.push('b');
      return 'b';
    }
  }

  it('makes a value once, for resolves one after the other and at the same time', async () => {
    await using container = await containerOf([Baskets]);
    await using scope = container.createScope();
    await Promise.all([scope.resolve(A), scope.resolve(B), scope.resolve(Basket)]);
    await scope.resolve(A);
    expect((await scope.resolve(Basket)).burgers.toSorted()).toEqual(['a', 'b']);
    expect(log).toEqual(['basket']);
  });

  it('does not share with another scope', async () => {
    await using container = await containerOf([Baskets]);
    await using one = container.createScope();
    await using two = container.createScope();
    expect(await one.resolve(Basket)).not.toBe(await two.resolve(Basket));
  });

  it('is needed for what lives as long as a request', async () => {
    await using container = await containerOf([Baskets]);
    await expect(container.resolve(A)).rejects.toMatchObject({ code: 'TURNO_OUTSIDE_SCOPE' });
  });

  it('makes a transient value for each injection', async () => {
    @Injectable({ scope: 'transient' })
    class Own {}
    @Injectable(request)
    class Pair {
      constructor(
        readonly left: Own,
        readonly right: Own,
      ) {}
    }
    await using container = await containerOf([]);
    await using scope = container.createScope();
    const { left, right } = await scope.resolve(Pair);
    expect(left).not.toBe(right);
    expect(await scope.resolve(Own)).not.toBe(left);
  });

  it('holds the values that it is given, and only declared ones', async () => {
    const Request = token<{ id: number }>('Request');
    class Reading {
      @Provides(A, request) static async a(@Inject(Request) read: { id: number }): Promise<string> {
        return `request ${read.id}`;
      }
    }
    await using container = await containerOf([Reading], { scopeValues: [Request] });
    await using scope = container.createScope([value(Request, { id: 7 })]);
    expect(await scope.resolve(A)).toBe('request 7');
    expect(await scope.resolve(Request)).toEqual({ id: 7 });
    await using empty = container.createScope();
    await expect(empty.resolve(A)).rejects.toMatchObject({ code: 'TURNO_SCOPE_VALUE' });
    expect(() => container.createScope([value(A, '')])).toThrow('which was not declared');
  });

  it('reads all parameters before anything runs, and reports all faults together', async () => {
    const Request = token<Record<string, string>>('Request');
    const read = (name: string) => (target: object, method: string, index: number) =>
      declareParameter(target, method, index, {
        from: Request,
        name: `query "${name}"`,
        reader: () => (from) => {
          const text = from[name];
          if (text === undefined) throw new Error(`${name} is missing`);
          return text;
        },
      });
    class Greeting {
      @Provides(A, request) static async a(@read('first') first: string): Promise<string> {
        log.push('a');
        return first;
      }
      static async greet(@Inject(A) first: string, @read('last') last: string): Promise<string> {
        return `${first} ${last}`;
      }
    }
    declareHandler(Greeting, 'greet');
    await using container = await containerOf([Greeting], { scopeValues: [Request] });
    const greet = handlerToken(Greeting, 'greet');
    expect(container.inputs(greet).map(({ name }) => name)).toEqual([
      'query "first"',
      'query "last"',
    ]);
    await using bad = container.createScope([value(Request, {})]);
    await expect(bad.resolve(greet)).rejects.toMatchObject({
      code: 'TURNO_INPUT',
      faults: [
        { owner: 'Greeting.a', index: 0, error: { message: 'first is missing' } },
        { owner: 'Greeting.greet', index: 1, error: { message: 'last is missing' } },
      ],
    });
    expect(log).toEqual([]);
    await using good = container.createScope([value(Request, { first: 'Ada', last: 'Lovelace' })]);
    expect(await good.resolve(greet)).toBe('Ada Lovelace');
  });
});

describe('order and concurrency', () => {
  it('starts a step as soon as its own dependencies are there, not level by level', async () => {
    const slow = gate();
    class Uneven {
      @Provides(A, request) static async a(): Promise<string> {
        await slow.passed;
        log.push('slow');
        return 'a';
      }
      @Provides(B, request) static async b(): Promise<string> {
        log.push('quick');
        return 'b';
      }
      @Provides(C, request) static async c(@Inject(B) b: string): Promise<string> {
        log.push('after quick');
        slow.open();
        return b;
      }
      @Provides(D, request) static async d(
        @Inject(A) a: string,
        @Inject(C) c: string,
      ): Promise<string> {
        return a + c;
      }
    }
    await using container = await containerOf([Uneven]);
    await using scope = container.createScope();
    expect(await scope.resolve(D)).toBe('ab');
    expect(log).toEqual(['quick', 'after quick', 'slow']);
  });

  it('makes the shared step of a diamond once', async () => {
    class Diamond {
      @Provides(A, request) static async a(): Promise<string> {
        log.push('a');
        return 'a';
      }
      @Provides(B, request) static async b(@Inject(A) a: string): Promise<string> {
        return `${a}b`;
      }
      @Provides(C, request) static async c(@Inject(A) a: string): Promise<string> {
        return `${a}c`;
      }
      @Provides(D, request) static async d(
        @Inject(B) b: string,
        @Inject(C) c: string,
      ): Promise<string> {
        return `${b} ${c}`;
      }
    }
    await using container = await containerOf([Diamond]);
    await using scope = container.createScope();
    expect(await scope.resolve(D)).toBe('ab ac');
    expect(log).toEqual(['a']);
  });

  it('runs a chain of 10,000 steps', async () => {
    const tokens = Array.from({ length: 10_000 }, (_, index) => token<number>(`t${index}`));
    class Chain {}
    tokens.forEach((own, index) => {
      const name = `m${index}`;
      const method = (below = -1) => below + 1;
      Object.defineProperty(Chain, name, { value: method });
      if (index > 0) Inject(tokens[index - 1]!)(Chain, name, 0);
      const options = { ...request, on: 'loop' } as const;
      Provides(own, options)(Chain, name, Object.getOwnPropertyDescriptor(Chain, name) as never);
    });
    await using container = await containerOf([Chain]);
    await using scope = container.createScope();
    expect(await scope.resolve(tokens.at(-1)!)).toBe(9_999);
  });
});

describe('a failure', () => {
  it('reaches the caller as it is, with its path, when what was in flight has ended', async () => {
    const failure = new Error('burnt');
    const slow = gate();
    let aborted = false;
    class Failing {
      @Provides(Resource, request) static async resource(): Promise<Resource> {
        return new Resource('resource');
      }
      @Provides(A, request) static async a(
        _resource: Resource,
        signal: AbortSignal,
      ): Promise<string> {
        signal.addEventListener('abort', () => (aborted = true));
        await slow.passed;
        log.push('a ended');
        return 'a';
      }
      @Provides(B, request) static async b(_resource: Resource): Promise<string> {
        throw failure;
      }
      @Provides(C, request) static async c(
        @Inject(A) a: string,
        @Inject(B) b: string,
      ): Promise<string> {
        log.push('c');
        return a + b;
      }
    }
    await using container = await containerOf([Failing]);
    await using scope = container.createScope();
    const pending = scope.resolve(C);
    pending.catch(() => log.push('rejected'));
    await turn();
    expect(aborted).toBe(true);
    expect(log).toEqual([]);
    slow.open();
    await expect(pending).rejects.toBe(failure);
    expect(errorPath(failure)).toEqual(['Failing.c', 'Failing.b']);
    expect(log).toEqual(['a ended', '-resource', 'rejected']);
  });

  it('is the first in the order of declaration when several fail; the others are attached', async () => {
    const [first, second] = [new Error('first'), new Error('second')];
    const turnOfFirst = gate();
    class Failing {
      @Provides(A, request) static async a(): Promise<string> {
        await turnOfFirst.passed;
        throw first;
      }
      @Provides(B, request) static async b(): Promise<string> {
        turnOfFirst.open();
        throw second;
      }
      @Provides(C, request) static async c(
        @Inject(A) a: string,
        @Inject(B) b: string,
      ): Promise<string> {
        return a + b;
      }
    }
    await using container = await containerOf([Failing]);
    await using scope = container.createScope();
    await expect(scope.resolve(C)).rejects.toBe(first);
    expect(suppressedErrors(first)).toEqual([second]);
  });

  it('does not take a value from others who work with it', async () => {
    const failing = gate();
    class Shared {
      @Provides(Resource, request) static async resource(): Promise<Resource> {
        return new Resource('resource');
      }
      @Provides(A, request) static async a(_resource: Resource): Promise<string> {
        await failing.passed;
        throw new Error('a');
      }
      @Provides(B, request) static async b(resource: Resource): Promise<string> {
        return resource.name;
      }
    }
    await using container = await containerOf([Shared]);
    const scope = container.createScope();
    const failed = scope.resolve(A);
    expect(await scope.resolve(B)).toBe('resource');
    failing.open();
    await expect(failed).rejects.toThrow('a');
    expect(log).toEqual([]);
    await scope.dispose();
    expect(log).toEqual(['-resource']);
  });

  it('of one resolve leaves what it had not begun to another that waits for it', async () => {
    const stuck = gate();
    const failing = gate();
    class Shared {
      @Provides(A, request) static async a(): Promise<string> {
        await stuck.passed;
        return 'a';
      }
      @Provides(B, request) static async b(@Inject(A) a: string): Promise<string> {
        log.push('b');
        return `${a}b`;
      }
      @Provides(C, request) static async c(): Promise<string> {
        await failing.passed;
        throw new Error('c');
      }
      @Provides(D, request) static async d(
        @Inject(B) b: string,
        @Inject(C) c: string,
      ): Promise<string> {
        return b + c;
      }
    }
    await using container = await containerOf([Shared]);
    await using scope = container.createScope();
    const failed = scope.resolve(D);
    const waiting = scope.resolve(B);
    failing.open();
    await turn();
    stuck.open();
    await expect(failed).rejects.toThrow('c');
    expect(await waiting).toBe('ab');
    expect(log).toEqual(['b']);
  });

  it('may be anything that can be thrown', async () => {
    class Odd {
      @Provides(A, request) static async a(): Promise<string> {
        throw null;
      }
    }
    await using container = await containerOf([Odd]);
    await using scope = container.createScope();
    await expect(scope.resolve(A)).rejects.toBeNull();
  });
});

describe('dispose', () => {
  class Resources {
    @Provides(A) static async a(): Promise<string> {
      return 'a';
    }
  }

  @Injectable()
  class First extends Resource {
    constructor() {
      super('first');
    }
  }
  @Injectable()
  class Second extends Resource {
    constructor(readonly first: First) {
      super('second');
    }
  }
  @Injectable(request)
  class Third extends Resource {
    constructor(readonly second: Second) {
      super('third');
    }
  }

  it('tears down in reverse order of creation, live scopes before singletons', async () => {
    const container = await containerOf([Second]);
    await container.createScope().resolve(Third);
    await container.dispose();
    expect(log).toEqual(['-third', '-second', '-first']);
  });

  it('happens once, however often and at the same time it is called', async () => {
    const container = await containerOf([Second]);
    await Promise.all([container.dispose(), container.dispose(), container.dispose()]);
    await container.dispose();
    expect(log).toEqual(['-second', '-first']);
  });

  it('prefers the asynchronous way, and does not touch what was given', async () => {
    const Both = token<object>('Both');
    const Given = token<object>('Given');
    const both = {
      [Symbol.dispose]: () => log.push('sync'),
      [Symbol.asyncDispose]: async () => log.push('async'),
    };
    class Making {
      @Provides(Both) static async both(): Promise<object> {
        return both;
      }
    }
    const container = await containerOf([
      Making,
      value(Given, { [Symbol.dispose]: () => log.push('given') }),
    ]);
    await container.resolve(Given);
    await container.dispose();
    expect(log).toEqual(['async']);
  });

  it('does not dispose a value twice that a provider only hands on', async () => {
    class HandingOn {
      @Provides(A, request) static async a(first: First): Promise<string> {
        return first as never;
      }
    }
    const container = await containerOf([HandingOn]);
    const scope = container.createScope();
    await scope.resolve(A);
    await scope.dispose();
    expect(log).toEqual([]);
    await container.dispose();
    expect(log).toEqual(['-first']);
  });

  it('attempts every teardown, and throws one error or all of them', async () => {
    class Fails {
      constructor(readonly name: string) {}
      [Symbol.dispose](): void {
        log.push(`-${this.name}`);
        throw new Error(this.name);
      }
    }
    const [One, Two] = [token<Fails>('One'), token<Fails>('Two')];
    class Failing {
      @Provides(One) static async one(): Promise<Fails> {
        return new Fails('one');
      }
      @Provides(Two) static async two(@Inject(One) _one: Fails): Promise<Fails> {
        return new Fails('two');
      }
    }
    const container = await containerOf([Failing]);
    await expect(container.dispose()).rejects.toMatchObject({
      errors: [{ message: 'two' }, { message: 'one' }],
    });
    expect(log).toEqual(['-two', '-one']);
    const single = await containerOf([Failing], {
      overrides: [value(One, new Fails('given'))],
    });
    await expect(single.dispose()).rejects.toThrow('two');
  });

  it('ends what is being resolved with a DisposedError, and tears down its late product', async () => {
    const opened = gate();
    class Slow {
      @Provides(Resource, request) static async resource(): Promise<Resource> {
        await opened.passed;
        return new Resource('late');
      }
    }
    const container = await containerOf([Slow]);
    const pending = container.createScope().resolve(Resource);
    const disposed = container.dispose();
    await expect(pending).rejects.toBeInstanceOf(DisposedError);
    opened.open();
    await disposed;
    expect(log).toEqual(['-late']);
  });

  it('refuses what comes after it', async () => {
    const container = await containerOf([Resources]);
    const scope = container.createScope();
    await scope.dispose();
    await expect(scope.resolve(A)).rejects.toBeInstanceOf(DisposedError);
    await container.dispose();
    await expect(container.resolve(A)).rejects.toBeInstanceOf(DisposedError);
    expect(() => container.createScope()).toThrow(DisposedError);
  });
});

describe('overrides', () => {
  it('replace a provider; the original and what only it needed are not made', async () => {
    @Injectable()
    class Deep {
      constructor() {
        log.push('deep');
      }
    }
    class Original {
      @Provides(A) static async a(_deep: Deep): Promise<string> {
        return 'original';
      }
      @Provides(B, request) static async b(@Inject(A) a: string): Promise<string> {
        return `b of ${a}`;
      }
    }
    class Replacement {
      @Provides(A) static async a(): Promise<string> {
        return 'replacement';
      }
    }
    for (const override of [Replacement, value(A, 'replacement')]) {
      await using container = await containerOf([Original], { overrides: [override] });
      await using scope = container.createScope();
      expect(await scope.resolve(B)).toBe('b of replacement');
    }
    expect(log).toEqual([]);
  });

  it('replace an injectable class that nobody lists', async () => {
    @Injectable()
    class Clock {
      now(): number {
        return 1;
      }
    }
    @Injectable()
    class User {
      constructor(readonly clock: Clock) {}
    }
    await using container = await containerOf([User], {
      overrides: [value(Clock, { now: () => 2 })],
    });
    expect((await container.resolve(User)).clock.now()).toBe(2);
  });
});

describe('Container.create', () => {
  it('reports all problems at once', async () => {
    class Unknown {}
    @Injectable({ scope: 'request' })
    class PerRequest {}
    class Many {
      @Provides(A) static async a(_unknown: Unknown): Promise<string> {
        return '';
      }
      @Provides(B) static async b(_request: PerRequest): Promise<string> {
        return '';
      }
      @Provides(C) static async c(@Inject(D) d: string): Promise<string> {
        return d;
      }
      @Provides(D) static async d(@Inject(C) c: string): Promise<string> {
        return c;
      }
    }
    const error = await containerOf([Many]).catch((caught: unknown) => caught);
    expect(error).toMatchObject({
      code: 'TURNO_GRAPH',
      errors: [
        { code: 'TURNO_MISSING_PROVIDER' },
        { code: 'TURNO_CYCLE' },
        { code: 'TURNO_SCOPE' },
      ],
    });
    expect((error as Error).message).toContain('There are 3 problems in the graph of providers:');
    // As Node prints an error that nobody catches: each problem once.
    const printed = inspect(error, { customInspect: false, depth: 5 });
    expect(printed.match(/\[TURNO_CYCLE\]|CycleError/g)).toHaveLength(1);
    expect(printed).toMatch(/ {\n {2}code: 'TURNO_GRAPH',\n {2}\[errors\]: \[Getter\]\n}$/);
  });

  it('refuses lists that are none', async () => {
    await expect(Container.create({ providers: Resource as never })).rejects.toThrow(
      '`providers` of Container.create is not an array. Write providers: [ … ].',
    );
  });
});
