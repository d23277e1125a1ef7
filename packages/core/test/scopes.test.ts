/** Scopes inside scopes: requests and calls, their values, their ends, many of them at once. */
import { beforeEach, describe, expect, it } from '@jest/globals';
import { AsyncLocalStorage } from 'node:async_hooks';
import {
  Container,
  declareHandler,
  DisposedError,
  errorPath,
  handlerToken,
  Inject,
  Injectable,
  OutsideScopeError,
  Provides,
  ScopeValueError,
  suppressedErrors,
  token,
  value,
  type ContainerOptions,
  type Provider,
  type ScopeInstance,
  type Token,
} from '@turno/core';
import { gate, turn } from './support/gate.js';

const request = { scope: 'request' } as const;
const call = { scope: 'call' } as const;
const lazy = { lazy: true } as const;

let log: string[];
let made: number;
beforeEach(() => {
  log = [];
  made = 0;
});

async function containerOf(
  providers: readonly Provider[],
  options: ContainerOptions = {},
): Promise<Container> {
  return Container.create({ providers, ...options });
}

/** Numbered in the order of creation; writes down its end. */
class Resource {
  readonly number = (made += 1);

  constructor(readonly name: string) {
    log.push(`+${name}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await turn();
    log.push(`-${this.name}`);
  }
}

class Pool extends Resource {}
class Session extends Resource {}
class Transaction extends Resource {}

/** One value of each scope, each made with the one before. */
class Database {
  @Provides(Pool) static async pool(): Promise<Pool> {
    return new Pool('pool');
  }
  @Provides(Session, request) static async session(_pool: Pool): Promise<Session> {
    await turn();
    return new Session('session');
  }
  @Provides(Transaction, call) static async transaction(_session: Session): Promise<Transaction> {
    await turn();
    return new Transaction('transaction');
  }
}

class Handlers {
  static async transfer(session: Session, transaction: Transaction): Promise<readonly number[]> {
    log.push('transfer');
    return [session.number, transaction.number];
  }
  static async plain(session: Session): Promise<number> {
    return session.number;
  }
}
Inject(Session)(Handlers, 'transfer', 0);
Inject(Transaction)(Handlers, 'transfer', 1);
Inject(Session)(Handlers, 'plain', 0);
declareHandler(Handlers, 'transfer');
declareHandler(Handlers, 'plain');
const transfer = handlerToken(Handlers, 'transfer') as Token<readonly number[]>;
const plain = handlerToken(Handlers, 'plain') as Token<number>;

describe('a handler', () => {
  it('has a call of its own, which ends before `resolve` does', async () => {
    await using container = await containerOf([Database, Handlers]);
    await using scope = container.createScope();
    await scope.resolve(transfer).then(() => log.push('resolved'));
    expect(log).toEqual([
      ...['+pool', '+session', '+transaction', 'transfer', '-transaction', 'resolved'],
    ]);
  });

  it('shares what belongs to the request with others in it, and not what belongs to the call', async () => {
    await using container = await containerOf([Database, Handlers]);
    await using scope = container.createScope();
    const [first, second] = await Promise.all([scope.resolve(transfer), scope.resolve(transfer)]);
    const [third, own] = await scope.resolve(transfer);
    expect(first[0]).toBe(second[0]);
    expect(third).toBe(first[0]);
    expect(await scope.resolve(plain)).toBe(first[0]);
    expect(new Set([first[1], second[1], own]).size).toBe(3);
  });

  it('in another request shares neither', async () => {
    await using container = await containerOf([Database, Handlers]);
    const [one, two] = [
      await container.run((scope) => scope.resolve(transfer)),
      await container.run((scope) => scope.resolve(transfer)),
    ];
    expect(new Set([...one, ...two]).size).toBe(4);
    expect(log.filter((entry) => entry === '+pool')).toHaveLength(1);
  });

  it('that is resolved from a call uses that call', async () => {
    await using container = await containerOf([Database, Handlers]);
    await using scope = container.createScope();
    await using inner = scope.createScope();
    const { number } = await inner.resolve(Transaction);
    expect((await inner.resolve(transfer))[1]).toBe(number);
    expect(log).not.toContain('-transaction');
  });

  it('rejects when the end of its call does: a commit that fails', async () => {
    const Commit = token<string>('Commit');
    class Failing {
      @Provides(Commit, call) static async *commit(): AsyncGenerator<string> {
        yield 'begun';
        log.push('commit');
        throw new Error('conflict');
      }
      static async handle(@Inject(Commit) commit: string): Promise<string> {
        log.push('handle');
        return commit;
      }
    }
    declareHandler(Failing, 'handle');
    await using container = await containerOf([Failing]);
    await using scope = container.createScope();
    const error: unknown = await scope
      .resolve(handlerToken(Failing, 'handle'))
      .catch((caught: unknown) => caught);
    expect(error).toMatchObject({ message: 'conflict' });
    expect(errorPath(error)).toEqual(['Failing.commit']);
    expect(log).toEqual(['handle', 'commit']);
  });

  it('ends its call also when it fails', async () => {
    class Failing {
      static async handle(_transaction: Transaction): Promise<never> {
        throw new Error('handler');
      }
    }
    Inject(Transaction)(Failing, 'handle', 0);
    declareHandler(Failing, 'handle');
    await using container = await containerOf([Database, Failing]);
    await using scope = container.createScope();
    // Somebody else in the request works with the session.
    await scope.resolve(Session);
    await expect(scope.resolve(handlerToken(Failing, 'handle'))).rejects.toThrow('handler');
    expect(log).toEqual(['+pool', '+session', '+transaction', '-transaction']);
  });

  it('that is cancelled rejects at once; its call ends when it does', async () => {
    const slow = gate();
    class Slow {
      static async handle(_transaction: Transaction): Promise<void> {
        await slow.passed;
      }
    }
    Inject(Transaction)(Slow, 'handle', 0);
    declareHandler(Slow, 'handle');
    await using container = await containerOf([Database, Slow]);
    const scope = container.createScope();
    await scope.resolve(Session);
    const caller = new AbortController();
    const pending = scope.resolve(handlerToken(Slow, 'handle'), { signal: caller.signal });
    while (!log.includes('+transaction')) await turn();
    caller.abort(new Error('enough'));
    await expect(pending).rejects.toThrow('enough');
    expect(log).toEqual(['+pool', '+session', '+transaction']);
    slow.open();
    await scope.dispose();
    expect(log.slice(3)).toEqual(['-transaction', '-session']);
  });

  it('that needs nothing of a call gets none', async () => {
    await using container = await containerOf([Database, Handlers]);
    await using scope = container.createScope();
    await scope.resolve(plain);
    expect(log).toEqual(['+pool', '+session']);
  });

  it('needs the scope of a request', async () => {
    await using container = await containerOf([Database, Handlers]);
    await expect(container.resolve(transfer)).rejects.toMatchObject({
      code: 'TURNO_OUTSIDE_SCOPE',
      path: ['Handlers.transfer', 'Database.session'],
    });
  });
});

describe('a call', () => {
  it('is opened by hand inside a request; two share the request and not the call', async () => {
    await using container = await containerOf([Database]);
    await using scope = container.createScope();
    await using one = scope.createScope();
    await using two = scope.createScope();
    const [a, b] = await Promise.all([one.resolve(Transaction), two.resolve(Transaction)]);
    expect(a).not.toBe(b);
    expect(await one.resolve(Transaction)).toBe(a);
    expect(await one.resolve(Session)).toBe(await two.resolve(Session));
    expect(await one.resolve(Session)).toBe(await scope.resolve(Session));
    expect(log.filter((entry) => entry === '+session')).toHaveLength(1);
  });

  it('leaves what it made for the request to the request', async () => {
    await using container = await containerOf([Database]);
    await using scope = container.createScope();
    const session = await scope.run(async (inner) => {
      await inner.resolve(Transaction);
      return inner.resolve(Session);
    });
    expect(log).toEqual(['+pool', '+session', '+transaction', '-transaction']);
    expect(await scope.resolve(Session)).toBe(session);
  });

  it('may be inside a call: it has values of its own and shares the request', async () => {
    await using container = await containerOf([Database]);
    await using scope = container.createScope();
    await using outer = scope.createScope();
    await using inner = outer.createScope();
    expect(await inner.resolve(Transaction)).not.toBe(await outer.resolve(Transaction));
    expect(await inner.resolve(Session)).toBe(await scope.resolve(Session));
  });

  it('is needed for what belongs to it, with the way to it in the message', async () => {
    await using container = await containerOf([Database]);
    const error: unknown = await container.resolve(Transaction).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(OutsideScopeError);
    await using scope = container.createScope();
    await expect(scope.resolve(Transaction)).rejects.toMatchObject({
      code: 'TURNO_OUTSIDE_SCOPE',
      scope: 'call',
      message:
        '"Database.transaction" has scope \'call\' and was resolved outside of a call. Resolve it from a scope inside the scope of the request: `await using call = scope.createScope()`. A handler has one of its own.',
    });
    @Injectable({ scope: 'transient' })
    class Holder {
      constructor(readonly transaction: Transaction) {}
    }
    await expect(scope.resolve(Holder)).rejects.toMatchObject({
      path: ['Holder', 'Database.transaction'],
    });
    expect(log).toEqual(['+pool']);
  });

  it.each(['singleton', 'request'] as const)(
    'is too short for what is needed by a %s: an error at start',
    async (scope) => {
      const Long = token<string>('Long');
      class Outlives {
        @Provides(Long, { scope }) static async long(_transaction: Transaction): Promise<string> {
          return '';
        }
      }
      const error: unknown = await containerOf([Database, Outlives]).catch(
        (caught: unknown) => caught,
      );
      expect(error).toMatchObject({
        code: 'TURNO_GRAPH',
        errors: [
          {
            code: 'TURNO_SCOPE',
            consumer: 'Outlives.long',
            consumerScope: scope,
            dependency: 'Database.transaction',
            dependencyScope: 'call',
            path: ['Outlives.long', 'Database.transaction'],
          },
        ],
      });
      expect(log).toEqual([]);
    },
  );

  it('is too short for what a request holds through something transient', async () => {
    @Injectable({ scope: 'transient' })
    class Between {
      constructor(readonly transaction: Transaction) {}
    }
    @Injectable(request)
    class Long {
      constructor(readonly between: Between) {}
    }
    await expect(containerOf([Database, Long])).rejects.toMatchObject({
      errors: [{ code: 'TURNO_SCOPE', path: ['Long', 'Between', 'Database.transaction'] }],
    });
  });
});

describe('values of scopes', () => {
  const User = token<string>('User');
  const Job = token<string>('Job');
  const OfUser = token<string>('OfUser');
  const OfJob = token<string>('OfJob');
  const scopeValues = [User, Job];

  class Reading {
    @Provides(OfUser, request) static async ofUser(@Inject(User) user: string): Promise<string> {
      await turn();
      return `of ${user}`;
    }
    @Provides(OfJob, call) static async ofJob(
      @Inject(User) user: string,
      @Inject(Job) job: string,
    ): Promise<string> {
      await turn();
      return `${job} of ${user}`;
    }
  }

  it('are given at both levels; a call sees those of its request', async () => {
    await using container = await containerOf([Reading], { scopeValues });
    await using scope = container.createScope([value(User, 'Ada')]);
    const jobs = ['one', 'two'].map((job) =>
      scope.run((inner) => inner.resolve(OfJob), [value(Job, job)]),
    );
    expect(await Promise.all(jobs)).toEqual(['one of Ada', 'two of Ada']);
    expect(await scope.resolve(OfUser)).toBe('of Ada');
    await expect(scope.resolve(Job)).rejects.toBeInstanceOf(ScopeValueError);
  });

  it('may be falsy', async () => {
    const Maybe = token<unknown>('Maybe');
    await using container = await containerOf([], { scopeValues: [Maybe] });
    for (const given of [undefined, null, 0, '', false]) {
      expect(await container.run((scope) => scope.resolve(Maybe), [value(Maybe, given)])).toBe(
        given,
      );
    }
  });

  it('are not disposed: they were given', async () => {
    const Given = token<Resource>('Given');
    await using container = await containerOf([], { scopeValues: [Given] });
    const given = new Resource('given');
    await container.run((scope) => scope.resolve(Given), [value(Given, given)]);
    expect(log).toEqual(['+given']);
  });

  it('are not disposed where a provider hands them on, in whatever scope is open', async () => {
    const Given = token<Resource>('Given');
    const Handed = token<Resource>('Handed');
    let held: Resource | undefined;
    class Handing {
      @Provides(Handed, request) static async hand(): Promise<Resource> {
        await turn();
        return held as Resource;
      }
    }
    // Of a class of which nothing was handed on before, and once something was; by a user, and by an adapter.
    for (const [Kind, internal] of [
      [Pool, []],
      [Session, []],
      [Pool, [Given]],
      [Session, [Given]],
    ] as const) {
      await using container = await containerOf([Handing], { scopeValues: [Given], internal });
      for (const name of ['first', 'second']) {
        const given = (held = new Kind(name));
        await using around = container.createScope([value(Given, given)]);
        await container.run((other) => other.resolve(Handed));
        await around.run((inner) => inner.resolve(Handed));
        await around.run(() => undefined, [value(Given, given)]);
        await around.resolve(Handed);
      }
      held = new Kind('made');
      await container.run((scope) => scope.resolve(Handed));
      expect(log.splice(0)).toEqual(['+first', '+second', '+made', '-made']);
    }
  });

  it('are not disposed where a provider has kept them beyond the end of their scope', async () => {
    const Given = token<Resource>('Given');
    const Keeping = token<string>('Keeping');
    const Handed = token<Resource>('Handed');
    let kept: Resource | undefined;
    class Handing {
      @Provides(Keeping, request) static async keep(@Inject(Given) given: Resource) {
        kept = given;
        return given.name;
      }
      @Provides(Handed, request) static async hand(): Promise<Resource> {
        return kept as Resource;
      }
    }
    await using container = await containerOf([Handing], { scopeValues: [Given] });
    await container.run((scope) => scope.resolve(Keeping), [value(Given, new Resource('given'))]);
    await container.run((scope) => scope.resolve(Handed));
    expect(log).toEqual(['+given']);
  });

  it('are not disposed where what is left behind at the end hands them on', async () => {
    const Given = token<Resource>('Given');
    const Handed = token<Resource>('Handed');
    const slow = gate();
    const ended = gate();
    class Late extends Resource {
      override async [Symbol.asyncDispose](): Promise<void> {
        await super[Symbol.asyncDispose]();
        ended.open();
      }
    }
    class Handing {
      @Provides(Handed, request) static async hand(
        @Inject(Given) given: Resource,
      ): Promise<Resource> {
        await slow.passed;
        return given;
      }
      @Provides(Late, request) static async late(): Promise<Late> {
        await slow.passed;
        return new Late('late');
      }
    }
    const options = { scopeValues: [Given], internal: [Given], teardownTimeout: 10 };
    await using container = await containerOf([Handing], options);
    const scope = container.createScope([value(Given, new Resource('given'))]);
    const pending = [scope.resolve(Handed), scope.resolve(Late)];
    const outcomes = Promise.allSettled(pending);
    await expect(scope.dispose()).rejects.toMatchObject({ name: 'AggregateError' });
    expect(await outcomes).toMatchObject([{ status: 'rejected' }, { status: 'rejected' }]);
    slow.open();
    await ended.passed;
    expect(log).toEqual(['+given', '+late', '-late']);
  });

  it('of one token given twice: the last one counts', async () => {
    await using container = await containerOf([Reading], { scopeValues });
    const given = [value(User, 'Ada'), value(User, 'Grace')];
    const scope = container.createScope(given);
    given.length = 0;
    expect(await scope.resolve(OfUser)).toBe('of Grace');
    await scope.dispose();
  });

  it('that nobody has declared are refused, at both levels', async () => {
    await using container = await containerOf([Reading], { scopeValues });
    const Other = token<string>('Other');
    expect(() => container.createScope([value(Other, '')])).toThrow(ScopeValueError);
    await using scope = container.createScope();
    expect(() => scope.createScope([value(Other, '')])).toThrow(
      'The scope was given a value for "Other", which was not declared. Declare it: Container.create({ scopeValues: [Other] }).',
    );
    await expect(container.run(() => undefined, [value(Other, '')])).rejects.toBeInstanceOf(
      ScopeValueError,
    );
  });

  it('that no scope can supply are an error at start', async () => {
    await expect(containerOf([Reading], { scopeValues: [User] })).rejects.toMatchObject({
      code: 'TURNO_GRAPH',
      errors: [{ code: 'TURNO_MISSING_PROVIDER', token: 'Job', path: ['Reading.ofJob', 'Job'] }],
    });
  });

  it('are too short-lived for singletons: an error at start', async () => {
    class Outlives {
      @Provides(OfUser) static async ofUser(@Inject(User) user: string): Promise<string> {
        return user;
      }
    }
    await expect(containerOf([Outlives], { scopeValues })).rejects.toMatchObject({
      errors: [{ code: 'TURNO_SCOPE', dependency: 'User' }],
    });
  });

  it('are never seen by another scope, however many are open', async () => {
    await using container = await containerOf([Reading], { scopeValues });
    const names = Array.from({ length: 500 }, (_, index) => `user ${index}`);
    const seen = await Promise.all(
      names.map((name) =>
        container.run(
          async (scope) => {
            const jobs = await Promise.all(
              ['x', 'y'].map((job) =>
                scope.run((inner) => inner.resolve(OfJob), [value(Job, job)]),
              ),
            );
            return [await scope.resolve(OfUser), ...jobs];
          },
          [value(User, name)],
        ),
      ),
    );
    expect(seen).toEqual(names.map((name) => [`of ${name}`, `x of ${name}`, `y of ${name}`]));
  });
});

describe('the end of a scope', () => {
  it('is nested: calls, then their request, then singletons', async () => {
    const container = await containerOf([Database]);
    const scope = container.createScope();
    await scope.createScope().resolve(Transaction);
    await scope.createScope().createScope().resolve(Transaction);
    await container.dispose();
    expect(log).toEqual([
      ...['+pool', '+session', '+transaction', '+transaction'],
      ...['-transaction', '-transaction', '-session', '-pool'],
    ]);
  });

  it('ends the calls in it; what is resolved from them afterwards is an error', async () => {
    await using container = await containerOf([Database]);
    const scope = container.createScope();
    const inner = scope.createScope();
    await inner.resolve(Transaction);
    await scope.dispose();
    expect(log.slice(-2)).toEqual(['-transaction', '-session']);
    await expect(inner.resolve(Transaction)).rejects.toBeInstanceOf(DisposedError);
    expect(() => inner.createScope()).toThrow(DisposedError);
    await inner.dispose();
    expect(log.filter((entry) => entry.startsWith('-'))).toHaveLength(2);
  });

  it('happens once, however often it is asked for', async () => {
    await using container = await containerOf([Database]);
    const scope = container.createScope();
    await scope.resolve(Session);
    await Promise.all([scope.dispose(), scope.dispose(), scope[Symbol.asyncDispose]()]);
    expect(log).toEqual(['+pool', '+session', '-session']);
  });

  it('refuses what is resolved while it is going on, and does not hang', async () => {
    const ending = gate();
    const ended = gate();
    class Slow {
      async [Symbol.asyncDispose](): Promise<void> {
        ending.open();
        await ended.passed;
      }
    }
    class Slowly {
      @Provides(Slow, request) static async slow(): Promise<Slow> {
        return new Slow();
      }
    }
    await using container = await containerOf([Slowly, Database, Handlers]);
    const scope = container.createScope();
    const inner = scope.createScope();
    await scope.resolve(Slow);
    const disposal = scope.dispose();
    await ending.passed;
    for (const asked of [
      scope.resolve(Slow),
      scope.resolve(Session),
      scope.resolve(transfer),
      inner.resolve(Transaction),
      scope.run(() => log.push('never')),
    ]) {
      await expect(asked).rejects.toBeInstanceOf(DisposedError);
    }
    expect(() => scope.createScope()).toThrow(DisposedError);
    ended.open();
    await disposal;
    expect(log).toEqual(['+pool']);
  });

  it('refuses what a teardown resolves from it, and does not hang', async () => {
    const errors: unknown[] = [];
    const Asking = token<string>('Asking');
    const scopes: ScopeInstance[] = [];
    class Asks {
      @Provides(Asking, request) static async *asking(): AsyncGenerator<string> {
        yield 'asking';
        await scopes[0]!.resolve(Session).catch((error: unknown) => errors.push(error));
      }
    }
    await using container = await containerOf([Asks, Database]);
    const scope = container.createScope();
    scopes.push(scope);
    await scope.resolve(Asking);
    await scope.dispose();
    expect(errors).toEqual([expect.any(DisposedError)]);
  });

  it('needs no wait where it has ended at once, well, and says so', async () => {
    await using container = await containerOf([]);
    const empty = container.createScope();
    expect(empty.hasEnded).toBe(false);
    const ending = empty.dispose();
    expect(empty.hasEnded).toBe(true);
    await ending;
    @Injectable(request)
    class Brief implements Disposable {
      [Symbol.dispose](): void {
        log.push('-brief');
      }
    }
    const brief = container.createScope();
    await brief.resolve(Brief);
    const over = brief.dispose();
    expect([brief.hasEnded, ...log]).toEqual([true, '-brief']);
    await over;
    @Injectable(request)
    class Broken implements Disposable {
      [Symbol.dispose](): void {
        throw new Error('broken');
      }
    }
    const broken = container.createScope();
    await broken.resolve(Broken);
    await expect(broken.dispose()).rejects.toThrow('broken');
    expect(broken.hasEnded).toBe(false);
  });

  it('cancels what is being resolved in it: rejected at once, torn down when it is there', async () => {
    const slow = gate();
    let signalled: unknown;
    class Slow {
      @Provides(Session, request) static async session(signal: AbortSignal): Promise<Session> {
        signal.addEventListener('abort', () => (signalled = signal.reason));
        await slow.passed;
        return new Session('late');
      }
    }
    await using container = await containerOf([Slow]);
    const scope = container.createScope();
    const pending = scope.resolve(Session);
    const disposal = scope.dispose();
    await expect(pending).rejects.toBeInstanceOf(DisposedError);
    expect(signalled).toBeInstanceOf(DisposedError);
    slow.open();
    await disposal;
    expect(log).toEqual(['+late', '-late']);
  });

  it('rejects all who wait for one value at once, and makes it for nobody', async () => {
    const slow = gate();
    const [First, Second] = [token<string>('First'), token<Resource>('Second')];
    class Slow {
      @Provides(First, request) static async first(): Promise<string> {
        await slow.passed;
        return 'first';
      }
      @Provides(Second, request) static async second(
        @Inject(First) first: string,
      ): Promise<Resource> {
        return new Resource(first);
      }
      static async handle(@Inject(Second) second: Resource): Promise<string> {
        return second.name;
      }
    }
    declareHandler(Slow, 'handle');
    await using container = await containerOf([Slow]);
    const scope = container.createScope();
    const pending = [
      scope.resolve(handlerToken(Slow, 'handle')),
      scope.resolve(Second),
      scope.resolve(First),
      scope.createScope().resolve(Second),
    ];
    const outcomes = Promise.allSettled(pending);
    const disposal = scope.dispose();
    expect((await outcomes).map((outcome) => Reflect.get(outcome, 'reason') as unknown)).toEqual(
      pending.map(() => expect.any(DisposedError)),
    );
    slow.open();
    await disposal;
    await turn();
    expect(log).toEqual([]);
  });

  it('of the container rejects who waits for a lazy singleton, whose late product ends', async () => {
    const slow = gate();
    class Slow {
      @Provides(Pool, lazy) static async pool(): Promise<Pool> {
        await slow.passed;
        return new Pool('late');
      }
      @Provides(Session, request) static async session(_pool: Pool): Promise<Session> {
        return new Session('session');
      }
    }
    const container = await containerOf([Slow]);
    const pending = [
      container.resolve(Pool),
      container.resolve(Pool),
      container.createScope().resolve(Session),
    ];
    const outcomes = Promise.allSettled(pending);
    const disposal = container.dispose();
    slow.open();
    expect((await outcomes).map((outcome) => Reflect.get(outcome, 'reason') as unknown)).toEqual(
      pending.map(() => expect.any(DisposedError)),
    );
    await disposal;
    expect(log).toEqual(['+late', '-late']);
  });

  it('after a failure of the body lets the scopes in it see that failure', async () => {
    const Commit = token<string>('Commit');
    class Committing {
      @Provides(Commit, call) static async *commit(): AsyncGenerator<string> {
        try {
          yield 'begun';
          log.push('commit');
        } catch (error) {
          log.push(`rollback after ${(error as Error).message}`);
          throw error;
        }
      }
    }
    await using container = await containerOf([Committing]);
    const failed = container.run(async (scope) => {
      await scope.createScope().resolve(Commit);
      throw new Error('body');
    });
    await expect(failed).rejects.toThrow('body');
    expect(log).toEqual(['rollback after body']);
  });

  it('tells of the failures of the calls in it too', async () => {
    class Fails {
      constructor(readonly name: string) {}
      [Symbol.dispose](): void {
        throw new Error(this.name);
      }
    }
    const [Outer, Inner] = [token<Fails>('Outer'), token<Fails>('Inner')];
    class Failing {
      @Provides(Outer, request) static async outer(): Promise<Fails> {
        return new Fails('outer');
      }
      @Provides(Inner, call) static async inner(@Inject(Outer) _outer: Fails): Promise<Fails> {
        return new Fails('inner');
      }
    }
    await using container = await containerOf([Failing]);
    const scope = container.createScope();
    await scope.createScope().resolve(Inner);
    const error: unknown = await scope.dispose().catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(AggregateError);
    expect((error as AggregateError).errors).toMatchObject([
      { message: 'inner' },
      { message: 'outer' },
    ]);
  });

  it('after a failure of the body keeps that failure; what teardowns throw is attached', async () => {
    class Fails {
      [Symbol.dispose](): void {
        throw new Error('teardown');
      }
    }
    class Failing {
      @Provides(Fails, request) static async fails(): Promise<Fails> {
        return new Fails();
      }
    }
    await using container = await containerOf([Failing]);
    const body = new Error('body');
    const failed = container.run(async (scope) => {
      await scope.resolve(Fails);
      throw body;
    });
    await expect(failed).rejects.toBe(body);
    expect(suppressedErrors(body)).toMatchObject([{ message: 'teardown' }]);
  });

  it('may come before the body of `run` has ended', async () => {
    await using container = await containerOf([Database]);
    const result = await container.run(async (scope) => {
      await scope.resolve(Session);
      await scope.dispose();
      return 'done';
    });
    expect(result).toBe('done');
    expect(log).toEqual(['+pool', '+session', '-session']);
  });
});

describe('a resolve that fails', () => {
  it.each(['request', 'transient'] as const)(
    'leaves alone what a value stands on (%s) with which another works',
    async (scope) => {
      const failing = gate();
      const Failing = token<string>('Failing');
      const Deep = token<Resource>('Deep');
      const Shared = token<Resource>('Shared');
      class Providers {
        @Provides(Deep, { scope }) static async deep(): Promise<Resource> {
          return new Resource('deep');
        }
        @Provides(Shared, request) static async shared(
          @Inject(Deep) _deep: Resource,
        ): Promise<Resource> {
          return new Resource('shared');
        }
        @Provides(Failing, request) static async failing(
          @Inject(Shared) _shared: Resource,
        ): Promise<string> {
          await failing.passed;
          throw new Error('failing');
        }
      }
      await using container = await containerOf([Providers]);
      const within = container.createScope();
      const failed = within.resolve(Failing);
      await within.resolve(Shared);
      failing.open();
      await expect(failed).rejects.toThrow('failing');
      expect(log).toEqual(['+deep', '+shared']);
      await within.dispose();
      expect(log.slice(2)).toEqual(['-shared', '-deep']);
    },
  );
});

describe('a value that another resolve waits for', () => {
  it('stays when its maker fails in the turn in which it was made', async () => {
    const opened = gate();
    const First = token<string>('First');
    const Top = token<string>('Top');
    class Slow {
      @Provides(First, lazy) static async first(): Promise<string> {
        await opened.passed;
        return 'first';
      }
    }
    @Injectable(request)
    class Shared extends Resource {
      constructor(@Inject(First) name: string) {
        super(name);
      }
    }
    @Injectable(request)
    class Fails {
      constructor(@Inject(First) name: string) {
        throw new RangeError(name);
      }
    }
    class Tops {
      @Provides(Top, request) static async top(_shared: Shared, _fails: Fails): Promise<string> {
        return 'top';
      }
    }
    await using container = await containerOf([Slow, Tops]);
    const scope = container.createScope();
    const top = scope.resolve(Top);
    const shared = scope.resolve(Shared);
    opened.open();
    await expect(top).rejects.toThrow(RangeError);
    expect(await shared).toBeInstanceOf(Shared);
    expect(log).toEqual(['+first']);
    await scope.dispose();
    expect(log).toEqual(['+first', '-first']);
  });
});

describe('many at once', () => {
  it('do not mix what each has in an AsyncLocalStorage', async () => {
    const storage = new AsyncLocalStorage<number>();
    const Here = token<number | undefined>('Here');
    const There = token<readonly (number | undefined)[]>('There');
    const Shared = token<string>('Shared');
    class Reading {
      @Provides(Shared, lazy) static async shared(): Promise<string> {
        await turn();
        return 'shared';
      }
      @Provides(Here, request) static async here(
        @Inject(Shared) _shared: string,
      ): Promise<number | undefined> {
        await turn();
        return storage.getStore();
      }
      @Provides(There, call) static async *there(
        @Inject(Here) here: number | undefined,
      ): AsyncGenerator<readonly (number | undefined)[]> {
        await turn();
        yield [here, storage.getStore()];
        await turn();
        log.push(`end ${storage.getStore()}`);
      }
    }
    await using container = await containerOf([Reading]);
    const numbers = Array.from({ length: 200 }, (_, index) => index);
    const seen = await Promise.all(
      numbers.map((number) =>
        storage.run(number, () =>
          container.run(async (scope) => {
            const there = await scope.run((inner) => inner.resolve(There));
            await turn();
            return [...there, await scope.resolve(Here), storage.getStore()];
          }),
        ),
      ),
    );
    expect(seen).toEqual(numbers.map((number) => Array.from({ length: 4 }, () => number)));
    expect(log.toSorted()).toEqual(numbers.map((number) => `end ${number}`).toSorted());
  });

  it('make a lazy singleton once, at 1,000 first uses', async () => {
    const Slow = token<object>('Slow');
    const OfSlow = token<object>('OfSlow');
    const opened = gate();
    class Slowly {
      @Provides(Slow, lazy) static async slow(): Promise<object> {
        made += 1;
        await opened.passed;
        return { made };
      }
      @Provides(OfSlow, request) static async ofSlow(@Inject(Slow) slow: object): Promise<object> {
        return slow;
      }
    }
    await using container = await containerOf([Slowly]);
    const uses = Array.from({ length: 1000 }, (_, index) =>
      index % 2 === 0
        ? container.resolve(Slow)
        : container.run((scope) => scope.resolve(index % 4 === 1 ? Slow : OfSlow)),
    );
    await turn();
    opened.open();
    expect(new Set(await Promise.all(uses)).size).toBe(1);
    expect(made).toBe(1);
  });

  it('try a singleton again that was rejected, once for all who ask then', async () => {
    const Flaky = token<number>('Flaky');
    const opened = [gate(), gate()];
    class Flakily {
      @Provides(Flaky, lazy) static async flaky(): Promise<number> {
        const attempt = made++;
        await opened[attempt]!.passed;
        if (attempt === 0) throw new Error('first');
        return attempt;
      }
    }
    await using container = await containerOf([Flakily]);
    const use = () => Array.from({ length: 1000 }, () => container.resolve(Flaky));
    const first = use();
    opened[0]!.open();
    const outcomes = await Promise.allSettled(first);
    expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(1000);
    expect(made).toBe(1);
    const second = use();
    opened[1]!.open();
    expect(new Set(await Promise.all(second))).toEqual(new Set([1]));
    expect(made).toBe(2);
  });

  it('end independently, in any order', async () => {
    await using container = await containerOf([Database]);
    const scopes = Array.from({ length: 100 }, () => container.createScope());
    const sessions = await Promise.all(scopes.map((scope) => scope.resolve(Session)));
    expect(new Set(sessions).size).toBe(100);
    await Promise.all(scopes.toReversed().map((scope) => scope.dispose()));
    expect(log.filter((entry) => entry === '-session')).toHaveLength(100);
    expect(log).not.toContain('-pool');
  });
});
