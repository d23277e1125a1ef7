/** turno, as docs/container.md and docs/without-decorators.md say. */
import { Container, Injectable, provide, token, type Token } from '@turno/core';
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
  Source,
  waitFor,
  Waited,
} from './graph.js';
import type { Works } from './works.js';

const scope = 'request';

/** The works with one container. */
export async function createWorks(): Promise<Works> {
  const { singletons, scoped } = declareRequest(Injectable(), Injectable({ scope }));
  const tree = declareTree(Injectable({ scope: 'transient' }));
  const AsyncSource = token<Source>('AsyncSource');
  const AsyncSink = token<Sink>('AsyncSink');
  const PartSink = token<Sink>('PartSink');
  const AllWaited = token<Waited>('AllWaited');
  const AllChains = token<Waited>('AllChains');

  const middles = tokens<Middle>('AsyncMiddle', breadth);
  const partMiddles = tokens<Middle>('PartMiddle', breadth);
  const waits = tokens<Waited>('Waited', breadth);
  const firsts = tokens<Waited>('First', chains.length);
  const seconds = tokens<Waited>('Second', chains.length);
  const deps = [AsyncSource] as const;

  const container = await Container.create({
    providers: [
      ...Object.values(singletons),
      ...Object.values(scoped),
      ...Object.values(tree),
      provide(AsyncSource, { scope }, makeSource),
      ...middles.map((middle) => provide(middle, { scope, deps }, makeMiddle)),
      provide(AsyncSink, { scope, deps: middles }, makeSink),
      ...partMiddles.map((middle, index) =>
        isAsyncMiddle(index)
          ? provide(middle, { scope, deps }, makeMiddle)
          : provide(middle, { scope, deps, on: 'loop' }, (source) => new Middle(source)),
      ),
      provide(PartSink, { scope, deps: partMiddles, on: 'loop' }, (...made) => new Sink(made)),
      ...waits.map((wait) => provide(wait, { scope }, async () => waitFor(10))),
      provide(AllWaited, { scope, deps: waits }, async (...made) => gather(...made)),
      ...chains.flatMap(([first, second], index) => [
        provide(firsts[index]!, { scope }, async () => waitFor(first)),
        provide(seconds[index]!, { scope, deps: [firsts[index]!] }, async (before) =>
          waitFor(second, before),
        ),
      ]),
      provide(AllChains, { scope, deps: seconds }, async (...made) => gather(...made)),
    ],
  });
  const inScope =
    <T>(wanted: Token<T>) =>
    async (): Promise<T> => {
      const opened = container.createScope();
      const made = await opened.resolve(wanted);
      await opened.dispose();
      return made;
    };
  return {
    request: inScope(scoped.handler),
    transient: () => container.resolve(tree.root),
    diamond: inScope(AsyncSink),
    part: inScope(PartSink),
    waits: inScope(AllWaited),
    chains: inScope(AllChains),
  };
}

function tokens<T>(name: string, count: number) {
  return Array.from({ length: count }, (_, index) => token<T>(`${name}${index}`));
}
