/** turno: what is `async` on the loop, what is not in threads; all of the adapter's safety is on. */
import { Portable, Provides } from '@turno/core';
import { Controller, createApp, Get, Path, type AppOptions } from '@turno/http-adapter';
import { heavyOf, itemOf, loadItem, type Item } from './item.js';
import { serving, type Server } from './server.js';

class AsyncItem {
  constructor(readonly item: Item) {}
}

@Portable()
class SyncItem {
  constructor(readonly item: Item) {}
}

class AsyncShop {
  @Provides(AsyncItem, { scope: 'request' })
  static async asyncItem(@Path('id') id: number): Promise<AsyncItem> {
    return new AsyncItem(await loadItem(id));
  }
}

class SyncShop {
  @Provides(SyncItem, { scope: 'request' })
  static syncItem(@Path('id') id: number): SyncItem {
    return new SyncItem(itemOf(id));
  }
}

@Controller()
class Items {
  @Get('/items/:id') async item({ item }: AsyncItem) {
    return item;
  }
}

@Controller()
class SyncItems {
  @Get('/hop/:id') hop({ item }: SyncItem) {
    return item;
  }

  @Get('/heavy/:times') heavy(@Path('times') times: number) {
    return heavyOf(times);
  }
}

async function startWith(options: AppOptions): Promise<Server> {
  const app = await createApp({ ...options, logger: false });
  return serving((await app.listen({ port: 0 })).port);
}

/** Async handler with one async request-scoped provider, and sync ones in threads. */
export const start = (): Promise<Server> =>
  startWith({ controllers: [Items, SyncItems], providers: [AsyncShop, SyncShop] });

/** The async handler alone: a server that needs no threads starts none. */
export const startOnLoop = (): Promise<Server> =>
  startWith({ controllers: [Items], providers: [AsyncShop] });
