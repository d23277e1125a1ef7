/** How values are bound to tokens and asked for: optional, several, by key, on demand, replaced. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { threadId } from 'node:worker_threads';
import {
  alias,
  all,
  Container,
  CycleError,
  forwardRef,
  Inject,
  Injectable,
  keyed,
  lazy,
  Optional,
  original,
  provide,
  Provides,
  token,
  value,
  type ContainerOptions,
  type Lazy,
  type Provider,
  type Token,
} from '@turno/core';
import { Chicken } from './fixtures/circular-chicken.js';
import { Egg } from './fixtures/circular-egg.js';
import * as plugins from './fixtures/plugins.js';
import { gate, turn } from './support/gate.js';

const request = { scope: 'request' } as const;
const many = { many: true } as const;

const A = token<string>('A');
const B = token<string>('B');
const C = token<string>('C');
const Plugin = token<string>('Plugin');

describe('the container itself', () => {
  const Size = token<number>('Size');
  class Stats {
    @Provides(Size) static async size(container: Container): Promise<number> {
      return container.threads.size;
    }
  }

  it('is what a parameter of type Container gets', async () => {
    @Injectable({ scope: 'request' })
    class Dashboard {
      constructor(readonly container: Container) {}
    }
    await using container = await Container.create({ providers: [Stats, Dashboard] });
    expect(await container.resolve(Container)).toBe(container);
    await container.run(async (scope) => {
      expect((await scope.resolve(Dashboard)).container).toBe(container);
    });
    expect(await container.resolve(Size)).toBe(container.threads.size);
    expect(container.explain(Size)).toMatch(/Container +\[value\] +loop/);
    expect(container.graph.nodes).toContainEqual(
      expect.objectContaining({ label: 'Container', token: 'Container', kind: 'value' }),
    );
  });

  it('is that of the user under an override, and the fork in a fork', async () => {
    await using container = await Container.create({ providers: [value(A, 'a')] });
    await using _override = await container.override(value(A, 'b'));
    expect(await container.resolve(Container)).toBe(container);
    await using fork = await container.fork();
    expect(await fork.resolve(Container)).toBe(fork);
  });

  it('is not to be had in a thread', async () => {
    class Threaded {
      @Provides(A) static a(_container: Container): string {
        return 'a';
      }
    }
    await expect(Container.create({ providers: [Threaded] })).rejects.toThrow(
      'Threaded.a runs in a thread, but its dependency Container lives on the event loop and is not portable.',
    );
  });

  it('can be replaced by a value', async () => {
    const fake = { threads: { size: 7 } } as Container;
    await using container = await Container.create({
      providers: [Stats],
      overrides: [value(Container, fake)],
    });
    expect(await container.resolve(Size)).toBe(7);
  });
});

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

/** The problems of a start that fails. */
async function problemsOf(
  providers: readonly Provider[],
  options?: ContainerOptions,
): Promise<readonly Error[]> {
  const error: unknown = await containerOf(providers, options).then(
    () => {
      throw new Error('It did not fail.');
    },
    (caught: unknown) => caught,
  );
  expect(error).toMatchObject({ code: 'TURNO_GRAPH' });
  return (error as { errors: readonly Error[] }).errors;
}

const resolveIn = async <T>(container: Container, of: Token<T>): Promise<T> =>
  container.run((scope) => scope.resolve(of));

describe('@Optional', () => {
  class Reading {
    @Provides(A, request) static async a(
      @Optional() @Inject(B) b: string | undefined,
      @Inject(C) @Optional() c: string | undefined,
    ): Promise<string> {
      return `${b} ${c}`;
    }
  }

  it('gives undefined where nothing provides the token, and the value where something does', async () => {
    await using neither = await containerOf([Reading]);
    expect(await resolveIn(neither, A)).toBe('undefined undefined');
    await using both = await containerOf([Reading, value(B, 'b'), value(C, '')]);
    expect(await resolveIn(both, A)).toBe('b ');
  });

  it('works by the type of a parameter, in a constructor', async () => {
    class Unknown {}
    @Injectable()
    class Known {}
    @Injectable()
    class Holder {
      constructor(
        @Optional() readonly unknown?: Unknown,
        @Optional() readonly known?: Known,
      ) {}
    }
    await using container = await containerOf([]);
    const { unknown, known } = await container.resolve(Holder);
    expect(unknown).toBeUndefined();
    expect(known).toBe(await container.resolve(Known));
  });

  it('does not hide that what is provided cannot be made', async () => {
    class Missing {}
    class Broken {
      @Provides(B, request) static async b(_missing: Missing): Promise<string> {
        return '';
      }
    }
    expect(await problemsOf([Reading, Broken])).toMatchObject([
      { code: 'TURNO_MISSING_PROVIDER', token: 'Missing' },
    ]);
    class Failing {
      @Provides(B, request) static async b(): Promise<string> {
        throw new Error('b');
      }
    }
    await using container = await containerOf([Reading, Failing]);
    await expect(resolveIn(container, A)).rejects.toThrow('b');
  });

  it('gives undefined for what would be resolved on demand, if nothing provides it', async () => {
    class OnDemand {
      @Provides(A, request) static async a(
        @Optional() @Inject(lazy(B)) b: Lazy<string> | undefined,
        @Optional() @Inject(lazy(C)) c: Lazy<string> | undefined,
      ): Promise<string> {
        return `${typeof b} ${await c?.()}`;
      }
    }
    await using container = await containerOf([OnDemand, value(C, 'c')]);
    expect(await resolveIn(container, A)).toBe('undefined c');
  });

  it('is for its own parameter only', async () => {
    class Mixed {
      @Provides(A, request) static async a(
        @Optional() @Inject(B) _b: string,
        @Inject(C) _c: string,
      ): Promise<string> {
        return '';
      }
    }
    expect(await problemsOf([Mixed])).toMatchObject([{ token: 'C' }]);
  });
});

describe('several providers of one token', () => {
  class Asking {
    @Provides(A, request) static async a(
      @Inject(all(Plugin)) list: readonly string[],
    ): Promise<string> {
      return list.join();
    }
  }
  class Two {
    @Provides(Plugin, many) static async second(): Promise<string> {
      return 'second';
    }
    @Provides(Plugin, { ...many, ...request }) static async third(): Promise<string> {
      return 'third';
    }
  }

  it('are given together, in the order of declaration, of whatever kind', async () => {
    const Other = token<string>('Other');
    await using container = await containerOf([
      value(Plugin, 'first', many),
      Asking,
      Two,
      alias(Plugin, Other, many),
      value(Other, 'fourth'),
      value(Plugin, '', many),
    ]);
    expect(await resolveIn(container, A)).toBe('first,second,third,fourth,');
    expect(await resolveIn(container, all(Plugin))).toEqual([
      'first',
      'second',
      'third',
      'fourth',
      '',
    ]);
  });

  it('may be none', async () => {
    await using container = await containerOf([Asking]);
    expect(await resolveIn(container, A)).toBe('');
    expect(await container.resolve(all(Plugin))).toEqual([]);
  });

  it('may be one that is declared alone', async () => {
    await using container = await containerOf([Asking, value(Plugin, 'only')]);
    expect(await resolveIn(container, A)).toBe('only');
  });

  it('are each made once in their scope, and are the same for all who ask', async () => {
    class Counting {
      @Provides(Plugin, { ...many, ...request }) static async one(): Promise<string> {
        log.push('one');
        return 'one';
      }
    }
    await using container = await containerOf([Counting, Asking]);
    await using scope = container.createScope();
    await Promise.all([scope.resolve(A), scope.resolve(all(Plugin)), scope.resolve(A)]);
    expect(log).toEqual(['one']);
  });

  it('end in reverse order, after who has the list', async () => {
    const plugin = (name: string) => {
      class Holder {
        @Provides(Plugin, { ...many, ...request }) static async *make(): AsyncGenerator<string> {
          yield name;
          log.push(name);
        }
      }
      return Holder;
    };
    class Ending {
      @Provides(A, request) static async *a(
        @Inject(all(Plugin)) _list: readonly string[],
      ): AsyncGenerator<string> {
        yield 'a';
        log.push('a');
      }
    }
    await using container = await containerOf([plugin('one'), plugin('two'), Ending]);
    await resolveIn(container, A);
    expect(log).toEqual(['a', 'two', 'one']);
  });

  it('cannot be asked for as one: the message says all()', async () => {
    class AskingForOne {
      @Provides(A, request) static async a(@Inject(Plugin) plugin: string): Promise<string> {
        return plugin;
      }
    }
    const [problem, ...others] = await problemsOf([Two, AskingForOne]);
    expect(others).toEqual([]);
    expect(problem).toMatchObject({ code: 'TURNO_MISSING_PROVIDER' });
    expect(problem?.message).toContain(
      'Its providers are declared with `many`: ask for @Inject(all(Plugin)).',
    );
    await using container = await containerOf([Two]);
    await expect(container.resolve(Plugin)).rejects.toThrow('@Inject(all(Plugin))');
  });

  it('cannot be mixed with one that stands alone', async () => {
    for (const providers of [
      [Two, value(Plugin, 'alone')],
      [value(Plugin, 'alone'), Two],
    ]) {
      expect(await problemsOf(providers)).toMatchObject([
        { code: 'TURNO_DUPLICATE_PROVIDER', token: 'Plugin' },
      ]);
    }
  });

  it('that live shorter than who has the list are an error at start', async () => {
    class Outlives {
      @Provides(A) static async a(@Inject(all(Plugin)) _list: readonly string[]): Promise<string> {
        return '';
      }
    }
    expect(await problemsOf([Two, Outlives])).toMatchObject([
      { code: 'TURNO_SCOPE', consumer: 'Outlives.a', dependency: 'Two.third' },
    ]);
  });

  it('of which one asks for all are a cycle', async () => {
    class Circular {
      @Provides(Plugin, { ...many, ...request }) static async one(
        @Inject(all(Plugin)) _list: readonly string[],
      ): Promise<string> {
        return '';
      }
    }
    expect(await problemsOf([Circular])).toMatchObject([
      { code: 'TURNO_CYCLE', path: ['Circular.one', 'all(Plugin)', 'Circular.one'] },
    ]);
  });

  it('of which an alias leads nowhere are an error at start', async () => {
    expect(await problemsOf([Asking, alias(Plugin, B, many)])).toMatchObject([
      { code: 'TURNO_MISSING_PROVIDER', token: 'B' },
    ]);
  });

  describe.each(['tinypool', 'inline'] as const)('in threads (%s)', (executor) => {
    let container: Container;
    beforeAll(async () => {
      container = await containerOf(
        [plugins.Plugins, plugins.Empty, value(plugins.Given, 'given')],
        { threads: { executor, size: 1 } },
      );
    });
    afterAll(() => container.dispose());

    it('are given in order, made on either side, asked for on either side', async () => {
      await using scope = container.createScope();
      const [thread, ...list] = await scope.resolve(plugins.Used);
      expect(list).toEqual(['first', 'second', 'given']);
      if (executor === 'tinypool') expect(thread).not.toBe(threadId);
      expect(await scope.resolve(plugins.UsedOnLoop)).toEqual(['first', 'second', 'given']);
    });

    it('may be none, and what is optional may be missing', async () => {
      const [thread, ...rest] = await resolveIn(container, plugins.WithNothing);
      expect(rest).toEqual([[], undefined]);
      if (executor === 'tinypool') expect(thread).not.toBe(threadId);
    });
  });
});

describe('keyed', () => {
  it('that is missing is named as code writes it', async () => {
    const problems = await problemsOf([
      provide(A, { deps: [keyed(B, 'x'), keyed(keyed(B, 1), NaN)] }, async () => 'a'),
    ]);
    expect(problems.map(({ message }) => message)).toEqual([
      expect.stringContaining('an @Provides(keyed(B, "x")) method, or value(keyed(B, "x"), …).'),
      expect.stringContaining('value(keyed(keyed(B, 1), NaN), …).'),
    ]);
  });

  it('gives one type several tokens, the same for the same key', async () => {
    class Database {
      constructor(readonly name: string) {}
    }
    const Secret = Symbol('secret');
    @Injectable()
    class Holder {
      constructor(
        @Inject(keyed(Database, 'main')) readonly main: Database,
        @Inject(keyed(Database, 'replica')) readonly replica: Database,
        @Inject(keyed(Database, Secret)) readonly secret: Database,
      ) {}
    }
    class Databases {
      @Provides(keyed(Database, 'replica')) static async replica(): Promise<Database> {
        return new Database('replica');
      }
    }
    await using container = await containerOf([
      Databases,
      value(keyed(Database, 'main'), new Database('main')),
      value(keyed(Database, Secret), new Database('secret')),
    ]);
    const { main, replica, secret } = await container.resolve(Holder);
    expect([main, replica, secret].map(({ name }) => name)).toEqual(['main', 'replica', 'secret']);
    expect(keyed(Database, 'main')).toBe(keyed(Database, 'main'));
    expect(keyed(Database, '1')).not.toBe(keyed(Database, 1));
    expect(keyed(Database, 'main')).not.toBe(keyed(A, 'main'));
  });

  it('names key and type in messages', async () => {
    class Asking {
      @Provides(A, request) static async a(@Inject(keyed(B, 'x')) b: string): Promise<string> {
        return b;
      }
    }
    const [problem] = await problemsOf([Asking]);
    expect(problem?.message).toContain('There is no provider for "B("x")"');
  });

  it('may be one of several, on demand, or any odd key', async () => {
    const key = keyed(Plugin, '__proto__');
    await using container = await containerOf([value(key, 'one', many), value(key, 'two', many)]);
    expect(await container.resolve(all(key))).toEqual(['one', 'two']);
    expect(await (await container.resolve(lazy(all(key))))()).toEqual(['one', 'two']);
  });
});

describe('lazy', () => {
  class Parts {
    @Provides(B, request) static async b(): Promise<string> {
      log.push('b');
      await turn();
      return 'b';
    }
  }

  it('makes nothing before it is called, and then what the scope shares', async () => {
    const Later = token<Lazy<string>>('Later');
    class Holding {
      @Provides(Later, request) static async later(
        @Inject(lazy(B)) later: Lazy<string>,
      ): Promise<Lazy<string>> {
        return later;
      }
    }
    await using container = await containerOf([Parts, Holding]);
    await using scope = container.createScope();
    const later = await scope.resolve(Later);
    expect(log).toEqual([]);
    expect(await Promise.all([later(), later(), scope.resolve(B)])).toEqual(['b', 'b', 'b']);
    expect(log).toEqual(['b']);
    await resolveIn(container, Later);
    expect(log).toEqual(['b']);
  });

  it('breaks a cycle', async () => {
    @Injectable(request)
    class Parent {
      constructor(@Inject(forwardRef(() => lazy(Child))) readonly child: Lazy<Child>) {}
    }
    @Injectable(request)
    class Child {
      constructor(readonly parent: Parent) {}
    }
    await using container = await containerOf([]);
    await using scope = container.createScope();
    const child = await scope.resolve(Child);
    expect(await child.parent.child()).toBe(child);
    await using other = container.createScope();
    const parent = await other.resolve(Parent);
    expect((await parent.child()).parent).toBe(parent);
  });

  const circular = (first: readonly Token[], second: readonly Token[]): Provider => {
    class Circular {
      static async a(b: string | Lazy<string>): Promise<string> {
        await turn();
        return `a${typeof b === 'function' ? await b() : b}`;
      }
      static async b(a: string | Lazy<string>): Promise<string> {
        await turn();
        return `b${typeof a === 'function' ? await a() : a}`;
      }
    }
    const declare = (name: 'a' | 'b', of: Token<string>, needs: readonly Token[]) => {
      needs.forEach((need, index) => Inject(need)(Circular, name, index));
      const descriptor = Object.getOwnPropertyDescriptor(Circular, name) as never;
      Provides(of, request)(Circular, name, descriptor);
    };
    declare('a', A, first);
    declare('b', B, second);
    return Circular;
  };

  it.each([
    ['one waits on demand', [lazy(B)], [A]],
    ['both wait on demand', [lazy(B)], [lazy(A)]],
  ])('that would wait for itself is a CycleError, not a hang: %s', async (_, first, second) => {
    await using container = await containerOf([circular(first, second)]);
    for (const of of [A, B]) {
      const error: unknown = await resolveIn(container, of).catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(CycleError);
    }
    await using scope = container.createScope();
    const outcomes = await Promise.allSettled([scope.resolve(A), scope.resolve(B)]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  });

  it('that would wait for itself through three is a CycleError', async () => {
    class Three {
      @Provides(A, request) static async a(@Inject(lazy(B)) b: Lazy<string>): Promise<string> {
        return b();
      }
      @Provides(B, request) static async b(@Inject(lazy(C)) c: Lazy<string>): Promise<string> {
        return c();
      }
      @Provides(C, request) static async c(@Inject(A) a: string): Promise<string> {
        return a;
      }
    }
    await using container = await containerOf([Three]);
    for (const of of [A, B, C]) {
      await expect(resolveIn(container, of)).rejects.toBeInstanceOf(CycleError);
    }
  });

  it('that a transient calls when it is made waits for nobody', async () => {
    let later: Promise<string> | undefined;
    await using container = await Container.create({
      providers: [
        provide(A, { deps: [lazy(B)] }, async (b) => {
          await b();
          await new Promise(setImmediate);
          return 'a';
        }),
        provide(B, { scope: 'transient', deps: [lazy(A)] }, async (a) => {
          setImmediate(() => {
            later = a();
          });
          return 'b';
        }),
      ],
    });
    await new Promise(setImmediate);
    expect(await later).toBe('a');
    expect(await container.resolve(A)).toBe('a');
  });

  it.each(['request', 'lazy singleton'] as const)(
    'that would wait for itself through a transient that is made on demand is a CycleError (%s)',
    async (kind) => {
      const options = kind === 'request' ? request : { lazy: true };
      await using container = await Container.create({
        providers: [
          provide(A, { ...options, deps: [lazy(B)] }, async (b) => b()),
          provide(B, { scope: 'transient', deps: [C] }, async (c) => c),
          provide(C, { scope: 'transient', deps: [lazy(A)] }, async (a) => a()),
        ],
      });
      for (const of of [A, B]) {
        await expect(resolveIn(container, of)).rejects.toBeInstanceOf(CycleError);
      }
    },
  );

  it('that would wait for itself through something transient is a CycleError', async () => {
    class Through {
      @Provides(A, { scope: 'transient' }) static async a(
        @Inject(lazy(B)) b: Lazy<string>,
      ): Promise<string> {
        return b();
      }
      @Provides(C, request) static async c(@Inject(A) a: string): Promise<string> {
        return a;
      }
      @Provides(B, request) static async b(@Inject(C) c: string): Promise<string> {
        return c;
      }
    }
    await using container = await containerOf([Through]);
    await expect(resolveIn(container, C)).rejects.toBeInstanceOf(CycleError);
  });

  it('that only holds the function while another is made does not wait for itself', async () => {
    const slow = gate();
    class Bystander {
      @Provides(A, request) static async a(@Inject(lazy(B)) _b: Lazy<string>): Promise<string> {
        await slow.passed;
        return 'a';
      }
      @Provides(B, request) static async b(@Inject(A) a: string): Promise<string> {
        return `${a}b`;
      }
      @Provides(C, request) static async c(@Inject(lazy(B)) b: Lazy<string>): Promise<string> {
        return b as never;
      }
    }
    await using container = await containerOf([Bystander]);
    await using scope = container.createScope();
    const later = (await scope.resolve(C)) as unknown as Lazy<string>;
    const a = scope.resolve(A);
    const b = later();
    slow.open();
    expect(await Promise.all([a, b])).toEqual(['a', 'ab']);
  });

  it('of a value that lives shorter than who holds it is an error at start', async () => {
    class Outlives {
      @Provides(A) static async a(@Inject(lazy(B)) _b: Lazy<string>): Promise<string> {
        return '';
      }
    }
    expect(await problemsOf([Parts, Outlives])).toMatchObject([
      {
        code: 'TURNO_SCOPE',
        consumer: 'Outlives.a',
        consumerScope: 'singleton',
        dependency: 'Parts.b',
        path: ['Outlives.a', 'lazy(B)', 'Parts.b'],
      },
    ]);
  });

  it('of what nobody provides is an error at start', async () => {
    class Asking {
      @Provides(A, request) static async a(@Inject(lazy(B)) _b: Lazy<string>): Promise<string> {
        return '';
      }
    }
    expect(await problemsOf([Asking])).toMatchObject([
      { code: 'TURNO_MISSING_PROVIDER', token: 'B', path: ['Asking.a', 'lazy(B)', 'B'] },
    ]);
  });

  it('of a lazy singleton, held by a singleton, makes it for all', async () => {
    class Singles {
      @Provides(B, { lazy: true }) static async b(): Promise<string> {
        log.push('b');
        return 'b';
      }
      @Provides(A) static async a(@Inject(lazy(B)) b: Lazy<string>): Promise<string> {
        return b as never;
      }
    }
    await using container = await containerOf([Singles]);
    expect(log).toEqual([]);
    const later = (await container.resolve(A)) as unknown as Lazy<string>;
    expect(await Promise.all([later(), container.resolve(B)])).toEqual(['b', 'b']);
    expect(log).toEqual(['b']);
  });

  it('after the end of its scope is refused', async () => {
    const Later = lazy(B);
    await using container = await containerOf([Parts]);
    const scope = container.createScope();
    const later = await scope.resolve(Later);
    await scope.dispose();
    await expect(later()).rejects.toMatchObject({ code: 'TURNO_DISPOSED' });
    expect(log).toEqual([]);
  });
});

describe('forwardRef', () => {
  it('names a class that stands further down in the file', async () => {
    @Injectable()
    class Early {
      constructor(@Inject(forwardRef(() => Late)) readonly late: unknown) {}
    }
    @Injectable()
    class Late {}
    await using container = await containerOf([Early]);
    expect((await container.resolve(Early)).late).toBe(await container.resolve(Late));
  });

  it('names a class of a module that imports this one', async () => {
    await using container = await containerOf([Chicken, Egg]);
    const egg = await container.resolve(Egg);
    const chicken = await container.resolve(Chicken);
    expect(egg.chicken).toBe(chicken);
    expect(await chicken.egg()).toBe(egg);
  });

  it('does not hide a cycle', async () => {
    @Injectable()
    class One {
      constructor(@Inject(forwardRef(() => Two)) readonly two: unknown) {}
    }
    @Injectable()
    class Two {
      constructor(readonly one: One) {}
    }
    expect(await problemsOf([One])).toMatchObject([{ code: 'TURNO_CYCLE' }]);
  });

  it('to nothing is reported as what it is', async () => {
    class Asking {
      @Provides(A, request) static async a(
        @Inject(forwardRef(() => undefined as never)) _nothing: string,
      ): Promise<string> {
        return '';
      }
    }
    expect(await problemsOf([Asking])).toMatchObject([{ code: 'TURNO_UNDEFINED_DEPENDENCY' }]);
  });
});

describe('aliases', () => {
  it('may lead to aliases, of any scope, and are the same value', async () => {
    class Real {
      readonly name = 'real';
    }
    class Reals {
      @Provides(Real, request) static async real(): Promise<Real> {
        log.push('real');
        return new Real();
      }
    }
    const [One, Two] = [token<Real>('One'), token<Real>('Two')];
    await using container = await containerOf([alias(Two, One), alias(One, Real), Reals]);
    await using scope = container.createScope();
    const values = await Promise.all([scope.resolve(Two), scope.resolve(One), scope.resolve(Real)]);
    expect(new Set(values).size).toBe(1);
    expect(log).toEqual(['real']);
  });

  it('that lead to themselves are a cycle', async () => {
    class Asking {
      @Provides(C, request) static async c(@Inject(A) a: string): Promise<string> {
        return a;
      }
    }
    const problems = await problemsOf([alias(A, B), alias(B, A), Asking]);
    expect(problems).toContainEqual(expect.objectContaining({ code: 'TURNO_CYCLE' }));
  });

  it('may lead to all, on demand, and to a key', async () => {
    const List = token<readonly string[]>('List');
    await using container = await containerOf([
      alias(List, all(Plugin)),
      value(Plugin, 'one', many),
      alias(A, keyed(B, 1)),
      value(keyed(B, 1), 'keyed'),
    ]);
    expect(await container.resolve(List)).toEqual(['one']);
    expect(await container.resolve(A)).toBe('keyed');
  });
});

describe('inheritance', () => {
  @Injectable()
  class Wheel {}
  @Injectable()
  class Horn {}
  @Injectable()
  class Vehicle {
    constructor(
      readonly wheel: Wheel,
      @Inject(Horn) readonly horn: unknown,
    ) {}
  }

  it('gives a subclass without a constructor the parameters of its parent', async () => {
    @Injectable()
    class Car extends Vehicle {}
    @Injectable()
    class Taxi extends Car {}
    await using container = await containerOf([]);
    const taxi = await container.resolve(Taxi);
    expect(taxi).toBeInstanceOf(Taxi);
    expect(taxi.wheel).toBeInstanceOf(Wheel);
    expect(taxi.horn).toBeInstanceOf(Horn);
  });

  it('lets a subclass have parameters of its own, and leaves the parent alone', async () => {
    @Injectable()
    class Bell {}
    @Injectable(request)
    class Bicycle extends Vehicle {
      constructor(
        @Inject(Bell) readonly bell: unknown,
        wheel: Wheel,
      ) {
        super(wheel, 'no horn');
      }
    }
    await using container = await containerOf([]);
    const bicycle = await resolveIn(container, Bicycle);
    expect(bicycle.bell).toBeInstanceOf(Bell);
    expect(bicycle.horn).toBe('no horn');
    const vehicle = await container.resolve(Vehicle);
    expect(vehicle.wheel).toBeInstanceOf(Wheel);
    expect(vehicle.horn).toBeInstanceOf(Horn);
    // Still a singleton.
    expect(await container.resolve(Vehicle)).toBe(vehicle);
  });

  it('lets a subclass provide other things by the methods of its parent', async () => {
    class Parent {
      @Provides(A, request) async a(@Inject(B) b: string): Promise<string> {
        return `parent with ${b}`;
      }
      @Provides(B, request) async b(): Promise<string> {
        return 'b of parent';
      }
    }
    class Child extends Parent {
      @Provides(B, request) override async b(): Promise<string> {
        return 'b of child';
      }
    }
    class Silent extends Parent {
      override async b(): Promise<string> {
        return 'b of the silent child';
      }
    }
    class Renaming extends Parent {
      @Provides(C, request) override async a(@Inject(B) b: string): Promise<string> {
        return `renamed with ${b}`;
      }
    }
    await using parent = await containerOf([Parent]);
    await using child = await containerOf([Child]);
    await using silent = await containerOf([Silent]);
    await using renaming = await containerOf([Renaming]);
    expect(await resolveIn(child, A)).toBe('parent with b of child');
    expect(await resolveIn(silent, A)).toBe('parent with b of the silent child');
    expect(await resolveIn(renaming, C)).toBe('renamed with b of parent');
    expect(await resolveIn(parent, A)).toBe('parent with b of parent');
    await expect(resolveIn(parent, C)).rejects.toMatchObject({ code: 'TURNO_MISSING_PROVIDER' });
  });

  it('does not alter the parameters of the parent by those of an overriding method', async () => {
    class Parent {
      @Provides(A, request) async a(@Inject(B) b: string): Promise<string> {
        return b;
      }
    }
    class Child extends Parent {
      @Provides(A, request) override async a(@Inject(C) c: string): Promise<string> {
        return c;
      }
    }
    const values = [value(B, 'b'), value(C, 'c')];
    await using parent = await containerOf([Parent, ...values]);
    await using child = await containerOf([Child, ...values]);
    expect(await resolveIn(parent, A)).toBe('b');
    expect(await resolveIn(child, A)).toBe('c');
  });
});

describe('overrides', () => {
  class Service {
    constructor(readonly name: string) {}
  }
  @Injectable()
  class Clock {
    now(): string {
      return 'real';
    }
  }
  class Services {
    @Provides(Service, request) static async service(clock: Clock): Promise<Service> {
      log.push('original');
      return new Service(`original ${clock.now()}`);
    }
    @Provides(A, request) static async a(service: Service): Promise<string> {
      return `a of ${service.name}`;
    }
  }
  class AsyncService {
    @Provides(Service, request) static async service(): Promise<Service> {
      return new Service('async');
    }
  }
  class SyncService {
    @Provides(Service, { on: 'loop' }) static service(): Service {
      return new Service('sync');
    }
  }
  class GeneratedService {
    @Provides(Service, request) static async *service(): AsyncGenerator<Service> {
      yield new Service('generated');
      log.push('ended');
    }
  }
  const StandIn = token<Service>('StandIn');

  it.each<[string, readonly Provider[], string]>([
    ['a value', [value(Service, new Service('given'))], 'given'],
    ['an async method', [AsyncService], 'async'],
    ['a sync method', [SyncService], 'sync'],
    ['a generator', [GeneratedService], 'generated'],
    ['an alias', [alias(Service, StandIn)], 'stand-in'],
  ])('may be of another kind: %s', async (kind, overrides, name) => {
    const providers = [Services, value(StandIn, new Service('stand-in'))];
    await using container = await containerOf(providers, { overrides });
    expect(await resolveIn(container, A)).toBe(`a of ${name}`);
    expect(log).toEqual(kind === 'a generator' ? ['ended'] : []);
  });

  it('may replace a class by a value, a value by a method, a method by a class', async () => {
    const Words = token<string>('Words');
    @Injectable()
    class Fake extends Service {
      constructor() {
        super('fake');
      }
    }
    class Speaking {
      @Provides(Words) static async words(): Promise<string> {
        return 'spoken';
      }
    }
    await using container = await containerOf([Services, value(Words, 'written')], {
      overrides: [value(Clock, { now: () => 'fake' }), Speaking, alias(Service, Fake)],
    });
    expect((await container.resolve(Clock)).now()).toBe('fake');
    expect(await container.resolve(Words)).toBe('spoken');
    expect(await resolveIn(container, A)).toBe('a of fake');
  });

  it('may wrap the original, which is made with all that it needs', async () => {
    class Wrapping {
      @Provides(Service, request) static async *service(
        @Inject(original(Service)) inner: Service,
      ): AsyncGenerator<Service> {
        yield new Service(`wrapped ${inner.name}`);
        log.push('unwrapped');
      }
      @Provides(Clock) static async clock(@Inject(original(Clock)) clock: Clock): Promise<Clock> {
        return { now: () => `not ${clock.now()}` };
      }
    }
    await using container = await containerOf([Services], { overrides: [Wrapping] });
    expect(await resolveIn(container, A)).toBe('a of wrapped original not real');
    expect(log).toEqual(['original', 'unwrapped']);
  });

  it('are for overrides: elsewhere there is no original', async () => {
    class Asking {
      @Provides(B, request) static async b(@Inject(original(A)) a: string): Promise<string> {
        return a;
      }
    }
    expect(await problemsOf([Services, Asking])).toMatchObject([
      { code: 'TURNO_MISSING_PROVIDER', token: 'original(A)' },
    ]);
  });

  it('may replace a falsy value by a falsy value', async () => {
    const Port = token<number | undefined>('Port');
    await using container = await containerOf([value(Port, 0)], {
      overrides: [value(Port, undefined)],
    });
    expect(await container.resolve(Port)).toBeUndefined();
  });

  it('replace all of several providers', async () => {
    await using container = await containerOf(
      [value(Plugin, 'one', many), value(Plugin, 'two', many)],
      { overrides: [value(Plugin, 'x', many), value(Plugin, 'y', many)] },
    );
    expect(await container.resolve(all(Plugin))).toEqual(['x', 'y']);
  });

  it('of several may wrap them all', async () => {
    class Wrapping {
      @Provides(Plugin, many) static async plugin(
        @Inject(original(all(Plugin))) list: readonly string[],
      ): Promise<string> {
        return `wrapped ${list.join()}`;
      }
    }
    await using container = await containerOf(
      [value(Plugin, 'one', many), value(Plugin, 'two', many)],
      { overrides: [Wrapping, value(Plugin, 'three', many)] },
    );
    expect(await container.resolve(all(Plugin))).toEqual(['wrapped one,two', 'three']);
  });

  it('replace what an alias stands for, or the alias', async () => {
    const providers = [alias(A, B), value(B, 'b')];
    await using behind = await containerOf(providers, { overrides: [value(B, 'new b')] });
    expect(await behind.resolve(A)).toBe('new b');
    await using before = await containerOf(providers, { overrides: [value(A, 'new a')] });
    expect(await before.resolve(A)).toBe('new a');
    expect(await before.resolve(B)).toBe('b');
  });

  it('of what does not exist are an error that names what is near', async () => {
    const Servise = token<string>('Servise');
    const [problem, ...others] = await problemsOf([Services], { overrides: [value(Servise, '')] });
    expect(others).toEqual([]);
    expect(problem).toMatchObject({ code: 'TURNO_OVERRIDE', token: 'Servise' });
    expect(problem?.message).toContain('Did you mean "Service"?');
  });

  it('are checked like anything else', async () => {
    class Missing {}
    class Bad {
      @Provides(Service, request) static async service(_missing: Missing): Promise<Service> {
        return new Service('');
      }
    }
    class Short {
      @Provides(Clock, request) static async clock(): Promise<Clock> {
        return new Clock();
      }
    }
    @Injectable()
    class Long {
      constructor(readonly clock: Clock) {}
    }
    expect(await problemsOf([Services], { overrides: [Bad] })).toMatchObject([
      { code: 'TURNO_MISSING_PROVIDER', token: 'Missing' },
    ]);
    expect(await problemsOf([Long], { overrides: [Short] })).toMatchObject([
      { code: 'TURNO_SCOPE', consumer: 'Long' },
    ]);
    expect(
      await problemsOf([Services], { overrides: [AsyncService, GeneratedService] }),
    ).toMatchObject([{ code: 'TURNO_DUPLICATE_PROVIDER', token: 'Service' }]);
  });
});

describe('values', () => {
  it.each([0, -0, NaN, '', false, null, undefined, 0n])(
    'that are falsy (%p) are values, made or given, in every scope',
    async (falsy) => {
      const Falsy = token<unknown>('Falsy');
      const List = token<readonly unknown[]>('List');
      for (const scope of ['singleton', 'request', 'transient'] as const) {
        let times = 0;
        class Making {
          @Provides(Falsy, { scope }) static async falsy(): Promise<unknown> {
            times += 1;
            return falsy;
          }
          @Provides(List, request) static async list(
            @Inject(Falsy) one: unknown,
            @Inject(Falsy) two: unknown,
          ): Promise<readonly unknown[]> {
            return [one, two];
          }
        }
        await using container = await containerOf([Making]);
        expect(await resolveIn(container, List)).toEqual([falsy, falsy]);
        expect(times).toBe(scope === 'transient' ? 2 : 1);
      }
      await using given = await containerOf([value(Falsy, falsy)]);
      expect(await given.resolve(Falsy)).toBe(falsy);
    },
  );

  it('may be functions and classes; nobody calls them', async () => {
    const Make = token<() => never>('Make');
    const Kind = token<typeof Date>('Kind');
    const make = (): never => {
      throw new Error('called');
    };
    class Making {
      @Provides(A, request) static async a(@Inject(Make) given: () => never): Promise<string> {
        return given as never;
      }
    }
    await using container = await containerOf([value(Make, make), value(Kind, Date), Making]);
    expect(await container.resolve(Make)).toBe(make);
    expect(await container.resolve(Kind)).toBe(Date);
    expect(await resolveIn(container, A)).toBe(make);
  });
});

describe('tokens', () => {
  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', ''])(
    'named "%s" are ordinary tokens',
    async (name) => {
      const Odd = token<string>(name);
      const Same = token<string>(name);
      const Wrapped = token<string>('Wrapped');
      class Making {
        @Provides(Odd, request) static async odd(): Promise<string> {
          return 'odd';
        }
        @Provides(Wrapped, request) static async wrapped(
          @Inject(Odd) odd: string,
          @Inject(Same) same: string,
          @Inject(keyed(Odd, name)) key: string,
          @Optional() @Inject(keyed(Same, name)) nothing: string | undefined,
        ): Promise<string> {
          return `${odd} ${same} ${key} ${nothing}`;
        }
      }
      await using container = await containerOf([Making, value(keyed(Odd, name), 'key')], {
        scopeValues: [Same],
      });
      const made = await container.run((scope) => scope.resolve(Wrapped), [value(Same, 'same')]);
      expect(made).toBe('odd same key undefined');
    },
  );

  it('may be provided by a method whose name is that of a property of objects', async () => {
    class Odd {
      @Provides(A, request) async toString(): Promise<string> {
        return 'to string';
      }
      @Provides(B, request) static async hasOwnProperty(): Promise<string> {
        return 'has own';
      }
    }
    Object.defineProperty(Odd.prototype, '__proto__', { value: async () => 'proto' });
    Provides(C, request)(Odd.prototype, '__proto__', {} as never);
    await using container = await containerOf([Odd]);
    expect(await resolveIn(container, A)).toBe('to string');
    expect(await resolveIn(container, B)).toBe('has own');
    expect(await resolveIn(container, C)).toBe('proto');
  });
});
