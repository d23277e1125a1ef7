/** `provide`: providers without decorators, and what the compiler says about them. */
import { describe, expect, it } from '@jest/globals';
import { threadId } from 'node:worker_threads';
import {
  all,
  Container,
  forwardRef,
  lazy,
  optional,
  provide,
  token,
  value,
  type Injected,
  type Lazy,
  type Provider,
} from '@turno/core';
import { expectTypeOf } from 'expect-type';
import * as functions from './fixtures/functions.js';

const Port = token<number>('Port');
const Name = token<string>('Name');
const Sum = token<number>('Sum');

class Tickets {
  private last = 0;

  next(): number {
    return ++this.last;
  }
}

const loopOnly = (...providers: readonly Provider[]) => Container.create({ providers });

async function messageOf(providers: readonly Provider[]): Promise<string> {
  const error: unknown = await Container.create({ providers, threads: { size: 1 } }).then(
    (container) => container.dispose(),
    (error: unknown) => error,
  );
  return (error as Error).message;
}

describe('a function that provides', () => {
  it('gets its dependencies in their order, each by its own form', async () => {
    const Result = token<readonly unknown[]>('Result');
    await using container = await loopOnly(
      provide(Tickets, async () => new Tickets()),
      value(Port, 80),
      provide(
        Result,
        {
          deps: [Port, Tickets, forwardRef(() => Name), optional(Sum), lazy(Port), all(Port)],
        },
        async (port, tickets, name, sum, later, ports) => [
          port,
          tickets.next(),
          name,
          sum,
          await later(),
          ports,
        ],
      ),
      value(Name, 'counter'),
    );
    expect(await container.resolve(Result)).toEqual([80, 1, 'counter', undefined, 80, [80]]);
  });

  it('runs on the loop if it is async, and in a thread if it is not', async () => {
    const { place, patties, doubled } = functions;
    await using container = await Container.create({
      providers: [place, patties, doubled],
      threads: { size: 1 },
    });
    expect(await container.resolve(functions.Place)).toBe(threadId);
    await using scope = container.createScope();
    const [burgers, thread] = await scope.resolve(functions.Patties);
    expect(burgers).toBe(threadId + 8);
    expect(thread).not.toBe(threadId);
    expect(container.explain(functions.Patties)).toContain(
      '  3  provide(Patties)  [request]    thread, hop 1  after 1, 2',
    );
  });

  it('runs where `on` says, so that one which only returns a promise stays on the loop', async () => {
    await using container = await loopOnly(
      provide(Port, { on: 'loop' }, () => Promise.resolve(threadId)),
    );
    expect(await container.resolve(Port)).toBe(threadId);
    expect(container.threads.threads).toBe(0);
  });

  it('may be a generator: async on the loop', async () => {
    const log: string[] = [];
    await using container = await loopOnly(
      provide(Port, { scope: 'request' }, async function* () {
        log.push('open');
        yield 80;
        log.push('close');
      }),
    );
    const scope = container.createScope();
    expect(await scope.resolve(Port)).toBe(80);
    expect(log).toEqual(['open']);
    await scope.dispose();
    expect(log).toEqual(['open', 'close']);
  });

  it('may be a generator: plain in a thread, torn down there', async () => {
    const log = new Int32Array(new SharedArrayBuffer(4));
    await using container = await Container.create({
      providers: [functions.opened, functions.used, value(functions.Log, log)],
      threads: { size: 1 },
    });
    await using scope = container.createScope();
    const thread = await scope.resolve(functions.Used);
    expect(thread).not.toBe(threadId);
    expect(log[0]).toBe(thread);
  });

  it('lives as long as its scope says', async () => {
    await using container = await Container.create({
      providers: [
        provide(Port, { deps: [Tickets], scope: 'request' }, async (tickets) => tickets.next()),
        provide(Tickets, { lazy: true }, async () => new Tickets()),
        ...functions.counted,
      ],
      threads: { size: 1 },
    });
    await using one = container.createScope();
    await using two = container.createScope();
    expect([await one.resolve(Port), await one.resolve(Port)]).toEqual([1, 1]);
    expect(await two.resolve(Port)).toBe(2);
    const [thread] = await one.resolve(functions.Count);
    expect(await two.resolve(functions.Count)).toEqual([thread, 2]);
  });

  it('may be one of several for its token', async () => {
    await using container = await Container.create({
      providers: functions.plugins,
      threads: { size: 1 },
    });
    expect(await container.resolve(all(functions.Plugin))).toEqual(['first', 'second']);
    expect(await container.resolve(functions.Plugins)).toEqual(['first', 'second', undefined]);
  });

  it('may override, and ask for what it replaces', async () => {
    const { place, patties, doubled, doublePatties } = functions;
    await using container = await Container.create({
      providers: [place, patties, doubled],
      overrides: [doublePatties, provide(functions.Place, async () => 100)],
      threads: { size: 1 },
    });
    await using scope = container.createScope();
    expect((await scope.resolve(functions.Patties))[0]).toBe(216);
  });

  it('is found in a thread whatever the name of its token', async () => {
    await using container = await Container.create({
      providers: [functions.tagged],
      threads: { size: 1 },
    });
    expect(await container.resolve(functions.Tagged)).toBe('tagged');
  });
});

describe('a start fails, with words that fit', () => {
  it('if no thread can reach the function', async () => {
    expect(await messageOf([functions.inside()])).toContain(
      '[TURNO_UNREACHABLE] provide(Doubled) runs in a worker thread, but no thread can reach it: ' +
        'the call of provide(Doubled) is not at the top level of its module (file:///',
    );
  });

  it('if calls that a thread cannot tell apart are made at one place', async () => {
    const [one, two] = [functions.repeated(1), functions.repeated(2)];
    expect(await messageOf([one, two])).toContain(
      'no thread can reach it: 2 calls of provide(Repeated) are made at one place, by a function or a loop, and a thread cannot tell them apart',
    );
  });

  it('if a thread does not make all calls', async () => {
    expect(await messageOf([functions.twin, functions.otherTwin()])).toContain(
      '2 calls of provide(Twin) stand in its module, but 1 in a thread: some stand inside a function, or under a condition. ' +
        'Declare it at the top level of a module that a thread can import, or make it async, so that it runs on the event loop.',
    );
  });

  it('if something is missing, with the name of the function', async () => {
    const sum = async (port: number) => port;
    expect(await messageOf([provide(Sum, { deps: [Port] }, sum)])).toMatch(
      /no provider for "Port", which provide\(Sum, sum\) asks for .*Path: provide\(Sum, sum\) -> Port\./,
    );
  });

  it('if two functions provide one token', async () => {
    const one = async () => 1;
    const two = async () => 2;
    expect(await messageOf([provide(Port, one), provide(Port, two)])).toContain(
      'by provide(Port, one) and by provide(Port, two)',
    );
  });

  it('if a dependency is undefined', async () => {
    const late = undefined as unknown as typeof Port;
    expect(await messageOf([provide(Sum, { deps: [late] }, async (port) => port)])).toMatch(
      /TURNO_UNDEFINED_DEPENDENCY.*parameter 1 of provide\(Sum\)/,
    );
  });
});

describe('provide refuses', () => {
  const untyped = provide as (...given: unknown[]) => Provider;

  it.each<[string, unknown[], RegExp]>([
    ['what is no token', [undefined, async () => 1], /provide\(\) was given undefined/],
    ['a missing function', [Port], /provide\(Port\) was given a value of type undefined/],
    ['a value', [Port, {}, 8000], /of type number.*value\(token, v\)/],
    ['options in place of the function', [Port, { scope: 'request' }], /type object/],
    ['a parameter without a dependency', [Port, {}, (a: unknown) => a], /takes 1 parameter,.* 0\./],
    ['a dependency that is no token', [Port, { deps: ['Name'] }, () => 1], /Dependency 1.*string/],
    ['an unknown scope', [Port, { scope: 'session' }, () => 1], /provide\(Port\).*'session'/],
    ['an unknown placement', [Port, { on: 'worker' }, () => 1], /provide\(Port\).*'worker'/],
  ])('%s', (_name, given, message) => {
    expect(() => untyped(...given)).toThrow(message);
    expect(() => untyped(...given)).toThrow(expect.objectContaining({ code: 'TURNO_DECLARATION' }));
  });
});

describe('types', () => {
  it('give the parameters those of the dependencies', () => {
    const Kind = token<'big' | 'small'>('Kind');
    provide(
      Sum,
      { deps: [Port, Tickets, forwardRef(() => Name), optional(Kind), lazy(Name), all(Port)] },
      async (port, tickets, name, kind, later, ports) => {
        expectTypeOf(port).toEqualTypeOf<number>();
        expectTypeOf(tickets).toEqualTypeOf<Tickets>();
        expectTypeOf(name).toEqualTypeOf<string>();
        expectTypeOf(kind).toEqualTypeOf<'big' | 'small' | undefined>();
        expectTypeOf(later).toEqualTypeOf<Lazy<string>>();
        expectTypeOf(ports).toEqualTypeOf<readonly number[]>();
        return port;
      },
    );
    expectTypeOf<Injected<[typeof Tickets, typeof Port]>>().toEqualTypeOf<[Tickets, number]>();
    abstract class Shape {
      abstract area(): number;
    }
    provide(Sum, { deps: [Shape] }, async (shape) => shape.area());
    // Fewer parameters than dependencies are fine: the rest is made for its effect.
    provide(Sum, { deps: [Port, Name] }, async (port) => port);
    expect(Kind.name).toBe('Kind');
  });

  it('give what is returned the type that the token wants', () => {
    const Pair = token<[kind: 'big' | 'small', size: number]>('Pair');
    provide(Pair, () => ['big', 1]);
    provide(Pair, async () => ['big', 1]);
    provide(Pair, { deps: [Port] }, (port) => ['small', port]);
    provide(Pair, { deps: [Port] }, async function* (port) {
      yield ['small', port];
    });
    provide(Pair, function* () {
      yield ['small', 1];
    });
    expect(Pair.name).toBe('Pair');
  });

  it('refuse what does not fit', () => {
    const wrong = [
      // @ts-expect-error -- a string is no number
      () => provide(Port, () => 'eighty'),
      // @ts-expect-error -- neither is the promise of one
      () => provide(Port, async () => 'eighty'),
      () =>
        // @ts-expect-error -- nor one that is yielded
        provide(Port, async function* () {
          yield 'eighty';
        }),
      // @ts-expect-error -- a name is no port
      () => provide(Port, { deps: [Name] }, async (port: number) => port),
      // @ts-expect-error -- nothing is listed for the parameter
      () => provide(Port, async (port: number) => port),
      // @ts-expect-error -- nothing is listed for the second one
      () => provide(Port, { deps: [Port] }, async (port: number, _name: string) => port),
      // @ts-expect-error -- no such scope
      () => provide(Port, { scope: 'session' }, async () => 80),
      // @ts-expect-error -- a string is no token
      () => provide(Port, { deps: ['Name'] }, async () => 80),
    ];
    expect(wrong).toHaveLength(8);
  });
});
