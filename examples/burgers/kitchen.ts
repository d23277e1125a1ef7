/** The kitchen: what makes orders and burgers. The keyword of each method decides where it runs. */
import { pbkdf2Sync } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { Injectable, Portable, Provides } from '@turno/core';
import { Query } from '@turno/http-adapter';
import { z } from 'zod';
import { here, type Place } from './place.js';

/** Hands out order numbers. One for the whole server, so no number comes twice. */
@Injectable()
export class Tickets {
  private last = 0;

  next(): number {
    this.last += 1;
    return this.last;
  }
}

/** Plain data that may go to a thread and back, and keeps its class on the way. */
@Portable()
export class Order {
  constructor(
    readonly number: number,
    readonly burgers: number,
  ) {}
}

/** Burgers that only had to wait for the microwave. */
@Portable()
export class WarmedBurgers {
  constructor(
    readonly order: Order,
    readonly kitchen: Place,
  ) {}
}

/** Burgers that somebody had to work for. */
@Portable()
export class GrilledBurgers {
  constructor(
    readonly order: Order,
    readonly kitchen: Place,
  ) {}
}

/** 1 to 20, 1 if the query does not say. */
const burgerCount = z
  .string()
  .regex(/^(?:[1-9]|1\d|20)$/, 'must be a whole number from 1 to 20')
  .transform(Number)
  .default(1);

/** With these, one burger is about 50 ms of work for one core. */
const iterations = 120_000;
const keyLength = 64;

export class Kitchen {
  /** `async`: on the event loop. */
  @Provides(Order, { scope: 'request' })
  async order(@Query('burgers', burgerCount) burgers: number, tickets: Tickets): Promise<Order> {
    return new Order(tickets.next(), burgers);
  }

  /** `async`: on the event loop, which is free while the microwaves run, all at the same time. */
  @Provides(WarmedBurgers, { scope: 'request' })
  async warm(order: Order): Promise<WarmedBurgers> {
    await Promise.all(Array.from({ length: order.burgers }, () => wait(100)));
    return new WarmedBurgers(order, here());
  }

  /** Not `async`: in a worker thread, which is busy until the last burger is done. */
  @Provides(GrilledBurgers, { scope: 'request' })
  grill(order: Order): GrilledBurgers {
    for (let burger = 1; burger <= order.burgers; burger++) {
      pbkdf2Sync('beef', `${order.number}/${burger}`, iterations, keyLength, 'sha512');
    }
    return new GrilledBurgers(order, here());
  }
}
