/**
 * needle-di: factories that call `inject`, a child container for each request. It disposes nothing, so that is
 * done by hand; it has no transient scope.
 */
import { Container, inject, injectAsync, InjectionToken } from '@needle-di/core';
import {
  breadth,
  chains,
  declareRequest,
  gather,
  isAsyncMiddle,
  makeMiddle,
  makeSink,
  makeSource,
  Middle,
  plain,
  Sink,
  waitFor,
  type Source,
  type Waited,
} from './graph.js';
import type { Works } from './works.js';

/** The works that it has means for, each in a child of one container. */
export async function createWorks(): Promise<Works> {
  const { singletons, scoped } = declareRequest(plain, plain);
  const { config, clock, pool, cache, mailer } = singletons;
  const { connection, transaction, users, orders, handler } = scoped;
  const root = new Container().bindAll(
    config,
    clock,
    { provide: pool, useFactory: () => new pool(inject(config)) },
    { provide: cache, useFactory: () => new cache(inject(config), inject(clock)) },
    { provide: mailer, useFactory: () => new mailer(inject(config)) },
  );
  const request = [
    { provide: connection, useFactory: () => new connection(inject(pool)) },
    { provide: transaction, useFactory: () => new transaction(inject(connection)) },
    { provide: users, useFactory: () => new users(inject(transaction), inject(cache)) },
    { provide: orders, useFactory: () => new orders(inject(transaction), inject(clock)) },
    {
      provide: handler,
      useFactory: () => new handler(inject(users), inject(orders), inject(mailer)),
    },
  ] as const;

  const SourceToken = new InjectionToken<Source>('source');
  const SinkToken = new InjectionToken<Sink>('sink');
  const source = { provide: SourceToken, async: true, useFactory: makeSource } as const;
  const asyncMiddle = async () => makeMiddle(await injectAsync(SourceToken));
  const middles = tokens<Middle>('middle', breadth);
  const diamond = [
    source,
    ...middles.map((provide) => ({ provide, async: true, useFactory: asyncMiddle }) as const),
    {
      provide: SinkToken,
      async: true,
      useFactory: async () => makeSink(...(await allOf(middles))),
    },
  ] as const;
  const part = [
    source,
    ...middles.map((provide, index) => ({
      provide,
      async: true as const,
      // What needs something async is async itself.
      useFactory: isAsyncMiddle(index)
        ? asyncMiddle
        : async () => new Middle(await injectAsync(SourceToken)),
    })),
    { provide: SinkToken, async: true, useFactory: async () => new Sink(await allOf(middles)) },
  ] as const;

  const All = new InjectionToken<Waited>('all');
  const waited = tokens<Waited>('waited', breadth);
  const gatherAll = (of: readonly InjectionToken<Waited>[]) => async () =>
    gather(...(await allOf(of)));
  const waits = [
    ...waited.map((provide) => ({ provide, async: true, useFactory: () => waitFor(10) }) as const),
    { provide: All, async: true, useFactory: gatherAll(waited) },
  ] as const;
  const firsts = tokens<Waited>('first', chains.length);
  const seconds = tokens<Waited>('second', chains.length);
  const chained = [
    ...chains.flatMap(
      ([first, second], index) =>
        [
          { provide: firsts[index]!, async: true, useFactory: () => waitFor(first) },
          {
            provide: seconds[index]!,
            async: true,
            useFactory: async () => waitFor(second, await injectAsync(firsts[index]!)),
          },
        ] as const,
    ),
    { provide: All, async: true, useFactory: gatherAll(seconds) },
  ] as const;

  return {
    request: () => {
      const made = root
        .createChild()
        .bindAll(...request)
        .get(handler);
      made.dispose();
      made.orders.dispose();
      made.users.dispose();
      made.users.transaction.dispose();
      made.users.transaction.connection.dispose();
      return made;
    },
    diamond: () =>
      root
        .createChild()
        .bindAll(...diamond)
        .getAsync(SinkToken),
    part: () =>
      root
        .createChild()
        .bindAll(...part)
        .getAsync(SinkToken),
    waits: () =>
      root
        .createChild()
        .bindAll(...waits)
        .getAsync(All),
    chains: () =>
      root
        .createChild()
        .bindAll(...chained)
        .getAsync(All),
  };
}

function tokens<T>(name: string, count: number): readonly InjectionToken<T>[] {
  return Array.from({ length: count }, (_, index) => new InjectionToken<T>(`${name}${index}`));
}

/** `injectAsync` has to be called before the first `await`. */
function allOf<T>(wanted: readonly InjectionToken<T>[]): Promise<T[]> {
  return Promise.all(wanted.map((of) => injectAsync(of)));
}
