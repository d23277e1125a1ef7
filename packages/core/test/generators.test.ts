/** Generators as providers: setup, value, teardown; what they see of errors and make of them. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { threadId } from 'node:worker_threads';
import {
  Container,
  declareHandler,
  errorPath,
  GeneratorError,
  handlerToken,
  Inject,
  provide as provideFunction,
  Provides,
  suppressedErrors,
  TeardownTimeoutError,
  token,
  value,
  type ContainerOptions,
  type Provider,
  type Scope,
  type Token,
} from '@turno/core';
import * as fixture from './fixtures/generators.js';
import { gate, turn } from './support/gate.js';

const request = { scope: 'request' } as const;
const call = { scope: 'call' } as const;

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

const failureOf = (pending: Promise<unknown>): Promise<unknown> =>
  pending.then(
    (result: unknown) => {
      throw new Error(`It did not fail, but gave ${String(result)}.`);
    },
    (error: unknown) => error,
  );

const messageOf = (error: unknown): string => (error as Error).message;

interface Manners {
  readonly scope?: Scope;
  readonly lazy?: boolean;
  readonly needs?: readonly Token[];
  /** What it does at first. */
  readonly setup?: () => unknown;
  /** What it does with an error that is thrown in. */
  readonly onError?: 'pass' | 'translate' | 'swallow';
  /** What it does at the end, in any case. */
  readonly atEnd?: () => unknown;
}

/** A class with one async generator, which writes down what becomes of it. */
function generator(
  of: Token<string>,
  { needs = [], setup, onError = 'pass', atEnd, scope = 'request', lazy = false }: Manners = {},
): Provider {
  class Holder {
    static async *make(): AsyncGenerator<string> {
      const { name } = of;
      await setup?.();
      log.push(`+${name}`);
      try {
        yield name;
        log.push(`${name} succeeds`);
      } catch (error) {
        log.push(`${name} sees ${messageOf(error)}`);
        if (onError === 'swallow') return;
        if (onError === 'translate') throw new Error(`${name}(${messageOf(error)})`);
        throw error;
      } finally {
        await atEnd?.();
        log.push(`-${name}`);
      }
    }
  }
  return provide(Holder, 'make', of, needs, { scope, lazy });
}

/** A class with one async method. */
function method(
  of: Token<string>,
  needs: readonly Token[],
  make: () => Promise<string>,
  scope: Scope = 'request',
): Provider {
  class Holder {
    static async make(): Promise<string> {
      return make();
    }
  }
  return provide(Holder, 'make', of, needs, { scope });
}

function provide<T>(
  Holder: new () => unknown,
  name: string,
  of: Token<T>,
  needs: readonly Token[],
  options: { scope: Scope; lazy?: boolean; on?: 'loop' },
): Provider {
  needs.forEach((need, index) => Inject(need)(Holder, name, index));
  Provides(of, options)(Holder, name, Object.getOwnPropertyDescriptor(Holder, name) as never);
  return Holder;
}

/** A class with a handler that fails. */
function failing(needs: readonly Token[], error: Error): { Failing: Provider; fail: Token } {
  class Failing {
    static async fail(): Promise<never> {
      throw error;
    }
  }
  needs.forEach((need, index) => Inject(need)(Failing, 'fail', index));
  declareHandler(Failing, 'fail');
  return { Failing, fail: handlerToken(Failing, 'fail') };
}

describe('an async generator', () => {
  it('gives what it yields, and goes on when its scope ends: in reverse order', async () => {
    const providers = [generator(A), generator(B, { needs: [A] }), generator(C, { needs: [A, B] })];
    await using container = await containerOf(providers);
    const scope = container.createScope();
    expect(await scope.resolve(C)).toBe('C');
    expect(await scope.resolve(A)).toBe('A');
    expect(log).toEqual(['+A', '+B', '+C']);
    await scope.dispose();
    expect(log.slice(3)).toEqual(['C succeeds', '-C', 'B succeeds', '-B', 'A succeeds', '-A']);
  });

  it('that is a singleton ends with the container, after the scopes', async () => {
    const container = await containerOf([
      generator(A, { scope: 'singleton' }),
      generator(B, { scope: 'singleton', needs: [A] }),
      generator(C, { needs: [A] }),
    ]);
    expect(log).toEqual(['+A', '+B']);
    await container.createScope().resolve(C);
    await container.dispose();
    expect(log.filter((entry) => entry.startsWith('-'))).toEqual(['-C', '-B', '-A']);
  });

  it('that is a lazy singleton is made at its first use, and once', async () => {
    const container = await containerOf([generator(A, { scope: 'singleton', lazy: true })]);
    expect(log).toEqual([]);
    expect(await Promise.all([container.resolve(A), container.resolve(A)])).toEqual(['A', 'A']);
    expect(log).toEqual(['+A']);
    await container.dispose();
    expect(log).toEqual(['+A', 'A succeeds', '-A']);
  });

  it('that is transient is made for each injection and ends with the scope of its consumer', async () => {
    const container = await containerOf([
      generator(A, { scope: 'transient' }),
      generator(B, { scope: 'singleton', needs: [A] }),
      generator(C, { needs: [A, A] }),
    ]);
    expect(log).toEqual(['+A', '+B']);
    await container.run((scope) => scope.resolve(C));
    expect(log.slice(2)).toEqual([
      ...['+A', '+A', '+C', 'C succeeds', '-C'],
      ...['A succeeds', '-A', 'A succeeds', '-A'],
    ]);
    log = [];
    await container.dispose();
    expect(log).toEqual(['B succeeds', '-B', 'A succeeds', '-A']);
  });

  it('that is on a call ends with the call, before what belongs to the request', async () => {
    const providers = [generator(A), generator(B, { ...call, needs: [A] })];
    await using container = await containerOf(providers);
    await container.run(async (scope) => {
      await scope.run((inner) => inner.resolve(B));
      expect(log).toEqual(['+A', '+B', 'B succeeds', '-B']);
    });
    expect(log.slice(4)).toEqual(['A succeeds', '-A']);
  });

  it('may yield anything, also what is falsy or has a `dispose` of its own', async () => {
    const Falsy = token<unknown>('Falsy');
    const Own = token<object>('Own');
    for (const given of [0, '', false, null, undefined]) {
      class Holder {
        @Provides(Falsy, request) static async *falsy(): AsyncGenerator {
          yield given;
        }
      }
      await using container = await containerOf([Holder]);
      expect(await container.run((scope) => scope.resolve(Falsy))).toBe(given);
    }
    const own = { [Symbol.dispose]: () => log.push('disposed') };
    class Holder {
      @Provides(Own, request) static async *own(): AsyncGenerator<object> {
        yield own;
        log.push('generator');
      }
    }
    await using container = await containerOf([Holder]);
    expect(await container.run((scope) => scope.resolve(Own))).toBe(own);
    // What follows the yield is its end; nobody else touches the value.
    expect(log).toEqual(['generator']);
  });

  it('of an instance is called on it, with its parameters', async () => {
    class Holder {
      readonly name = 'instance';
      @Provides(A, request) async *a(): AsyncGenerator<string> {
        yield this.name;
        log.push(`end of ${this.name}`);
      }
      @Provides(B, request) async *b(@Inject(A) a: string): AsyncGenerator<string> {
        yield `${this.name} with ${a}`;
      }
    }
    await using container = await containerOf([Holder]);
    expect(await container.run((scope) => scope.resolve(B))).toBe('instance with instance');
    expect(log).toEqual(['end of instance']);
  });
});

describe('a sync generator on the loop', () => {
  it('is entered and ended there, without a thread', async () => {
    class Holder {
      @Provides(A, { ...request, on: 'loop' }) static *a(): Generator<string> {
        try {
          yield `thread ${threadId}`;
          log.push('succeeds');
        } catch (error) {
          log.push(`sees ${messageOf(error)}`);
          throw new RangeError('translated');
        }
      }
    }
    await using container = await containerOf([Holder]);
    expect(container.placement(A)).toBe('loop');
    expect(await container.run((scope) => scope.resolve(A))).toBe(`thread ${threadId}`);
    expect(log).toEqual(['succeeds']);
    const failed = container.run(async (scope) => {
      await scope.resolve(A);
      throw new Error('body');
    });
    await expect(failed).rejects.toThrow(new RangeError('translated'));
    expect(log).toEqual(['succeeds', 'sees body']);
    expect(container.threads.threads).toBe(0);
  });

  it('that throws before its yield fails the resolve with that error', async () => {
    const failure = new Error('setup');
    class Holder {
      @Provides(B, { ...request, on: 'loop' }) static *b(@Inject(A) _a: string): Generator<string> {
        throw failure;
      }
    }
    await using container = await containerOf([Holder, generator(A)]);
    await using scope = container.createScope();
    await expect(scope.resolve(B)).rejects.toBe(failure);
    expect(errorPath(failure)).toEqual(['Holder.b']);
    expect(log).toEqual(['+A', 'A sees setup', '-A']);
  });
});

describe('the error of a body', () => {
  const body = new Error('body');

  it('is thrown in at the yield, innermost dependant first, and reaches the caller', async () => {
    const providers = [generator(A), generator(B, { needs: [A] }), generator(C, { needs: [B] })];
    await using container = await containerOf(providers);
    const failed = container.run(async (scope) => {
      await scope.resolve(C);
      throw body;
    });
    await expect(failed).rejects.toBe(body);
    expect(log.slice(3)).toEqual([
      ...['C sees body', '-C'],
      ...['B sees body', '-B'],
      ...['A sees body', '-A'],
    ]);
  });

  it('may be translated: those further out and the caller see the translation', async () => {
    const translate = 'translate' as const;
    const providers = [
      generator(A, { onError: translate }),
      generator(B, { needs: [A] }),
      generator(C, { needs: [B], onError: translate }),
    ];
    await using container = await containerOf(providers);
    const failed = container.run(async (scope) => {
      await scope.resolve(C);
      throw body;
    });
    await expect(failed).rejects.toThrow(new Error('A(C(body))'));
    expect(log.filter((entry) => entry.includes('sees'))).toEqual([
      'C sees body',
      'B sees C(body)',
      'A sees C(body)',
    ]);
  });

  it('stays a failure when a generator swallows it', async () => {
    const swallow = 'swallow' as const;
    const providers = [
      generator(A, { onError: swallow }),
      generator(B, { needs: [A], onError: swallow }),
    ];
    await using container = await containerOf(providers);
    const failed = container.run(async (scope) => {
      await scope.resolve(B);
      throw body;
    });
    await expect(failed).rejects.toBe(body);
    expect(log.slice(2)).toEqual(['B sees body', '-B', 'A sees body', '-A']);
  });

  it('of scope.run is seen by that call; by the request only if it is passed on', async () => {
    const providers = [generator(A), generator(B, { ...call, needs: [A] })];
    await using container = await containerOf(providers);
    const fail = async () => {
      throw body;
    };
    await container.run(async (scope) => {
      const failed = scope.run(async (inner) => {
        await inner.resolve(B);
        await fail();
      });
      await expect(failed).rejects.toBe(body);
    });
    expect(log).toEqual(['+A', '+B', 'B sees body', '-B', 'A succeeds', '-A']);
    log = [];
    const passedOn = container.run((scope) =>
      scope.run(async (inner) => {
        await inner.resolve(B);
        await fail();
      }),
    );
    await expect(passedOn).rejects.toBe(body);
    expect(log).toEqual(['+A', '+B', 'B sees body', '-B', 'A sees body', '-A']);
  });

  it('may be anything that can be thrown', async () => {
    await using container = await containerOf([generator(A, { onError: 'swallow' })]);
    for (const thrown of [0, '', false]) {
      const failed = container.run(async (scope) => {
        await scope.resolve(A);
        throw thrown;
      });
      await expect(failed).rejects.toBe(thrown);
    }
    expect(log.filter((entry) => entry === 'A succeeds')).toEqual([]);
  });

  it('does not end singletons', async () => {
    await using container = await containerOf([generator(A, { scope: 'singleton' })]);
    const failed = container.run(async (scope) => {
      await scope.resolve(A);
      throw body;
    });
    await expect(failed).rejects.toBe(body);
    expect(log).toEqual(['+A']);
  });

  it('gives way to nothing: run returns what the body returns', async () => {
    await using container = await containerOf([generator(A)]);
    expect(await container.run(() => undefined)).toBeUndefined();
    expect(await container.run(async (scope) => [await scope.resolve(A)])).toEqual(['A']);
    expect(log).toEqual(['+A', 'A succeeds', '-A']);
  });
});

describe('the error of a handler', () => {
  it('is thrown in at the yields of what it was given, calls first, and may be translated', async () => {
    const { Failing, fail } = failing([A, B], new Error('handler'));
    await using container = await containerOf([
      generator(A, { onError: 'translate' }),
      generator(B, { ...call, needs: [A], onError: 'translate' }),
      Failing,
    ]);
    const error = await failureOf(container.run((scope) => scope.resolve(fail)));
    expect(messageOf(error)).toBe('A(B(handler))');
    expect(log).toEqual(['+A', '+B', 'B sees handler', '-B', 'A sees B(handler)', '-A']);
  });

  it('stays a failure when it is swallowed', async () => {
    const handler = new Error('handler');
    const { Failing, fail } = failing([A], handler);
    const providers = [generator(A, { ...call, onError: 'swallow' }), Failing];
    await using container = await containerOf(providers);
    await using scope = container.createScope();
    expect(await failureOf(scope.resolve(fail))).toBe(handler);
    expect(log).toEqual(['+A', 'A sees handler', '-A']);
  });

  it('carries its path also when a generator has put another one into its place', async () => {
    const { Failing, fail } = failing([A], new Error('handler'));
    await using container = await containerOf([generator(A, { onError: 'translate' }), Failing]);
    await using scope = container.createScope();
    const error = await failureOf(scope.resolve(fail));
    expect(messageOf(error)).toBe('A(handler)');
    expect(errorPath(error)).toEqual(['Failing.fail']);
  });
});

describe('a setup that fails', () => {
  const setup = new Error('setup');
  const fail = () => {
    throw setup;
  };

  it('in step k of n unwinds what was made, in reverse order', async () => {
    await using container = await containerOf([
      generator(A),
      generator(B, { needs: [A] }),
      generator(C, { needs: [B], setup: fail }),
      generator(D, { needs: [C] }),
    ]);
    await using scope = container.createScope();
    expect(await failureOf(scope.resolve(D))).toBe(setup);
    expect(errorPath(setup)).toEqual(['Holder.make', 'Holder.make']);
    expect(log).toEqual(['+A', '+B', 'B sees setup', '-B', 'A sees setup', '-A']);
  });

  it('unwinds what was still being made when it failed, once that is made', async () => {
    const slow = gate();
    await using container = await containerOf([
      generator(A),
      generator(B, { setup: () => slow.passed }),
      generator(C, { setup: fail }),
      method(D, [A, B, C], async () => 'd'),
    ]);
    await using scope = container.createScope();
    const pending = scope.resolve(D);
    let settled = false;
    pending.catch(() => (settled = true));
    await turn();
    expect(log).toEqual(['+A']);
    expect(settled).toBe(false);
    slow.open();
    expect(await failureOf(pending)).toBe(setup);
    expect(log).toEqual(['+A', '+B', 'B sees setup', '-B', 'A sees setup', '-A']);
  });

  it('may be translated by what had been set up', async () => {
    await using container = await containerOf([
      generator(A, { onError: 'translate' }),
      generator(B, { needs: [A], setup: fail }),
    ]);
    await using scope = container.createScope();
    const error = await failureOf(scope.resolve(B));
    expect(messageOf(error)).toBe('A(setup)');
    expect(errorPath(error)).toEqual(['Holder.make']);
  });

  it('at the start of the container ends what was made and fails the start', async () => {
    const starting = containerOf([
      generator(A, { scope: 'singleton' }),
      generator(B, { scope: 'singleton', needs: [A], setup: fail }),
    ]);
    expect(await failureOf(starting)).toBe(setup);
    expect(log).toEqual(['+A', 'A sees setup', '-A']);
  });

  it('does not end what another resolve of the scope works with', async () => {
    const slow = gate();
    const providers = [
      generator(A),
      method(B, [A], async () => {
        await slow.passed;
        throw setup;
      }),
      method(C, [A], async () => 'c'),
    ];
    await using container = await containerOf(providers);
    const scope = container.createScope();
    const failed = failureOf(scope.resolve(B));
    expect(await scope.resolve(C)).toBe('c');
    slow.open();
    expect(await failed).toBe(setup);
    expect(log).toEqual(['+A']);
    await scope.dispose();
    expect(log).toEqual(['+A', 'A succeeds', '-A']);
  });
});

describe('a caller who gives up', () => {
  it('sees the reason at once; what comes of it is thrown into the generators', async () => {
    const slow = gate();
    await using container = await containerOf([
      generator(A),
      generator(B, { needs: [A], setup: () => slow.passed }),
    ]);
    const scope = container.createScope();
    const caller = new AbortController();
    const pending = scope.resolve(B, { signal: caller.signal });
    await turn();
    caller.abort(new Error('enough'));
    expect(messageOf(await failureOf(pending))).toBe('enough');
    expect(log).toEqual(['+A']);
    slow.open();
    await scope.dispose();
    expect(log).toEqual(['+A', '+B', 'B sees enough', '-B', 'A sees enough', '-A']);
  });
});

describe('a generator that does not yield exactly once', () => {
  class Silent {
    @Provides(B, request) static async *silent(@Inject(A) _a: string): AsyncGenerator<string> {
      return;
    }
  }
  class Talkative {
    @Provides(B, request) static async *talkative(@Inject(A) _a: string): AsyncGenerator<string> {
      try {
        yield 'once';
        yield 'twice';
        log.push('never');
      } finally {
        log.push('finally');
      }
    }
    @Provides(C, request) static async *stubborn(@Inject(A) _a: string): AsyncGenerator<string> {
      try {
        yield 'once';
      } catch {
        yield 'twice';
      }
    }
  }
  class Sync {
    @Provides(B, { ...request, on: 'loop' }) static *silent(
      @Inject(A) _a: string,
    ): Generator<string> {
      const nothing: string[] = [];
      yield* nothing;
    }
    @Provides(C, { ...request, on: 'loop' }) static *talkative(
      @Inject(A) _a: string,
    ): Generator<string> {
      yield 'once';
      yield 'twice';
    }
  }

  it.each([
    ['async', Silent, 'Silent.silent'],
    ['sync', Sync, 'Sync.silent'],
  ])('but not at all (%s) is named, and what was made is ended', async (_, Holder, name) => {
    await using container = await containerOf([generator(A), Holder]);
    await using scope = container.createScope();
    const error = await failureOf(scope.resolve(B));
    expect(error).toBeInstanceOf(GeneratorError);
    expect(error).toMatchObject({ code: 'TURNO_GENERATOR', provider: name });
    expect(messageOf(error)).toBe(
      `The generator ${name} does not yield. It must \`yield\` its value exactly once; what follows is its teardown.`,
    );
    expect(log.at(-1)).toBe('-A');
  });

  it('but twice is named at the end; its own finally and the other teardowns run', async () => {
    await using container = await containerOf([generator(A), Talkative]);
    const scope = container.createScope();
    expect(await scope.resolve(B)).toBe('once');
    const error = await failureOf(scope.dispose());
    expect(error).toMatchObject({
      code: 'TURNO_GENERATOR',
      message:
        'The generator Talkative.talkative yields a second time. It must `yield` its value exactly once; what follows is its teardown.',
    });
    expect(log).toEqual(['+A', 'finally', expect.stringMatching(/^A sees /), '-A']);
  });

  it('but twice on the loop without async is named as well', async () => {
    await using container = await containerOf([generator(A), Sync]);
    const error = await failureOf(container.run((scope) => scope.resolve(C)));
    expect(error).toMatchObject({ code: 'TURNO_GENERATOR', provider: 'Sync.talkative' });
    expect(log.at(-1)).toBe('-A');
  });

  it('because it answers an error with a second value: the error stays what the caller sees', async () => {
    await using container = await containerOf([generator(A), Talkative]);
    const body = new Error('body');
    const failed = container.run(async (scope) => {
      await scope.resolve(C);
      throw body;
    });
    expect(await failureOf(failed)).toBe(body);
    expect(suppressedErrors(body)).toMatchObject([{ provider: 'Talkative.stubborn' }]);
    expect(log).toEqual(['+A', 'A sees body', '-A']);
  });
});

describe('a teardown', () => {
  it('that fails rejects the disposal; those further out see its error', async () => {
    await using container = await containerOf([
      generator(A),
      generator(B, {
        needs: [A],
        atEnd: () => {
          throw new Error('commit');
        },
      }),
    ]);
    const scope = container.createScope();
    await scope.resolve(B);
    const error = await failureOf(scope.dispose());
    expect(messageOf(error)).toBe('commit');
    expect(errorPath(error)).toEqual(['Holder.make']);
    expect(log.slice(2)).toEqual(['B succeeds', 'A sees commit', '-A']);
  });

  it('that fails may be translated further out', async () => {
    await using container = await containerOf([
      generator(A, { onError: 'translate' }),
      generator(B, {
        needs: [A],
        atEnd: () => {
          throw new Error('commit');
        },
      }),
    ]);
    await expect(container.run((scope) => scope.resolve(B))).rejects.toThrow(
      new Error('A(commit)'),
    );
  });

  it('that fails in several places is an AggregateError of all', async () => {
    class Fails {
      constructor(readonly name: string) {}
      [Symbol.dispose](): void {
        throw new Error(this.name);
      }
    }
    const F = token<Fails>('F');
    class Holder {
      @Provides(F, request) static async f(): Promise<Fails> {
        return new Fails('disposable');
      }
    }
    await using container = await containerOf([
      Holder,
      generator(A, {
        needs: [F],
        atEnd: () => {
          throw new Error('generator');
        },
      }),
    ]);
    const error = await failureOf(container.run((scope) => scope.resolve(A)));
    expect(error).toBeInstanceOf(AggregateError);
    expect((error as AggregateError).errors.map(messageOf)).toEqual(['generator', 'disposable']);
  });

  it('that never ends is named at `teardownTimeout`, and the rest still runs', async () => {
    const never = new Promise<never>(() => undefined);
    await using container = await containerOf(
      [
        generator(A),
        generator(B, { needs: [A], atEnd: () => never }),
        generator(C, { needs: [B] }),
      ],
      { teardownTimeout: 20 },
    );
    const scope = container.createScope();
    await scope.resolve(C);
    const error = await failureOf(scope.dispose());
    expect(error).toBeInstanceOf(TeardownTimeoutError);
    expect(error).toMatchObject({
      code: 'TURNO_TEARDOWN_TIMEOUT',
      provider: 'Holder.make',
      timeout: 20,
      message:
        'The teardown of Holder.make has not ended within 20 ms and was left behind. Let it end sooner, or set `teardownTimeout`. If it waits for the end of its own scope or container, it waits for itself: let it go without.',
    });
    expect(log).toContain('-C');
    expect(log).not.toContain('-B');
    expect(log.at(-1)).toBe('-A');
  });

  it('that never ends after a failure leaves the failure what it is', async () => {
    const never = new Promise<never>(() => undefined);
    const body = new Error('body');
    await using container = await containerOf(
      [generator(A), generator(B, { needs: [A], atEnd: () => never })],
      { teardownTimeout: 20 },
    );
    const failed = container.run(async (scope) => {
      await scope.resolve(B);
      throw body;
    });
    expect(await failureOf(failed)).toBe(body);
    expect(suppressedErrors(body)).toMatchObject([{ code: 'TURNO_TEARDOWN_TIMEOUT' }]);
    expect(log).toEqual(['+A', '+B', 'B sees body', 'A sees body', '-A']);
  });

  it('of a singleton that never ends does not keep the container', async () => {
    const container = await containerOf(
      [
        generator(A, { scope: 'singleton' }),
        generator(B, { scope: 'singleton', needs: [A], atEnd: () => new Promise(() => undefined) }),
      ],
      { teardownTimeout: 20 },
    );
    await expect(container.dispose()).rejects.toMatchObject({ code: 'TURNO_TEARDOWN_TIMEOUT' });
    expect(log.at(-1)).toBe('-A');
  });
});

describe.each(['tinypool', 'inline'] as const)('a generator in a thread (%s)', (executor) => {
  const { codes } = fixture;
  let container: Container;
  let ends: Int32Array;
  let endedIn: Int32Array;

  beforeAll(async () => {
    container = await containerOf([fixture.Nested, fixture.Faulty, fixture.AsyncPlaced], {
      scopeValues: [fixture.Ends, fixture.EndedIn],
      threads: { executor, size: 1 },
    });
  });
  afterAll(() => container.dispose());

  beforeEach(() => {
    ends = new Int32Array(new SharedArrayBuffer(64));
    endedIn = new Int32Array(new SharedArrayBuffer(4));
  });

  const resolve = async <T>(of: Token<T>): Promise<T> => {
    await using scope = container.createScope([
      value(fixture.Ends, ends),
      value(fixture.EndedIn, endedIn),
    ]);
    const made = await scope.resolve(of);
    // It has ended with its hop, not with the scope.
    expect(ended()).not.toEqual([]);
    return made;
  };
  const ended = (): number[] => [...ends.slice(1, ends[0]! + 1)];

  it('ends in the same thread at the end of its hop, dependants first', async () => {
    const [made, used] = await resolve(fixture.Used);
    expect(made).toBe(used);
    expect(endedIn[0]).toBe(made);
    if (executor === 'tinypool') expect(made).not.toBe(threadId);
    expect(ended()).toEqual([codes.innerSuccess, codes.outerSuccess]);
  });

  it('sees the error of its hop, dependants first', async () => {
    const error = await failureOf(resolve(fixture.UsedBadly));
    expect(error).toBeInstanceOf(RangeError);
    expect(messageOf(error)).toBe('badly');
    expect(errorPath(error)).toEqual(['Nested.badly']);
    expect(ended()).toEqual([codes.innerFailure, codes.outerFailure]);
  });

  it('may translate the error of its hop', async () => {
    const error = await failureOf(resolve(fixture.Translated));
    expect(error).toBeInstanceOf(fixture.TranslatedError);
    expect(error).toMatchObject({ message: 'original', by: 'translator' });
  });

  it('does not turn a failure into a success', async () => {
    expect(await failureOf(resolve(fixture.Swallowed))).toMatchObject({ message: 'not swallowed' });
  });

  it('that does not yield is named; what was made is ended', async () => {
    const error = await failureOf(resolve(fixture.OfSilent));
    expect(error).toBeInstanceOf(GeneratorError);
    expect(error).toMatchObject({ provider: 'Faulty.silent', problem: 'does not yield' });
    expect(errorPath(error)).toEqual(['Faulty.ofSilent', 'Faulty.silent']);
    expect(ended()).toEqual([codes.outerFailure]);
  });

  it('that yields twice is named; the other teardowns run', async () => {
    const error = await failureOf(resolve(fixture.OfTalkative));
    expect(error).toBeInstanceOf(GeneratorError);
    expect(error).toMatchObject({ provider: 'Faulty.talkative', problem: 'yields a second time' });
    expect(ended()).toEqual([codes.outerFailure]);
  });

  it('whose teardown fails rejects the resolve', async () => {
    const error = await failureOf(resolve(fixture.OfFailsToEnd));
    expect(error).toBeInstanceOf(RangeError);
    expect(messageOf(error)).toBe('at the end');
    expect(errorPath(error)).toContain('Faulty.failsToEnd');
    expect(ended()).toEqual([codes.outerFailure]);
  });

  it('may be async, where `on` puts it there', async () => {
    const [made, thread] = await resolve(fixture.OfAsyncInThread);
    expect(made).toBe('async in thread');
    if (executor === 'tinypool') expect(thread).not.toBe(threadId);
    expect(ended()).toEqual([codes.outerSuccess]);
  });

  it('may not be needed outside its hop', async () => {
    const error = await failureOf(
      containerOf([fixture.LeavesHop], { threads: { executor, size: 1 } }),
    );
    expect(error).toMatchObject({ code: 'TURNO_GRAPH', errors: [{ code: 'TURNO_NOT_PORTABLE' }] });
    expect(messageOf(error)).toContain(
      'LeavesHop.leaving is a generator that runs in a thread, where its value ends with its trip to a thread, but LeavesHop.waiting needs it outside of that trip. Make LeavesHop.leaving async (async *), or let a plain method take it as a parameter and return what is needed. Path: LeavesHop.waiting -> LeavesHop.leaving.',
    );
  });

  it('may not be resolved itself', async () => {
    await using scope = container.createScope();
    const error = await failureOf(scope.resolve(fixture.Outer));
    expect(error).toMatchObject({ code: 'TURNO_NOT_PORTABLE' });
    expect(messageOf(error)).toContain('it was resolved on the event loop');
  });

  it('that lives once per thread goes on when its thread ends in order', async () => {
    const single = await containerOf([fixture.OncePerThread, value(fixture.Ends, ends)], {
      threads: { executor, size: 1 },
    });
    for (let time = 0; time < 2; time++) {
      await using scope = single.createScope();
      expect(await scope.resolve(fixture.OfPerThread)).toBe('per thread');
    }
    expect(ended()).toEqual([]);
    await single.dispose();
    expect(ended()).toEqual([codes.perThread]);
  });
});

it('a plain method that returns a generator is refused, since nobody runs that', async () => {
  async function* made(): AsyncGenerator<string> {
    yield 'made';
  }
  const wrapped = provideFunction(A, { ...request, on: 'loop' }, () => made() as unknown as string);
  await using container = await containerOf([wrapped]);
  await expect(container.run((scope) => scope.resolve(A))).rejects.toMatchObject({
    code: 'TURNO_DECLARATION',
    message:
      'provide(A) returned a generator, which nobody runs: it is no generator method itself. Write it as one (`*name`, `async *name`; where a decorator wraps it, with `yield*`), or put a generator that is the value into an object.',
  });
});
