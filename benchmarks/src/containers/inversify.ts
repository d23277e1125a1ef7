/**
 * InversifyJS: classes with `@injectable()`, bound to themselves; functions by `toResolvedValue`. What it
 * makes for one request (one call of `get`) it does not end: activation handlers note it, and it is disposed
 * by hand, which is faster than the child container that would end it.
 */
import 'reflect-metadata';
import { Container, injectable, type Newable } from 'inversify';
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
  type Scoped,
  type Source,
  type Sum,
  type Waited,
} from './graph.js';
import type { Works } from './works.js';

/** The works with one container. */
export async function createWorks(): Promise<Works> {
  const { singletons, scoped } = declareRequest(injectable(), injectable());
  const tree = declareTree(injectable());
  const container = new Container();
  let opened: Scoped[] = [];

  for (const made of Object.values(singletons)) bind(made).inSingletonScope();
  for (const made of Object.values(scoped)) {
    bind(made)
      .inRequestScope()
      .onActivation((_, value) => {
        opened.push(value as unknown as Scoped);
        return value;
      });
  }
  for (const made of Object.values(tree)) bind(made).inTransientScope();

  container.bind<Source>('source').toResolvedValue(makeSource).inRequestScope();
  const middles = namesOf('middle', breadth);
  for (const middle of middles) {
    container.bind<Middle>(middle).toResolvedValue(makeMiddle, ['source']).inRequestScope();
  }
  container
    .bind<Sink>('sink')
    .toResolvedValue((...made: Middle[]) => makeSink(...made), middles)
    .inRequestScope();

  const partMiddles = namesOf('partMiddle', breadth);
  for (const [index, middle] of partMiddles.entries()) {
    const make = isAsyncMiddle(index) ? makeMiddle : (source: Source) => new Middle(source);
    container.bind<Middle>(middle).toResolvedValue(make, ['source']).inRequestScope();
  }
  container
    .bind<Sink>('partSink')
    .toResolvedValue((...made: Middle[]) => new Sink(made), partMiddles)
    .inRequestScope();

  const waits = namesOf('wait', breadth);
  for (const wait of waits) {
    container
      .bind<Waited>(wait)
      .toResolvedValue(() => waitFor(10))
      .inRequestScope();
  }
  container
    .bind<Waited>('allWaited')
    .toResolvedValue((...made: Waited[]) => gather(...made), waits)
    .inRequestScope();

  for (const [index, [first, second]] of chains.entries()) {
    container
      .bind<Waited>(`first${index}`)
      .toResolvedValue(() => waitFor(first))
      .inRequestScope();
    container
      .bind<Waited>(`second${index}`)
      .toResolvedValue((before: Waited) => waitFor(second, before), [`first${index}`])
      .inRequestScope();
  }
  container
    .bind<Waited>('allChains')
    .toResolvedValue((...made: Waited[]) => gather(...made), namesOf('second', chains.length))
    .inRequestScope();

  function bind(made: Newable<Sum>) {
    return container.bind(made).toSelf();
  }
  return {
    request: () => {
      opened = [];
      const handler = container.get(scoped.handler);
      for (const made of opened.reverse()) made.dispose();
      return handler;
    },
    transient: () => container.get(tree.root),
    diamond: () => container.getAsync<Sink>('sink'),
    part: () => container.getAsync<Sink>('partSink'),
    waits: () => container.getAsync<Waited>('allWaited'),
    chains: () => container.getAsync<Waited>('allChains'),
  };
}

function namesOf(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${name}${index}`);
}
