/**
 * NestJS: an application context, request scope by a context id, async providers by `useFactory`. It does not
 * end what it makes for a request, so that is done by hand.
 */
import 'reflect-metadata';
import { Injectable, Module, Scope, type Provider, type Type } from '@nestjs/common';
import { ContextIdFactory, NestFactory } from '@nestjs/core';
import {
  breadth,
  chains,
  declareRequest,
  declareTree,
  gather,
  isAsyncMiddle,
  makeMiddle,
  makeSink,
  makeSource,
  Middle,
  Sink,
  waitFor,
  type Source,
  type Sum,
  type Waited,
} from './graph.js';
import type { Works } from './works.js';

const scope = Scope.REQUEST;

/** The works with one application context. */
export async function createWorks(): Promise<Works> {
  const { singletons, scoped } = declareRequest(Injectable(), Injectable({ scope }));
  const tree = declareTree(Injectable({ scope: Scope.TRANSIENT }));
  const named = (name: string, count: number): string[] =>
    Array.from({ length: count }, (_, index) => `${name}${index}`);
  const middles = named('middle', breadth);
  const partMiddles = named('partMiddle', breadth);
  const waits = named('wait', breadth);
  const inject = ['source'];

  const providers: Provider[] = [
    ...Object.values(singletons),
    ...Object.values(scoped),
    ...Object.values(tree),
    { provide: 'source', scope, useFactory: makeSource },
    ...middles.map((provide) => ({ provide, scope, inject, useFactory: makeMiddle })),
    { provide: 'sink', scope, inject: middles, useFactory: makeSink },
    ...partMiddles.map((provide, index) => {
      const useFactory = isAsyncMiddle(index) ? makeMiddle : (made: Source) => new Middle(made);
      return { provide, scope, inject, useFactory };
    }),
    {
      provide: 'partSink',
      scope,
      inject: partMiddles,
      useFactory: (...made: Middle[]) => new Sink(made),
    },
    ...waits.map((provide) => ({ provide, scope, useFactory: () => waitFor(10) })),
    { provide: 'allWaited', scope, inject: waits, useFactory: gather },
    ...chains.flatMap(([first, second], index) => [
      { provide: `first${index}`, scope, useFactory: () => waitFor(first) },
      {
        provide: `second${index}`,
        scope,
        inject: [`first${index}`],
        useFactory: (before: Waited) => waitFor(second, before),
      },
    ]),
    { provide: 'allChains', scope, inject: named('second', chains.length), useFactory: gather },
  ];

  @Module({ providers })
  class AppModule {}

  const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
  const resolve = <T extends Sum>(wanted: Type<T> | string): Promise<T> =>
    app.resolve<T>(wanted, ContextIdFactory.create());
  return {
    request: async () => {
      const handler = await resolve(scoped.handler);
      const { users, orders } = handler;
      const { transaction } = users;
      for (const made of [handler, orders, users, transaction, transaction.connection]) {
        made.dispose();
      }
      return handler;
    },
    transient: () => app.resolve(tree.root),
    diamond: () => resolve<Sink>('sink'),
    part: () => resolve<Sink>('partSink'),
    waits: () => resolve<Waited>('allWaited'),
    chains: () => resolve<Waited>('allChains'),
  };
}
