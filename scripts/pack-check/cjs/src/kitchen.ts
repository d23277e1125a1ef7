import { isMainThread } from 'node:worker_threads';
import { Portable, Provides } from '@turno/core';
import { Controller, Get, Query } from '@turno/http-adapter';

@Portable()
export class Order {
  constructor(
    readonly burgers: number,
    readonly madeOnLoop: boolean,
  ) {}

  grams(): number {
    return this.burgers * 150;
  }
}

@Portable()
export class Patties {
  constructor(
    readonly grams: number,
    readonly order: Order,
    readonly madeInThread: boolean,
  ) {}
}

export class Kitchen {
  @Provides(Order, { scope: 'request' })
  async order(): Promise<Order> {
    return new Order(2, isMainThread);
  }

  @Provides(Patties, { scope: 'request' })
  grind(order: Order): Patties {
    return new Patties(order.grams(), order, !isMainThread);
  }
}

@Controller('/burgers')
export class Burgers {
  @Get('/concurrent')
  async concurrent(@Query('sauce') sauce: string, order: Order) {
    return { sauce, burgers: order.burgers, onLoop: [order.madeOnLoop, isMainThread] };
  }

  @Get('/parallel')
  parallel(@Query('sauce') sauce: string, patties: Patties) {
    return { sauce, grams: patties.grams, inThread: [patties.madeInThread, !isMainThread] };
  }
}
