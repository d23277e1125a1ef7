/** What is made in one straight pass that waits for promises: the same as by a run, whoever comes between. */
import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks';
import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  Container,
  DisposedError,
  errorPath,
  Inject,
  Injectable,
  lazy,
  Provides,
  token,
  type ScopeInstance,
  type Token,
} from '@turno/core';
import { gate, turn, type Gate } from './support/gate.js';

const request = { scope: 'request' } as const;

let log: string[];
/** What each step waits for, and does then. */
let slow: () => Promise<unknown>;
let between: () => void;
beforeEach(() => {
  log = [];
  slow = () => Promise.resolve();
  between = () => undefined;
});

class Noted implements Disposable {
  constructor(readonly name: string) {
    log.push(`+${name}`);
  }
  [Symbol.dispose](): void {
    log.push(`-${this.name}`);
  }
}

@Injectable(request)
class First extends Noted {
  constructor() {
    super('First');
  }
}

const Row = token<Noted>('Row');
const Other = token<Noted>('Other');
const Answer = token<Noted>('Answer');

@Injectable(request)
class Middle extends Noted {
  constructor(@Inject(Row) readonly row: Noted) {
    super('Middle');
    between();
  }
}

/** A chain: First, Row, Middle, Answer, each of which needs the one before. */
class Chain {
  @Provides(Row, request) static async row(@Inject(First) _first: First): Promise<Noted> {
    await slow();
    return new Noted('Row');
  }
  @Provides(Answer, request) static async answer(@Inject(Middle) _middle: Middle): Promise<Noted> {
    await slow();
    return new Noted('Answer');
  }
}

const inOrder = ['+First', '+Row', '+Middle', '+Answer'];
const backwards = ['-Answer', '-Middle', '-Row', '-First'];

async function resolveAndDispose<T>(container: Container, wanted: Token<T>): Promise<T> {
  await using scope = container.createScope();
  return await scope.resolve(wanted);
}

/** A container whose passes are made by the loop, or by the function that is written after a hundred. */
async function start(times: number): Promise<Container> {
  const container = await Container.create({ providers: [Chain] });
  for (let time = 0; time < times; time++) await resolveAndDispose(container, Answer);
  log = [];
  return container;
}

/** Lets a step of the chain wait for a gate. @param which - how many come before it. */
function hold(which: number): Gate {
  const held = gate();
  let left = which;
  slow = () => (left-- === 0 ? held.passed : Promise.resolve());
  return held;
}

/** Asks in the way of users. */
function ask<T>(scope: ScopeInstance, wanted: Token<T>): Promise<T> {
  return scope.resolve(wanted);
}

/** Asks in the way of adapters. */
function settle<T>(scope: ScopeInstance, wanted: Token<T>): Promise<T> {
  return new Promise((accept, reject) => {
    let isTold = false;
    const once = (tell: () => void): void => {
      if (isTold || !hasReturned) throw new Error(isTold ? 'told twice' : 'told too early');
      isTold = true;
      tell();
    };
    let hasReturned = false;
    scope.settle(wanted, {
      resolved: (value) => once(() => accept(value as T)),
      rejected: (error) => once(() => reject(error)),
      inContext: (body) => body(),
    });
    hasReturned = true;
  });
}

describe.each([
  ['by the loop', 0, 'a promise', ask],
  ['by the loop', 0, 'a receiver', settle],
  ['by the function', 300, 'a promise', ask],
  ['by the function', 300, 'a receiver', settle],
])('a pass %s (%d before), for %s', (_, times, __, ask) => {
  it('makes each value once, in order, and disposes them in reverse', async () => {
    await using container = await start(times);
    for (let time = 0; time < 3; time++) {
      log = [];
      const scope = container.createScope();
      const answer = await ask(scope, Answer);
      const middle = await ask(scope, Middle);
      expect(middle.row).toBe(await ask(scope, Row));
      expect(await ask(scope, Answer)).toBe(answer);
      await scope.dispose();
      expect(log).toEqual([...inOrder, ...backwards]);
    }
  });

  it.each([0, 1])(
    'shares what it makes with who asks while it waits (%d before)',
    async (which) => {
      await using container = await start(times);
      const held = hold(which);
      const scope = container.createScope();
      const first = ask(scope, Answer);
      await turn();
      const others = [ask(scope, Answer), ask(scope, Middle), ask(scope, Row)] as const;
      held.open();
      const [answer, middle, row] = await Promise.all(others);
      expect(await first).toBe(answer);
      expect(middle.row).toBe(row);
      await scope.dispose();
      expect(log).toEqual([...inOrder, ...backwards]);
    },
  );

  it.each([0, 1])(
    'ends with its scope: its caller sees that at once (%d before)',
    async (which) => {
      await using container = await start(times);
      const held = hold(which);
      const scope = container.createScope();
      const caught = ask(scope, Answer).catch((error: unknown) => error);
      await turn();
      const end = scope.dispose();
      expect(await caught).toBeInstanceOf(DisposedError);
      // What comes late is torn down before the scope has ended.
      held.open();
      await end;
      const made = inOrder.slice(0, which === 0 ? 2 : 4);
      expect(log).toEqual([...made, ...backwards.slice(-made.length)]);
    },
  );

  it('ends with the scope around its own, and for the same reason', async () => {
    await using container = await start(times);
    const held = hold(0);
    const outer = container.createScope();
    const reason = new Error('gone');
    const caught = ask(outer, Answer).catch((error: unknown) => error);
    await turn();
    const end = outer.dispose(reason);
    expect(await caught).toBe(reason);
    held.open();
    await end;
    expect(log).toEqual(['+First', '+Row', '-Row', '-First']);
  });

  it.each([0, 1])(
    'fails with its step, and tears down what is there (%d before)',
    async (which) => {
      await using container = await start(times);
      const held = hold(which);
      const scope = container.createScope();
      const failure = new Error('broken');
      const caught = ask(scope, Answer).catch((error: unknown) => error);
      await turn();
      held.fail(failure);
      expect(await caught).toBe(failure);
      const path = ['Chain.answer', ...(which === 0 ? ['Middle', 'Chain.row'] : [])];
      expect(errorPath(failure)).toEqual(path);
      const made = inOrder.slice(0, which === 0 ? 1 : 3);
      expect(log).toEqual([...made, ...backwards.slice(-made.length)]);
      // What failed is not kept.
      slow = () => Promise.resolve();
      log = [];
      await ask(scope, Answer);
      await scope.dispose();
      expect(log).toEqual([...inOrder, ...backwards]);
    },
  );

  it('fails with a step behind one that it has waited for', async () => {
    await using container = await start(times);
    const failure = new Error('broken');
    between = () => {
      throw failure;
    };
    const scope = container.createScope();
    await expect(ask(scope, Answer)).rejects.toBe(failure);
    expect(errorPath(failure)).toEqual(['Chain.answer', 'Middle']);
    expect(log).toEqual(['+First', '+Row', '+Middle', '-Row', '-First']);
    await scope.dispose();
  });

  it('may be asked for what it makes by a step behind one that it has waited for', async () => {
    await using container = await start(times);
    const scope = container.createScope();
    const asked: Promise<unknown>[] = [];
    between = () => asked.push(ask(scope, Row), ask(scope, Middle), ask(scope, Answer));
    const answer = await ask(scope, Answer);
    const middle = await ask(scope, Middle);
    expect(await Promise.all(asked)).toEqual([middle.row, middle, answer]);
    await scope.dispose();
    expect(log).toEqual([...inOrder, ...backwards]);
  });

  it('fails who asks while it waits as well, and with the same error', async () => {
    await using container = await start(times);
    const held = hold(0);
    const scope = container.createScope();
    const failure = new Error('broken');
    const all = [ask(scope, Answer)];
    await turn();
    all.push(ask(scope, Answer));
    held.fail(failure);
    const settled = await Promise.allSettled(all);
    expect(settled.map((each) => (each as PromiseRejectedResult).reason as unknown)).toEqual([
      failure,
      failure,
    ]);
    await scope.dispose();
    expect(log).toEqual(['+First', '-First']);
  });

  it('goes on in the context of its caller, also where another one has come between', async () => {
    await using container = await start(times);
    const storage = new AsyncLocalStorage<string>();
    const held = hold(0);
    const seen: unknown[] = [];
    between = () => seen.push(storage.getStore());
    const scope = container.createScope();
    const first = storage.run('first', () => ask(scope, Answer));
    await turn();
    const second = storage.run('second', () => ask(scope, Answer));
    held.open();
    await Promise.all([first, second]);
    await scope.dispose();
    expect(seen).toEqual(['first']);
  });
});

it.each([0, 300])(
  'a scope that a step ends does not end before that step (after %d)',
  async (times) => {
    let end: (() => void) | undefined;
    class Ending {
      @Provides(Row, request) static async row(@Inject(First) _first: First): Promise<Noted> {
        end?.();
        await turn();
        return new Noted('Row');
      }
      @Provides(Answer, request) static async answer(@Inject(Row) _row: Noted): Promise<Noted> {
        return new Noted('Answer');
      }
    }
    await using container = await Container.create({ providers: [Ending] });
    for (let time = 0; time < times; time++) await resolveAndDispose(container, Answer);
    log = [];
    const scope = container.createScope();
    end = () => {
      end = undefined;
      void scope.dispose().then(() => log.push('ended'));
    };
    await expect(scope.resolve(Answer)).rejects.toBeInstanceOf(DisposedError);
    await scope.dispose();
    expect(log).toEqual(['+First', '+Row', '-Row', '-First', 'ended']);
  },
);

it('steps behind one have the same order, whether somebody comes between or not', async () => {
  const [A, B, C] = [token<Noted>('A'), token<Noted>('B'), token<Noted>('C')];
  const on = { ...request, on: 'loop' } as const;
  class Fan {
    @Provides(Row, request) static async row(): Promise<Noted> {
      return new Noted('Row');
    }
    @Provides(A, on) static a(@Inject(Row) _row: Noted): Noted {
      return new Noted('A');
    }
    @Provides(B, on) static b(@Inject(A) _a: Noted): Noted {
      return new Noted('B');
    }
    @Provides(C, on) static c(@Inject(Row) _row: Noted): Noted {
      return new Noted('C');
    }
    @Provides(Answer, on) static answer(@Inject(B) _b: Noted, @Inject(C) _c: Noted): Noted {
      return new Noted('Answer');
    }
  }
  await using container = await Container.create({ providers: [Fan] });
  const orders: string[][] = [];
  for (const count of [1, 2]) {
    log = [];
    const scope = container.createScope();
    await Promise.all(Array.from({ length: count }, () => scope.resolve(Answer)));
    orders.push(log.slice());
    await scope.dispose();
  }
  expect(orders[0]).toEqual(orders[1]);
});

it('steps that do not need one another are not waited for in turn', async () => {
  const opened = gate();
  const begun: string[] = [];
  class Both {
    @Provides(Row, request) static async row(): Promise<Noted> {
      begun.push('Row');
      await opened.passed;
      return new Noted('Row');
    }
    @Provides(Other, request) static async other(): Promise<Noted> {
      begun.push('Other');
      await opened.passed;
      return new Noted('Other');
    }
    @Provides(Answer, request)
    static async answer(@Inject(Row) _row: Noted, @Inject(Other) _other: Noted): Promise<Noted> {
      return new Noted('Answer');
    }
  }
  await using container = await Container.create({ providers: [Both] });
  const all = [0, 1, 2].map(() => resolveAndDispose(container, Answer));
  expect(begun).toEqual(['Row', 'Other', 'Row', 'Other', 'Row', 'Other']);
  opened.open();
  await Promise.all(all);
});

it('a step that waits longer than its deadline is left, however often the pass was made', async () => {
  const Timed = token<string>('Timed');
  let wanted: () => Promise<string> = async () => 'in time';
  class Clock {
    @Provides(Timed, { ...request, deadline: 5 }) static async timed(): Promise<string> {
      return wanted();
    }
    @Provides(Answer, request) static async answer(@Inject(Timed) text: string): Promise<Noted> {
      return new Noted(text);
    }
  }
  await using container = await Container.create({ providers: [Clock] });
  for (let time = 0; time < 300; time++) await resolveAndDispose(container, Answer);
  const late = gate();
  wanted = async () => {
    await late.passed;
    return 'too late';
  };
  const scope = container.createScope();
  await expect(scope.resolve(Answer)).rejects.toMatchObject({ code: 'TURNO_DEADLINE' });
  late.open();
  await scope.dispose();
});

it.each<[string, (made: Promise<Noted>) => Promise<Noted>, string]>([
  [
    'cannot be waited for',
    (made) =>
      Object.defineProperty(made, 'constructor', {
        get: () => {
          throw new Error('no promise');
        },
      }),
    'no promise',
  ],
  [
    'refuses to be waited for',
    (made) =>
      Object.assign(made, {
        then: () => {
          throw new Error('not now');
        },
      }),
    'not now',
  ],
])('a promise that %s is a failure of its step', async (_, strange, message) => {
  class Strange {
    @Provides(Row, { ...request, on: 'loop' }) static row(@Inject(First) _first: First): Noted {
      return strange(Promise.resolve(new Noted('Row'))) as never;
    }
    @Provides(Answer, request) static async answer(@Inject(Row) _row: Noted): Promise<Noted> {
      return new Noted('Answer');
    }
  }
  await using container = await Container.create({ providers: [Strange] });
  const scope = container.createScope();
  await expect(scope.resolve(Answer)).rejects.toThrow(message);
  expect(log).toEqual(['+First', '+Row', '-First']);
  await scope.dispose();
});

it('a promise that calls back at once is as good as another one', async () => {
  class Hasty {
    @Provides(Row, { ...request, on: 'loop' }) static row(@Inject(First) _first: First): Noted {
      const row = new Noted('Row');
      const then = (accept: (value: Noted) => void) => accept(row);
      return Object.assign(Promise.resolve(row), { then }) as never;
    }
    @Provides(Answer, { ...request, on: 'loop' }) static answer(@Inject(Row) _row: Noted): Noted {
      return new Noted('Answer');
    }
  }
  await using container = await Container.create({ providers: [Hasty] });
  for (let time = 0; time < 2; time++) {
    log = [];
    const scope = container.createScope();
    const answer = await scope.resolve(Answer);
    expect(await scope.resolve(Answer)).toBe(answer);
    await scope.dispose();
    expect(log).toEqual(['+First', '+Row', '+Answer', '-Answer', '-Row', '-First']);
  }
});

it('what a value is asked for may come between at the very end', async () => {
  let ask: (() => unknown) | undefined;
  const asked: unknown[] = [];
  class Asking {
    get [Symbol.asyncDispose](): undefined {
      if (ask !== undefined) asked.push(ask());
      return undefined;
    }
  }
  const Asked = token<Asking>('Asked');
  class Making {
    @Provides(Asked, request) static async asked(@Inject(First) _first: First): Promise<Asking> {
      return new Asking();
    }
  }
  await using container = await Container.create({ providers: [Making] });
  const scope = container.createScope();
  ask = () => {
    ask = undefined;
    return scope.resolve(First);
  };
  const made = await scope.resolve(Asked);
  expect(await Promise.all(asked)).toEqual([await scope.resolve(First)]);
  expect(await scope.resolve(Asked)).toBe(made);
  await scope.dispose();
  expect(log).toEqual(['+First', '-First']);
});

it('a function that resolves on demand may be called while its pass waits', async () => {
  const opened = gate();
  class Late {
    @Provides(Row, request)
    static async row(@Inject(lazy(First)) first: () => Promise<First>): Promise<Noted> {
      await opened.passed;
      await first();
      return new Noted('Row');
    }
    @Provides(Answer, request) static async answer(@Inject(Row) _row: Noted): Promise<Noted> {
      return new Noted('Answer');
    }
  }
  await using container = await Container.create({ providers: [Late] });
  for (let time = 0; time < 2; time++) {
    log = [];
    const answer = resolveAndDispose(container, Answer);
    opened.open();
    await answer;
    expect(log).toEqual(['+First', '+Row', '+Answer', '-Answer', '-Row', '-First']);
  }
});

it('whoever asks a container, which is for all, is in nobody’s way', async () => {
  const Made = token<object>('Made');
  const opened = gate();
  class Making {
    @Provides(Made, { scope: 'transient' }) static async made(): Promise<object> {
      await opened.passed;
      return {};
    }
  }
  await using container = await Container.create({ providers: [Making] });
  const all = Array.from({ length: 5 }, () => container.resolve(Made));
  opened.open();
  expect(new Set(await Promise.all(all)).size).toBe(5);
});

describe('a receiver', () => {
  it.each(['resolve', 'dispose'] as const)(
    'is told in its own context, also where another one has come between to %s',
    async (how) => {
      await using container = await start(0);
      const storage = new AsyncLocalStorage<string>();
      const seen: unknown[] = [];
      const held = hold(0);
      const scope = container.createScope();
      const hasTold = gate();
      const note = (): void => {
        seen.push(storage.getStore());
        hasTold.open();
      };
      storage.run('first', () => {
        const own = new AsyncResource('test');
        const inContext = (body: () => void): void => own.runInAsyncScope(body);
        scope.settle(Answer, { resolved: note, rejected: note, inContext });
      });
      await turn();
      const other = storage.run('second', () =>
        how === 'resolve' ? scope.resolve(Answer) : scope.dispose(),
      );
      held.open();
      await Promise.all([other, hasTold.passed]);
      await scope.dispose();
      expect(seen).toEqual(['first']);
    },
  );

  it('is told once, whatever the promise of a step does that calls back at once', async () => {
    class Odd {
      @Provides(Row, request) static async row(): Promise<Noted> {
        return new Noted('Row');
      }
      @Provides(Other, { ...request, on: 'loop' }) static other(@Inject(Row) _row: Noted): Noted {
        const then = (accept: (value: unknown) => void): void => {
          accept(new Noted('Other'));
          throw new Error('after');
        };
        return Object.assign(Promise.resolve(), { then }) as never;
      }
    }
    await using container = await Container.create({ providers: [Odd] });
    for (let time = 0; time < 3; time++) {
      const scope = container.createScope();
      const told: string[] = [];
      scope.settle(Other, {
        resolved: () => told.push('resolved'),
        rejected: () => told.push('rejected'),
        inContext: (body) => body(),
      });
      await turn();
      await turn();
      await scope.dispose();
      expect(told).toHaveLength(1);
    }
  });

  it('gets what an instance with a `then` comes to, as a promise does', async () => {
    @Injectable(request)
    class Adopted {
      constructor(@Inject(Row) readonly row: Noted) {}
      then(accept: (value: unknown) => void): void {
        accept('adopted');
      }
    }
    await using container = await start(0);
    for (let time = 0; time < 3; time++) {
      await using scope = container.createScope();
      expect(await settle(scope, Adopted as never)).toBe('adopted');
    }
  });
});
