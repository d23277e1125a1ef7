/** What must compile and what must not: checked by `npm run typecheck`, not by running. */
import { describe, expect, it } from '@jest/globals';
import {
  alias,
  Container,
  Inject,
  Injectable,
  Portable,
  Provides,
  token,
  value,
  type NamedToken,
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
});
