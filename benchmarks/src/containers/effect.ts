/**
 * Effect: a `Layer` for each service, singletons in a `ManagedRuntime`, the layer of a request provided to each
 * run, whose scope ends what was acquired. It has no transient services.
 */
import { Context, Effect, Layer, ManagedRuntime } from 'effect';
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
  type Scoped,
  type Source,
  type Waited,
} from './graph.js';
import type { Works } from './works.js';

/** The works that it has means for, with one runtime. */
export async function createWorks(): Promise<Works> {
  const { singletons, scoped } = declareRequest(plain, plain);
  const Config = keyOf('config', singletons.config);
  const Clock = keyOf('clock', singletons.clock);
  const Pool = keyOf('pool', singletons.pool);
  const Cache = keyOf('cache', singletons.cache);
  const Mailer = keyOf('mailer', singletons.mailer);
  const Connection = keyOf('connection', scoped.connection);
  const Transaction = keyOf('transaction', scoped.transaction);
  const Users = keyOf('users', scoped.users);
  const Orders = keyOf('orders', scoped.orders);
  const Handler = keyOf('handler', scoped.handler);

  const basic = Layer.mergeAll(
    Layer.sync(Config)(() => new singletons.config()),
    Layer.sync(Clock)(() => new singletons.clock()),
  );
  const runtime = ManagedRuntime.make(
    Layer.mergeAll(
      Layer.effect(Pool)(Effect.map(Config, (config) => new singletons.pool(config))),
      Layer.effect(Cache)(
        Effect.gen(function* () {
          return new singletons.cache(yield* Config, yield* Clock);
        }),
      ),
      Layer.effect(Mailer)(Effect.map(Config, (config) => new singletons.mailer(config))),
    ).pipe(Layer.provideMerge(basic)),
  );
  const request = Layer.effect(Handler)(
    ending(
      Effect.gen(function* () {
        return new scoped.handler(yield* Users, yield* Orders, yield* Mailer);
      }),
    ),
  ).pipe(
    Layer.provide(
      Layer.mergeAll(
        Layer.effect(Users)(
          ending(
            Effect.gen(function* () {
              return new scoped.users(yield* Transaction, yield* Cache);
            }),
          ),
        ),
        Layer.effect(Orders)(
          ending(
            Effect.gen(function* () {
              return new scoped.orders(yield* Transaction, yield* Clock);
            }),
          ),
        ),
      ),
    ),
    Layer.provide(
      Layer.effect(Transaction)(
        ending(Effect.map(Connection, (connection) => new scoped.transaction(connection))),
      ),
    ),
    Layer.provide(
      Layer.effect(Connection)(ending(Effect.map(Pool, (pool) => new scoped.connection(pool)))),
    ),
  );

  const SourceKey = Context.Service<Source>('source');
  const SinkKey = Context.Service<Sink>('sink');
  const source = Layer.effect(SourceKey)(Effect.promise(makeSource));
  const middles = keys<Middle>('middle', breadth);
  const asyncMiddle = Effect.flatMap(SourceKey, (source) =>
    Effect.promise(() => makeMiddle(source)),
  );
  const diamond = Layer.effect(SinkKey)(
    Effect.flatMap(Effect.all(middles), (made) => Effect.promise(() => makeSink(...made))),
  ).pipe(
    Layer.provide(together(middles.map((middle) => Layer.effect(middle)(asyncMiddle)))),
    Layer.provide(source),
  );
  const part = Layer.effect(SinkKey)(
    Effect.map(Effect.all(middles), (made) => new Sink(made)),
  ).pipe(
    Layer.provide(
      together(
        middles.map((middle, index) =>
          Layer.effect(middle)(
            isAsyncMiddle(index) ? asyncMiddle : Effect.map(SourceKey, (made) => new Middle(made)),
          ),
        ),
      ),
    ),
    Layer.provide(source),
  );

  const All = Context.Service<Waited>('all');
  const gathered = (of: readonly Context.Service<Waited, Waited>[]) =>
    Layer.effect(All)(
      Effect.flatMap(Effect.all(of), (made) => Effect.promise(() => gather(...made))),
    );
  const waited = keys<Waited>('waited', breadth);
  const waits = gathered(waited).pipe(
    Layer.provide(
      together(waited.map((key) => Layer.effect(key)(Effect.promise(() => waitFor(10))))),
    ),
  );
  const firsts = keys<Waited>('first', chains.length);
  const seconds = keys<Waited>('second', chains.length);
  const chained = gathered(seconds).pipe(
    Layer.provide(
      together(
        chains.map(([first, second], index) =>
          Layer.effect(seconds[index]!)(
            Effect.flatMap(firsts[index]!, (before) =>
              Effect.promise(() => waitFor(second, before)),
            ),
          ).pipe(Layer.provide(Layer.effect(firsts[index]!)(Effect.promise(() => waitFor(first))))),
        ),
      ),
    ),
  );

  return {
    request: () => runtime.runPromise(Effect.provide(Handler, request)),
    diamond: () => runtime.runPromise(Effect.provide(SinkKey, diamond)),
    part: () => runtime.runPromise(Effect.provide(SinkKey, part)),
    waits: () => runtime.runPromise(Effect.provide(All, waits)),
    chains: () => runtime.runPromise(Effect.provide(All, chained)),
  };
}

function keyOf<T>(name: string, _of: new (...args: never[]) => T) {
  return Context.Service<T>(name);
}

function keys<T>(name: string, count: number) {
  return Array.from({ length: count }, (_, index) => Context.Service<T>(`${name}${index}`));
}

/** Disposes the value at the end of the scope. */
function ending<T extends Scoped, E, R>(made: Effect.Effect<T, E, R>) {
  return Effect.acquireRelease(made, (value) => Effect.sync(() => value.dispose()));
}

/** `Layer.mergeAll` builds its layers at the same time. */
function together<R, Out>(layers: readonly Layer.Layer<Out, never, R>[]) {
  const [first, ...others] = layers;
  return Layer.mergeAll(first!, ...others);
}
