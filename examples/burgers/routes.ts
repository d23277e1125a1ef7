/** The counter: the HTTP interface of the burger shop. */
import { Controller, Get } from '@turno/http-adapter';
import { GrilledBurgers, WarmedBurgers, type Order } from './kitchen.js';
import { here, type Place } from './place.js';

interface Served {
  readonly order: number;
  readonly burgers: number;
  /** Where the route handler ran. */
  readonly handler: Place;
  /** Where the burgers were made. */
  readonly kitchen: Place;
}

function serve({ order, kitchen }: { order: Order; kitchen: Place }, handler: Place): Served {
  return { order: order.number, burgers: order.burgers, handler, kitchen };
}

@Controller()
export class Health {
  @Get('/health')
  async health(): Promise<{ status: 'ok' }> {
    return { status: 'ok' };
  }
}

@Controller('/burgers')
export class Burgers {
  /** All on the event loop: async handler, async kitchen. */
  @Get('/concurrent')
  async concurrent(burgers: WarmedBurgers): Promise<Served> {
    return serve(burgers, here());
  }

  /** All in one trip to a worker thread: sync handler, sync kitchen. */
  @Get('/parallel')
  parallel(burgers: GrilledBurgers): Served {
    return serve(burgers, here());
  }

  /** Handler on the loop, kitchen in a thread, the order before it on the loop again. */
  @Get('/mixed')
  async mixed(burgers: GrilledBurgers): Promise<Served> {
    return serve(burgers, here());
  }
}
