/** What must compile and what must not: checked by `npm run typecheck`, not by running. */
import { describe, expect, it } from '@jest/globals';
import {
  alias,
  Container,
  Inject,
  Injectable,
  offloaded,
  Portable,
  Provides,
  token,
  value,
  type CannotBeOffloaded,
  type NamedToken,
  type Offloaded,
} from '@turno/core';
import { expectTypeOf } from 'expect-type';

class Order {
  constructor(readonly burgers: number) {}
}
const Port = token<number>('Port');
const Name = token<string>('Name');

describe('types', () => {
  it('follow the token through resolve', async () => {
    await using container = await Container.create({ providers: [value(Port, 1)] });
    expectTypeOf(await container.resolve(Port)).toEqualTypeOf<number>();
    expectTypeOf(container.resolve<Order>).returns.resolves.toEqualTypeOf<Order>();
    expectTypeOf(Port).toEqualTypeOf<NamedToken<number>>();
    expect(await container.resolve(Port)).toBe(1);
  });

  it('refuse a method that makes something else', () => {
    class Right {
      @Provides(Order) async promised(): Promise<Order> {
        return new Order(1);
      }
      @Provides(Port) plain(): number {
        return 1;
      }
      @Provides(Name) static onClass(@Inject(Port) port: number, order: Order): string {
        return `${port} ${order.burgers}`;
      }
    }
    class Wrong {
      // @ts-expect-error -- a number is no Order
      @Provides(Order) order(): number {
        return 1;
      }
      // @ts-expect-error -- neither is the promise of one
      @Provides(Order) async promised(): Promise<string> {
        return '';
      }
      // @ts-expect-error -- a string is no number
      @Provides(Port) static port(): string {
        return '';
      }
    }
    expect([Right, Wrong]).toHaveLength(2);
  });

  it('refuse values and aliases of another type', () => {
    // @ts-expect-error -- a string is no number
    value(Port, 'eighty');
    // @ts-expect-error -- a name is no port
    alias(Port, Name);
    expect(value(Port, 80).value).toBe(80);
  });

  it('refuse options that do not exist', () => {
    // @ts-expect-error -- no such scope
    Injectable({ scope: 'session' });
    // @ts-expect-error -- a class runs where its consumer runs
    const onClass = { on: 'thread' } satisfies Parameters<typeof Injectable>[0];
    expect(onClass).toEqual({ on: 'thread' });
  });

  it('ask for both directions of a portable class', () => {
    Portable<Order, number>({
      encode: (order) => order.burgers,
      decode: (data) => new Order(data),
    });
    // @ts-expect-error -- decode is missing
    Portable<Order, number>({ encode: (order) => order.burgers });
    expect(Portable()).toBeInstanceOf(Function);
  });

  it('make every method of an offloaded class return a promise', () => {
    class Hasher {
      readonly field = 1;
      // eslint-disable-next-line @typescript-eslint/no-explicit-any -- it is what is tested
      readonly any: any;
      hash(text: string, rounds?: number): string {
        return text.repeat(rounds ?? 1);
      }
      async later(order: Order): Promise<Order> {
        return order;
      }
      all(...texts: readonly string[]): void {
        expect(texts).toEqual([]);
      }
      generic<T>(given: T): T {
        return given;
      }
      abortable(text: string, signal: AbortSignal): boolean {
        return signal.aborted || text === '';
      }
      protected inner(): void {
        expect(this.secret()).toBe(1);
      }
      private secret(): number {
        return 1;
      }
      then(): void {
        this.inner();
      }
    }
    type Hashing = Offloaded<Hasher>;
    expectTypeOf<keyof Hashing>().toEqualTypeOf<
      'hash' | 'later' | 'all' | 'generic' | 'abortable'
    >();
    expectTypeOf<Hashing['hash']>().toEqualTypeOf<
      (text: string, rounds?: number) => Promise<string>
    >();
    expectTypeOf<Hashing['later']>().toEqualTypeOf<(order: Order) => Promise<Order>>();
    const several = (hasher: Hashing): Promise<void> => hasher.all('a', 'b');
    // @ts-expect-error -- a number is no text
    const wrong = (hasher: Hashing): Promise<void> => hasher.all(1);
    expect([several, wrong]).toHaveLength(2);
    expectTypeOf<Hashing['generic']>().toBeCallableWith({ a: 1 });
    expectTypeOf<Hashing['abortable']>().toEqualTypeOf<
      (text: string, signal: AbortSignal) => Promise<boolean>
    >();
    expectTypeOf(offloaded(Hasher)).toEqualTypeOf<NamedToken<Hashing>>();
    expectTypeOf<Container['resolve']>().toBeCallableWith(offloaded(Hasher));
    expect(new Hasher().field).toBe(1);
  });

  it('refuse a call of an offloaded method with a parameter that cannot cross', () => {
    class Stuck {
      callback(text: string, done: () => void): void {
        done();
        expect(text).toBe('');
      }
      constructible(type: new () => object): void {
        expect(new type()).toBeNull();
      }
      symbol(key: symbol): void {
        expect(key).toBeNull();
      }
      promise(text: Promise<string>): Promise<string> {
        return text;
      }
      weakMap(map: WeakMap<object, string>): void {
        expect(map).toBeNull();
      }
      weakSet(set: WeakSet<object>): void {
        expect(set).toBeNull();
      }
      stream(of: ReadableStream): void {
        expect(of).toBeNull();
      }
    }
    type Methods = Offloaded<Stuck>;
    expectTypeOf<Methods['callback']>().toEqualTypeOf<CannotBeOffloaded<() => void>>();
    expectTypeOf<Methods['promise']>().toEqualTypeOf<CannotBeOffloaded<Promise<string>>>();
    const refused = (stuck: Methods) => [
      // @ts-expect-error -- a function
      stuck.callback('', () => undefined),
      // @ts-expect-error -- a class
      stuck.constructible(Object),
      // @ts-expect-error -- a symbol
      stuck.symbol(Symbol.iterator),
      // @ts-expect-error -- a promise
      stuck.promise(Promise.resolve('')),
      // @ts-expect-error -- a weak map
      stuck.weakMap(new WeakMap()),
      // @ts-expect-error -- a weak set
      stuck.weakSet(new WeakSet()),
      // @ts-expect-error -- a stream
      stuck.stream(new ReadableStream()),
    ];
    expect(refused).toHaveLength(1);
  });

  it('leave what may cross to offloaded methods', () => {
    class Open {
      either(_given: string | (() => void), _done?: () => void): void {
        expect(_done).toBeUndefined();
      }
      collections(_map: Map<object, string>, _set: ReadonlySet<object>): void {
        expect(_map).toBeNull();
      }
      instances(_order: Order, _date: Date, _bytes: Uint8Array, _error: Error): void {
        expect(_order).toBeNull();
      }
      anything(_unknown: unknown, _object: object, _record: Record<string, number>): void {
        expect(_unknown).toBeNull();
      }
    }
    type Methods = Offloaded<Open>;
    expectTypeOf<Methods['either']>().toBeCallableWith('text');
    expectTypeOf<Methods['collections']>().toEqualTypeOf<
      (_map: Map<object, string>, _set: ReadonlySet<object>) => Promise<void>
    >();
    expectTypeOf<Methods['instances']>().parameters.toEqualTypeOf<
      [Order, Date, Uint8Array, Error]
    >();
    expectTypeOf<Methods['anything']>().parameters.toEqualTypeOf<
      [unknown, object, Record<string, number>]
    >();
    const calls = (open: Methods) => [
      // @ts-expect-error -- of a union the function cannot cross
      open.either(() => undefined),
    ];
    expect(calls).toHaveLength(1);
  });
});
