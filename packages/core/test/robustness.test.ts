/** What users' code and timing may do to a container without harming it. */
import { beforeEach, describe, expect, it } from '@jest/globals';
import { getEventListeners } from 'node:events';
import {
  alias,
  Container,
  errorPath,
  Inject,
  Injectable,
  Provides,
  suppressedErrors,
  token,
  value,
} from '@turno/core';
import * as twins from './fixtures/twins.js';
import { gate, turn } from './support/gate.js';

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

const disposable = (name: string): string =>
  ({ [Symbol.asyncDispose]: async () => log.push(`-${name}`) }) as never;

const untilAborted = (signal: AbortSignal): Promise<string> =>
  new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error));
  });

describe('a chain of singletons that waits for a slow one', () => {
  const chain = (bottom: () => Promise<number>) => {
    const tokens = Array.from({ length: 5_000 }, (_, index) => token<number>(`t${index}`));
    class Chain {}
    tokens.forEach((own, index) => {
      const name = `m${index}`;
      const make = index === 0 ? bottom : async (below: number) => below + 1;
      Object.defineProperty(Chain, name, { value: make });
      if (index > 0) Inject(tokens[index - 1]!)(Chain, name, 0);
      Provides(own, lazy)(Chain, name, Object.getOwnPropertyDescriptor(Chain, name) as never);
    });
    return { Chain, top: tokens.at(-1)! };
  };

  it('is made without a deep stack', async () => {
    const slow = gate<number>();
    const { Chain, top } = chain(async () => slow.passed);
    await using container = await Container.create({ providers: [Chain] });
    const resolved = container.resolve(top);
    slow.open(0);
    expect(await resolved).toBe(4_999);
  });

  it('fails without a deep stack', async () => {
    const slow = gate<number>();
    const { Chain, top } = chain(async () => slow.passed);
    await using container = await Container.create({ providers: [Chain] });
    const resolved = container.resolve(top);
    slow.fail(new Error('bottom'));
    await expect(resolved).rejects.toThrow('bottom');
  });
});

describe('dispose', () => {
  it('ends a request that waits for a singleton that waits for its signal', async () => {
    class Waiting {
      @Provides(A, lazy) static async a(signal: AbortSignal): Promise<string> {
        return untilAborted(signal);
      }
      @Provides(B, request) static async b(@Inject(A) a: string): Promise<string> {
        return a;
      }
    }
    const container = await Container.create({ providers: [Waiting] });
    const pending = container.createScope().resolve(B);
    await turn();
    const disposed = container.dispose();
    await expect(pending).rejects.toMatchObject({ code: 'TURNO_DISPOSED' });
    await disposed;
  });

  it('of a scope does not wait for a singleton that others may want', async () => {
    const slow = gate<string>();
    class Slow {
      @Provides(A, lazy) static async a(): Promise<string> {
        return slow.passed;
      }
      @Provides(B, request) static async b(@Inject(A) a: string): Promise<string> {
        return a;
      }
    }
    await using container = await Container.create({ providers: [Slow] });
    const scope = container.createScope();
    const pending = scope.resolve(B);
    await scope.dispose();
    await expect(pending).rejects.toMatchObject({ code: 'TURNO_DISPOSED' });
    slow.open('a');
    expect(await container.resolve(A)).toBe('a');
  });

  it('of a container waits for a scope that is ending already', async () => {
    const ending = gate();
    @Injectable()
    class Single {
      [Symbol.dispose]() {
        log.push('-single');
      }
    }
    @Injectable(request)
    class PerRequest {
      constructor(readonly single: Single) {}
      async [Symbol.asyncDispose]() {
        await ending.passed;
        log.push('-request');
      }
    }
    const container = await Container.create();
    const scope = container.createScope();
    await scope.resolve(PerRequest);
    const ended = [scope.dispose(), container.dispose()];
    await turn();
    expect(log).toEqual([]);
    ending.open();
    await Promise.all(ended);
    expect(log).toEqual(['-request', '-single']);
  });

  it('names work that does not heed its signal, and goes on', async () => {
    class Deaf {
      @Provides(A, request) static async a(): Promise<string> {
        return new Promise(() => undefined);
      }
      @Provides(B, request) static async b(): Promise<string> {
        return disposable('b');
      }
    }
    await using container = await Container.create({ providers: [Deaf], teardownTimeout: 10 });
    const scope = container.createScope();
    await scope.resolve(B);
    const pending = scope.resolve(A);
    const disposed = scope.dispose();
    await expect(pending).rejects.toMatchObject({ code: 'TURNO_DISPOSED' });
    await expect(disposed).rejects.toMatchObject({
      code: 'TURNO_TEARDOWN_TIMEOUT',
      provider: 'Deaf.a',
    });
    expect(log).toEqual(['-b']);
  });
});

describe('a value', () => {
  it('that throws for properties it does not know is a value like any other', async () => {
    const strict = new Proxy(
      { PORT: 1 },
      {
        get(target, name) {
          if (name === 'then') return undefined;
          if (!(name in target)) throw new ReferenceError(String(name));
          return Reflect.get(target, name) as unknown;
        },
      },
    );
    const Environment = token<{ PORT: number }>('Environment');
    const OnLoop = token<{ PORT: number }>('OnLoop');
    class Settings {
      @Provides(Environment) static async environment(): Promise<{ PORT: number }> {
        await turn();
        return strict;
      }
      @Provides(OnLoop, { ...request, on: 'loop' }) static onLoop(): { PORT: number } {
        return strict;
      }
    }
    await using container = await Container.create({ providers: [Settings] });
    expect((await container.resolve(Environment)).PORT).toBe(1);
    await using scope = container.createScope();
    expect((await scope.resolve(OnLoop)).PORT).toBe(1);
  });

  it('that calls back twice counts once', async () => {
    const slow = gate<string>();
    class Odd {
      @Provides(A, { ...request, on: 'loop' }) static a(): string {
        const twice = {
          then(accept: (value: string) => void) {
            accept('first');
            accept('second');
          },
        };
        return twice as never;
      }
      @Provides(B, request) static async b(): Promise<string> {
        return slow.passed;
      }
      @Provides(C, request) static async c(
        @Inject(A) a: string,
        @Inject(B) b: string,
      ): Promise<string> {
        return `${a} ${b}`;
      }
    }
    await using container = await Container.create({ providers: [Odd] });
    await using scope = container.createScope();
    const resolved = scope.resolve(C);
    await turn();
    slow.open('b');
    expect(await resolved).toBe('first b');
  });

  it('whose `then` throws fails its step', async () => {
    class Odd {
      @Provides(A, { ...request, on: 'loop' }) static a(): string {
        return {
          then() {
            throw new Error('no then');
          },
        } as never;
      }
    }
    await using container = await Container.create({ providers: [Odd] });
    await using scope = container.createScope();
    await expect(scope.resolve(A)).rejects.toThrow('no then');
  });

  it('of a singleton that a request hands on is disposed with the container', async () => {
    @Injectable()
    class Pool {
      [Symbol.dispose]() {
        log.push('-pool');
      }
    }
    const given = disposable('given');
    const Given = token<string>('Given');
    @Injectable()
    class Holder {
      constructor(
        readonly pool: Pool,
        @Inject(Given) readonly given: string,
      ) {}
      @Provides(A, request) async a(): Promise<string> {
        return this.pool as never;
      }
      @Provides(B, request) async b(): Promise<string> {
        return this.given;
      }
    }
    const container = await Container.create({ providers: [Holder, value(Given, given)] });
    await container.run(async (scope) => {
      await scope.resolve(A);
      await scope.resolve(B);
    });
    expect(log).toEqual([]);
    await container.dispose();
    expect(log).toEqual(['-pool']);
  });

  it('that a pool hands out again is given back at each end', async () => {
    const connection = disposable('connection');
    class Pool {
      @Provides(A, request) static async a(): Promise<string> {
        return connection;
      }
    }
    await using container = await Container.create({ providers: [Pool] });
    await container.run((scope) => scope.resolve(A));
    await container.run((scope) => scope.resolve(A));
    expect(log).toEqual(['-connection', '-connection']);
  });
});

describe('callers', () => {
  it('who leave do not take others along', async () => {
    const slow = gate<string>();
    let made = 0;
    class Slow {
      @Provides(A, request) static async a(signal: AbortSignal): Promise<string> {
        made += 1;
        return made === 1 ? untilAborted(signal) : slow.passed;
      }
    }
    await using container = await Container.create({ providers: [Slow] });
    await using scope = container.createScope();
    const caller = new AbortController();
    const one = scope.resolve(A, { signal: caller.signal });
    const two = scope.resolve(A);
    caller.abort(new Error('left'));
    await expect(one).rejects.toThrow('left');
    slow.open('a');
    expect(await two).toBe('a');
  });

  it('may be many with one signal, of whose eleventh listener Node would warn', async () => {
    const slow = gate<string>();
    class Slow {
      @Provides(A, request) static async a(): Promise<string> {
        return slow.passed;
      }
    }
    await using container = await Container.create({ providers: [Slow] });
    const { signal } = new AbortController();
    const pending = Array.from({ length: 20 }, () =>
      container.run((scope) => scope.resolve(A, { signal })),
    );
    await turn();
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    slow.open('a');
    expect(new Set(await Promise.all(pending))).toEqual(new Set(['a']));
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('who end a scope early say why', async () => {
    const reason = new Error('client gone');
    class Waiting {
      @Provides(A, request) static async *a() {
        try {
          yield 'a';
        } catch (error) {
          log.push(String(error));
          throw error;
        }
      }
      @Provides(B, request) static async b(
        @Inject(A) _a: string,
        signal: AbortSignal,
      ): Promise<string> {
        return untilAborted(signal);
      }
    }
    await using container = await Container.create({ providers: [Waiting] });
    const scope = container.createScope();
    const pending = scope.resolve(B);
    await turn();
    const disposed = scope.dispose(reason);
    await expect(pending).rejects.toBe(reason);
    await disposed;
    expect(log).toEqual(['Error: client gone']);
  });

  it('who leave learn of teardowns that failed because of it', async () => {
    const reason = new Error('left');
    const slow = gate();
    class Failing {
      @Provides(A, request) static async a(): Promise<string> {
        return {
          [Symbol.dispose]() {
            throw new Error('teardown');
          },
        } as never;
      }
      @Provides(B, request) static async b(@Inject(A) _a: string): Promise<string> {
        await slow.passed;
        return 'b';
      }
    }
    await using container = await Container.create({ providers: [Failing] });
    const scope = container.createScope();
    const caller = new AbortController();
    const pending = scope.resolve(B, { signal: caller.signal });
    await turn();
    caller.abort(reason);
    await expect(pending).rejects.toBe(reason);
    slow.open();
    await scope.dispose();
    expect(suppressedErrors(reason)).toMatchObject([{ message: 'teardown' }]);
  });

  it('see the whole path to a singleton that failed', async () => {
    class Failing {
      @Provides(A, lazy) static async a(): Promise<string> {
        throw new Error('no database');
      }
      @Provides(B, lazy) static async b(@Inject(A) a: string): Promise<string> {
        return a;
      }
      @Provides(C, request) static async c(@Inject(B) b: string): Promise<string> {
        return b;
      }
    }
    await using container = await Container.create({ providers: [Failing] });
    const error: unknown = await container
      .run((scope) => scope.resolve(C))
      .catch((thrown: unknown) => thrown);
    expect(errorPath(error)).toEqual(['Failing.c', 'Failing.b', 'Failing.a']);
  });
});

describe('declarations', () => {
  const codesOf = async (options: Parameters<typeof Container.create>[0]): Promise<string[]> => {
    const error = (await Container.create(options).catch((thrown: unknown) => thrown)) as {
      errors: { message: string }[];
    };
    return error.errors.map(({ message }) => message);
  };

  it('of aliases that lead nowhere, or in a circle, are found without anybody asking', async () => {
    expect(await codesOf({ providers: [alias(A, B)] })).toEqual([
      expect.stringContaining('There is no provider for "B", which A asks for'),
    ]);
    expect(await codesOf({ providers: [alias(C, D), alias(D, C)] })).toEqual([
      expect.stringContaining('"C" depends on itself'),
    ]);
  });

  it('of a scope value that something else provides are a duplicate', async () => {
    expect(await codesOf({ providers: [value(A, 'a')], scopeValues: [A] })).toEqual([
      expect.stringContaining('"A" is provided twice: by scopeValues and by value(A)'),
    ]);
  });

  it('of overrides leave the class of replaced methods unmade, and may replace it itself', async () => {
    class Real {
      constructor() {
        log.push('real');
      }
      @Provides(A) async a(): Promise<string> {
        return 'real';
      }
    }
    {
      await using container = await Container.create({
        providers: [Real],
        overrides: [value(A, 'fake')],
      });
      expect(await container.resolve(A)).toBe('fake');
    }
    const fake = { a: async () => 'fake instance' };
    await using container = await Container.create({
      providers: [Real],
      overrides: [value(Real, fake)],
    });
    expect(await container.resolve(A)).toBe('fake instance');
    expect(log).toEqual([]);
  });

  it('of methods for threads that have a symbol for a name are refused', async () => {
    const name = Symbol('work');
    class Symbolic {
      @Provides(A, request) static [name](): string {
        return '';
      }
    }
    expect(await codesOf({ providers: [Symbolic] })).toEqual([
      expect.stringContaining('its name is a symbol'),
    ]);
  });

  it('of what is no token are named', async () => {
    await using container = await Container.create();
    await expect(container.resolve(undefined as never)).rejects.toMatchObject({
      code: 'TURNO_DECLARATION',
    });
    expect(() => container.createScope([1 as never])).toThrow('createScope was given a number');
    expect(await codesOf({ scopeValues: [undefined as never] })).toEqual([
      expect.stringContaining('scopeValues[0] is undefined, which is no token.'),
    ]);
    await expect(Container.create({ provider: [] } as never)).rejects.toThrow(
      'Container.create has no option "provider".',
    );
  });

  it('of a knot of cycles are one problem', async () => {
    const tokens = Array.from({ length: 50 }, (_, index) => token<number>(`t${index}`));
    class Knot {}
    tokens.forEach((own, index) => {
      const name = `m${index}`;
      Object.defineProperty(Knot, name, { value: async () => index });
      Inject(tokens[(index + 1) % tokens.length]!)(Knot, name, 0);
      Inject(tokens[0]!)(Knot, name, 1);
      Provides(own, lazy)(Knot, name, Object.getOwnPropertyDescriptor(Knot, name) as never);
    });
    const [message, ...others] = await codesOf({ providers: [Knot] });
    expect(message).toContain('depends on itself');
    expect(others).toEqual([]);
  });
});

describe('in threads', () => {
  const size = { threads: { size: 1 } };

  it('classes of one name that a function makes are refused, for they could be mixed up', async () => {
    const [Users, Orders] = [token<string>('Users'), token<string>('Orders')];
    const providers = [twins.table('users', Users), twins.table('orders', Orders)];
    await expect(Container.create({ providers, ...size })).rejects.toMatchObject({
      errors: [{ code: 'TURNO_UNREACHABLE' }, { code: 'TURNO_UNREACHABLE' }],
    });
    await using inline = await Container.create({ providers, threads: { executor: 'inline' } });
    await using scope = inline.createScope();
    expect([await scope.resolve(Users), await scope.resolve(Orders)]).toEqual(['users', 'orders']);
  });

  it('a static method and one of an instance may have one name', async () => {
    await using container = await Container.create({ providers: [twins.SameName], ...size });
    expect(await container.run((scope) => scope.resolve(twins.Both))).toEqual([
      'static',
      'instance',
    ]);
  });

  it('methods of a class of the request share its instance', async () => {
    await using container = await Container.create({ providers: [twins.Basket], ...size });
    expect(await container.run((scope) => scope.resolve(twins.SecondCount))).toBe(2);
  });

  it('a portable class of the request is the same for hops one after the other', async () => {
    await using container = await Container.create({ providers: [twins.Sharing], ...size });
    await container.run(async (scope) => {
      expect(await scope.resolve(twins.FromOne)).toBe(await scope.resolve(twins.FromTwo));
    });
  });

  it('a class of the request may be needed in a later hop only', async () => {
    await using container = await Container.create({ providers: [twins.Later], ...size });
    expect(await container.run((scope) => scope.resolve(twins.Late))).toBe('helped early middle');
  });

  it('a class without a decorator of its own is refused with that reason', async () => {
    await expect(Container.create({ providers: [twins.Undecorated], ...size })).rejects.toThrow(
      'Undecorated has no decorator of its own',
    );
  });

  it('a class with methods for threads only is made there only', async () => {
    await using container = await Container.create({
      providers: [twins.Parent],
      ...size,
    });
    expect(container.explain(twins.Parents)).toContain(
      'Parent          [singleton]  thread, hop 1',
    );
    expect(container.explain()).toBe('start: 0 singletons');
  });
});
