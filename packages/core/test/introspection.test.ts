/** What can be seen of a container: its graph, its start, its plans, and each step as it runs. */
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import {
  all,
  Container,
  declareHandler,
  handlerToken,
  Inject,
  Injectable,
  lazy,
  Optional,
  Provides,
  toDot,
  token,
  toMermaid,
  value,
  type ContainerOptions,
  type GraphData,
  type GraphNode,
  type Provider,
  type StepEvent,
} from '@turno/core';
import fc from 'fast-check';
import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel';

import { Alternating, First, Fourth, Fused, Ground } from './fixtures/kitchen.js';
import { gate, turn } from './support/gate.js';

const request = { scope: 'request' } as const;

const A = token<string>('A');
const B = token<string>('B');
const C = token<string>('C');
const D = token<string>('D');

/** Classes of a test file cannot be imported by a worker, so hops run inline. */
async function containerOf(
  providers: readonly Provider[],
  options: ContainerOptions = {},
): Promise<Container> {
  return Container.create({ providers, threads: { executor: 'inline' }, ...options });
}

const nodeOf = ({ nodes }: GraphData, label: string): GraphNode =>
  nodes.find((node) => node.label === label)!;

/** `consumer kind dependency`, by label. */
function linksOf({ nodes, edges }: GraphData): string[] {
  const labels = new Map(nodes.map(({ id, label }) => [id, label]));
  return edges.map(({ from, to, kind }) => `${labels.get(from)} ${kind} ${labels.get(to)}`);
}

@Injectable()
class Tickets {}

class Kitchen {
  @Provides(A, request) async order(_tickets: Tickets): Promise<string> {
    return 'order';
  }
  @Provides(B, request) grind(@Inject(A) order: string): string {
    return order;
  }
  @Provides(C, { lazy: true }) async oven(): Promise<string> {
    return 'oven';
  }
}

describe('container.graph', () => {
  it('describes each node', async () => {
    await using container = await containerOf([Kitchen, value(D, 'd')]);
    await container.resolve(Tickets);
    const { graph } = container;
    expect(nodeOf(graph, 'Kitchen.order')).toMatchObject({
      token: 'A',
      kind: 'method',
      scope: 'request',
      placement: 'loop',
      lazy: false,
    });
    expect(nodeOf(graph, 'Kitchen.grind')).toMatchObject({ token: 'B', placement: 'thread' });
    expect(nodeOf(graph, 'Kitchen.oven')).toMatchObject({ scope: 'singleton', lazy: true });
    expect(nodeOf(graph, 'Kitchen')).toMatchObject({
      token: 'Kitchen',
      kind: 'class',
      scope: 'singleton',
      placement: 'both',
    });
    expect(nodeOf(graph, 'D')).toEqual({
      id: nodeOf(graph, 'D').id,
      label: 'D',
      token: 'D',
      kind: 'value',
      scope: 'singleton',
      placement: 'loop',
      lazy: false,
      file: null,
      line: null,
    });
  });

  it('names the file and line of a class', async () => {
    await using container = await containerOf([Kitchen]);
    const { file, line } = nodeOf(container.graph, 'Tickets');
    expect(file).toBe(import.meta.url);
    expect(line).toBeGreaterThan(0);
    const grind = nodeOf(container.graph, 'Kitchen.grind');
    expect(grind.file).toBe(import.meta.url);
    expect(grind.line).toBeGreaterThan(line!);
  });

  it('has an edge for each parameter, instance, member of a list and lazy target', async () => {
    const Plugin = token<string>('Plugin');
    class Plugins {
      @Provides(Plugin, { many: true }) static async one(): Promise<string> {
        return '1';
      }
      @Provides(Plugin, { many: true }) static async two(@Inject(lazy(A)) _a: unknown) {
        return '2';
      }
      @Provides(A) async host(
        @Inject(all(Plugin)) _plugins: string[],
        @Optional() @Inject(D) _d: string | undefined,
        _signal: AbortSignal,
      ): Promise<string> {
        return 'host';
      }
    }
    await using container = await containerOf([Plugins]);
    expect(linksOf(container.graph).toSorted()).toEqual(
      [
        'Plugins.host instance Plugins',
        'Plugins.host parameter all(Plugin)',
        'Plugins.host parameter no D',
        'Plugins.host parameter AbortSignal',
        'all(Plugin) member Plugins.one',
        'all(Plugin) member Plugins.two',
        'Plugins.two parameter lazy(A)',
        'lazy(A) lazy Plugins.host',
      ].toSorted(),
    );
    expect(nodeOf(container.graph, 'no D').token).toBeNull();
    expect(nodeOf(container.graph, 'lazy(A)').kind).toBe('lazy');
  });

  it('tells handlers and scope values', async () => {
    class Routes {
      @Provides(B, request) async page(@Inject(A) a: string): Promise<string> {
        return a;
      }
    }
    declareHandler(Routes.prototype, 'page');
    await using container = await containerOf([Routes], { scopeValues: [A] });
    const kinds = container.graph.nodes.map(({ label, kind, token: of }) => [label, kind, of]);
    expect(kinds).toContainEqual(['A', 'scopeValue', 'A']);
    expect(kinds).toContainEqual(['Routes.page', 'handler', null]);
    expect(kinds).toContainEqual(['Routes.page', 'method', 'B']);
    expect(container.placement(handlerToken(Routes, 'page'))).toBe('loop');
  });

  it('is frozen, and nothing but JSON', async () => {
    await using container = await containerOf([Kitchen]);
    const { graph } = container;
    expect(JSON.parse(JSON.stringify(graph))).toEqual(graph);
    for (const part of [graph, graph.nodes, graph.edges, ...graph.nodes, ...graph.edges]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
  });

  it('keeps ids when a class joins that nobody had asked for', async () => {
    @Injectable()
    class Late {}
    await using container = await containerOf([Kitchen]);
    const before = container.graph;
    await container.resolve(Late);
    const after = container.graph;
    expect(after.nodes.slice(0, before.nodes.length)).toEqual(before.nodes);
    expect(new Set(after.nodes.map(({ id }) => id)).size).toBe(before.nodes.length + 1);
    expect(before.nodes.map(({ label }) => label)).not.toContain('Late');
  });
});

describe('a drawing', () => {
  const node = (label: string, rest: Partial<GraphNode> = {}): GraphNode => ({
    id: label,
    label,
    token: label,
    kind: 'method',
    scope: 'singleton',
    placement: 'loop',
    lazy: false,
    file: null,
    line: null,
    ...rest,
  });
  const graph: GraphData = {
    nodes: [
      node('Shop.order', { scope: 'request' }),
      node('Shop', { kind: 'class', placement: 'both' }),
      node('Tmp', { scope: 'transient', placement: 'thread' }),
      node('Model', { scope: 'thread', placement: 'thread' }),
      node('lazy(Shop)', { kind: 'lazy', scope: 'transient' }),
    ],
    edges: [
      { from: 'Shop.order', to: 'Shop', kind: 'instance' },
      { from: 'Shop.order', to: 'Tmp', kind: 'parameter' },
      { from: 'Tmp', to: 'lazy(Shop)', kind: 'parameter' },
      { from: 'lazy(Shop)', to: 'Shop', kind: 'lazy' },
    ],
  };

  it('for Mermaid tells placements, scopes and lazy edges apart', () => {
    expect(toMermaid(graph)).toBe(`flowchart LR
  n0("Shop.order<br/>request, loop"):::loop
  n1["Shop<br/>singleton, loop and thread"]:::both
  n2(["Tmp<br/>transient, thread"]):::thread
  n3[["Model<br/>thread, thread"]]:::thread
  n4(["lazy(Shop)<br/>lazy"]):::loop
  n0 --> n1
  n0 --> n2
  n2 --> n4
  n4 -.-> n1
  classDef loop fill:#dbeafe,stroke:#333,color:#000
  classDef thread fill:#fed7aa,stroke:#333,color:#000
  classDef both fill:#d9f99d,stroke:#333,color:#000
`);
  });

  it('for Graphviz likewise', () => {
    expect(toDot(graph)).toBe(`digraph turno {
  rankdir=LR;
  n0 [label="Shop.order\\nrequest, loop", shape=box, style="rounded,filled", fillcolor="#dbeafe"];
  n1 [label="Shop\\nsingleton, loop and thread", shape=box, style="filled", fillcolor="#d9f99d"];
  n2 [label="Tmp\\ntransient, thread", shape=ellipse, style="filled", fillcolor="#fed7aa"];
  n3 [label="Model\\nthread, thread", shape=box, peripheries=2, style="filled", fillcolor="#fed7aa"];
  n4 [label="lazy(Shop)\\nlazy", shape=ellipse, style="filled", fillcolor="#dbeafe"];
  n0 -> n1;
  n0 -> n2;
  n2 -> n4;
  n4 -> n1 [style=dashed];
}
`);
  });

  it('of part of a graph leaves out edges that lead elsewhere', () => {
    const part = { ...graph, nodes: graph.nodes.filter(({ label }) => label.startsWith('Shop')) };
    expect(toMermaid(part)).toContain('n0 --> n1\n  classDef');
    expect(toDot(part)).toContain('n0 -> n1;\n}');
  });

  const hostile = Array.from('"\\#&;:<>`[]{}()|%-\n\r\t\0\ud800').concat(
    'N',
    'style',
    'end',
    'amp;',
  );
  const anyLabel = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({
      unit: fc.constantFrom(...hostile),
    }),
  );

  it('for Mermaid shows any label, and nothing else is changed by it', () => {
    fc.assert(
      fc.property(fc.array(anyLabel, { minLength: 1 }), (labels) => {
        const nodes = labels.map((label, index) => node(label, { id: `${index}` }));
        const [title, ...lines] = toMermaid({ nodes, edges: [] }).split('\n');
        expect(title).toBe('flowchart LR');
        expect(lines).toHaveLength(labels.length + 4);
        labels.forEach((label, index) => {
          const [, shown = ''] =
            /^ {2}n\d+\["((?:[\p{L}\p{N} .,()-]|#\d+;)*)<br\/>singleton, loop"\]:::loop$/u.exec(
              lines[index]!,
            )!;
          const read = shown.replaceAll(/#(\d+);/g, (_, code) =>
            String.fromCodePoint(Number(code)),
          );
          expect(read).toBe(label.replaceAll(/[\0\p{Cs}]/gu, '\ufffd'));
        });
      }),
      { numRuns: 1_000 },
    );
  });

  it('for Graphviz shows any label, and nothing else is changed by it', () => {
    fc.assert(
      fc.property(fc.array(anyLabel, { minLength: 1 }), (labels) => {
        const nodes = labels.map((label, index) => node(label, { id: `${index}` }));
        const lines = toDot({ nodes, edges: [] }).split('\n');
        expect(lines).toHaveLength(labels.length + 4);
        labels.forEach((label, index) => {
          const [, shown = ''] =
            /^ {2}n\d+ \[label="((?:[^"\\]|\\[\\"n])*)\\nsingleton, loop", shape=box, style="filled", fillcolor="#dbeafe"\];$/u.exec(
              lines[index + 2]!,
            )!;
          expect(shown).not.toMatch(/&(?!amp;)/);
          const read = shown
            .replaceAll(/\\(.)/g, (_, mark) => (mark === 'n' ? '\n' : mark))
            .replaceAll('&amp;', '&');
          const visible = label.replaceAll(/\r\n|\r/g, '\n').replaceAll(/\p{Cs}/gu, '\ufffd');
          expect(read).toBe(visible.replaceAll(/[^\P{Cc}\n]/gu, '\ufffd'));
        });
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('explain', () => {
  it('without a token tells which singletons start, in which order, and where', async () => {
    class Services {
      @Provides(A) async top(@Inject(B) b: string, @Inject(C) c: string): Promise<string> {
        return b + c;
      }
      @Provides(B) sync(): string {
        return 'b';
      }
      @Provides(C, { lazy: true }) async needed(): Promise<string> {
        return 'c';
      }
      @Provides(D, { lazy: true }) async unneeded(): Promise<string> {
        return 'd';
      }
    }
    await using container = await containerOf([Services]);
    expect(container.explain()).toBe(
      [
        'start: 4 singletons, each as soon as what it waits for is there; stop: last ready, first ended',
        '  1  Services         [singleton]  loop',
        '  2  Services.sync    [singleton]  thread',
        '  3  Services.needed  [singleton]  loop    after 1',
        '  4  Services.top     [singleton]  loop    after 1, 2, 3',
      ].join('\n'),
    );
  });

  it('tells the order in which singletons really start and stop', async () => {
    const log: string[] = [];
    const resource = (name: string) => {
      log.push(`+${name}`);
      return { [Symbol.dispose]: () => void log.push(`-${name}`) };
    };
    const [One, Two, Three] = ['One', 'Two', 'Three'].map((name) => token<object>(name));
    class Services {
      @Provides(Three!) static async three(@Inject(Two!) _: object): Promise<object> {
        return resource('three');
      }
      @Provides(Two!) static async two(@Inject(One!) _: object): Promise<object> {
        return resource('two');
      }
      @Provides(One!, { lazy: true }) static async one(): Promise<object> {
        return resource('one');
      }
    }
    const container = await containerOf([Services]);
    const told = [...container.explain().matchAll(/Services\.(\w+)/g)].map(([, name]) => name!);
    await container.dispose();
    expect(told).toEqual(['one', 'two', 'three']);
    expect(log).toEqual([
      ...told.map((name) => `+${name}`),
      ...told.toReversed().map((name) => `-${name}`),
    ]);
  });

  it('without a token says when nothing starts', async () => {
    await using container = await containerOf([value(A, 'a')]);
    expect(container.explain()).toBe('start: 0 singletons');
  });

  it('says where a value is given that there is nothing to wait for', async () => {
    await using container = await containerOf([value(A, 'a')]);
    expect(container.explain(A)).toBe('A: 1 step, no thread\n  1  A  [value]  loop');
  });

  class Fork {
    @Provides(A, request) static async short(): Promise<string> {
      return 'short';
    }
    @Provides(B, request) static async first(): Promise<string> {
      return 'first';
    }
    @Provides(C, request) static second(@Inject(B) first: string): string {
      return first;
    }
    @Provides(D, request) static async end(
      @Inject(A) short: string,
      @Inject(C) second: string,
    ): Promise<string> {
      return short + second;
    }
  }
  const lastLine = (text: string): string | undefined => text.split('\n').at(-1);

  it('ends with the longest chain of loop steps and hops', async () => {
    await using container = await containerOf([Fork]);
    expect(lastLine(container.explain(D))).toBe(
      'critical path, by number of steps: Fork.first -> hop 1 -> Fork.end',
    );
  });

  it('prefers a hop to a loop step where chains are of one length', async () => {
    class Tie {
      @Provides(A, request) static async onLoop(): Promise<string> {
        return 'loop';
      }
      @Provides(B, request) static inThread(): string {
        return 'thread';
      }
      @Provides(C, request) static async end(
        @Inject(A) a: string,
        @Inject(B) b: string,
      ): Promise<string> {
        return a + b;
      }
    }
    await using container = await containerOf([Tie]);
    expect(lastLine(container.explain(C))).toBe(
      'critical path, by number of steps: hop 1 -> Tie.end',
    );
  });

  it('goes by measured times once steps have been traced', async () => {
    await using container = await containerOf([Fork]);
    const listener = { start: () => {} };
    steps.subscribe(listener as never);
    try {
      await using scope = container.createScope();
      await scope.resolve(D);
    } finally {
      steps.unsubscribe(listener as never);
    }
    // Which chain it is depends on the clock; it ends with the target.
    expect(lastLine(container.explain(D))).toMatch(
      /^critical path, as measured: (?:(?:Fork\.\w+|hop 1) \d+\.\d ms -> )+Fork\.end \d+\.\d ms$/,
    );
  });
});

const steps = tracingChannel<unknown, StepEvent>('turno.step');

describe('the tracing channel turno.step', () => {
  let events: {
    readonly name: string;
    readonly step: StepEvent;
    readonly ran: unknown;
    readonly threadId: unknown;
  }[];
  const listen = (name: string) => (message: unknown) => {
    const step = message as StepEvent;
    events.push({ name, step, ran: step.ran, threadId: step.threadId });
  };
  const listener = {
    start: listen('start'),
    end: listen('end'),
    asyncStart: listen('asyncStart'),
    asyncEnd: listen('asyncEnd'),
    error: listen('error'),
  };
  const told = (): string[] => events.map(({ name, step }) => `${name} ${step.label}`);
  const stepOf = (label: string): StepEvent =>
    events.find(({ step }) => step.label === label)!.step;

  beforeEach(() => {
    events = [];
    steps.subscribe(listener);
  });
  afterEach(() => steps.unsubscribe(listener));

  it('tells of steps on the loop: constructing at once, a promise when it is settled', async () => {
    class Top {
      @Provides(A, request) async top(): Promise<string> {
        return 'a';
      }
    }
    await using container = await containerOf([Top]);
    await using scope = container.createScope();
    await scope.resolve(A);
    expect(told()).toEqual([
      'start Top',
      'end Top',
      'start Top.top',
      'end Top.top',
      'asyncStart Top.top',
      'asyncEnd Top.top',
    ]);
    expect(events.map(({ ran }) => typeof ran)).toEqual([
      'undefined',
      'number',
      'undefined',
      'undefined',
      'number',
      'number',
    ]);
    expect(stepOf('Top.top')).toEqual({
      label: 'Top.top',
      scope: 'request',
      placement: 'loop',
      target: 'Top.top',
      waited: expect.any(Number),
      ran: expect.any(Number),
      hop: undefined,
      threadId: 0,
    });
    expect(stepOf('Top').scope).toBe('singleton');
    expect(new Set(events.map(({ step }) => step)).size).toBe(2);
  });

  it('measures how long a step waited since all it needs was there, and how long it ran', async () => {
    let time = 100;
    jest.spyOn(performance, 'now').mockImplementation(() => time);
    const hold = gate();
    @Injectable(request)
    class Quick {
      constructor() {
        time += 5;
      }
    }
    class Timed {
      @Provides(A, request) static async slow(_quick: Quick): Promise<string> {
        time += 20;
        await hold.passed;
        return 'a';
      }
      @Provides(B, request) static async other(): Promise<string> {
        return 'b';
      }
      @Provides(C, request) static hop(@Inject(A) a: string, @Inject(B) b: string): string {
        time += 7;
        return a + b;
      }
    }
    try {
      await using container = await containerOf([Timed]);
      await using scope = container.createScope();
      const resolving = scope.resolve(C);
      await turn();
      time += 300;
      hold.open();
      await resolving;
      const times = [...new Set(events.map(({ step }) => step))].map((step) => [
        step.label,
        step.waited,
        step.ran,
      ]);
      expect(times).toEqual([
        ['Quick', 0, 5],
        ['Timed.slow', 0, 320],
        // Ready from the beginning, but what came before it held the loop.
        ['Timed.other', 25, 0],
        ['Timed.hop', 0, 7],
      ]);
      expect(container.explain(C)).toContain(
        'critical path, as measured: Quick 5.0 ms -> Timed.slow 320.0 ms -> hop 1 7.0 ms',
      );
    } finally {
      jest.restoreAllMocks();
    }
  });

  it('counts as waiting that another step, which became ready with it, held the loop', async () => {
    let time = 100;
    jest.spyOn(performance, 'now').mockImplementation(() => time);
    class Timed {
      @Provides(A, request) static async first(): Promise<string> {
        await Promise.resolve();
        return 'a';
      }
      @Provides(B, request) static async holding(@Inject(A) a: string): Promise<string> {
        time += 20;
        return a;
      }
      @Provides(C, request) static async other(@Inject(A) a: string): Promise<string> {
        return a;
      }
    }
    class Both {
      @Provides(D, request) static async both(@Inject(B) b: string, @Inject(C) c: string) {
        return b + c;
      }
    }
    try {
      await using container = await containerOf([Timed, Both]);
      await using scope = container.createScope();
      await scope.resolve(D);
      expect(stepOf('Timed.other').waited).toBe(20);
    } finally {
      jest.restoreAllMocks();
    }
  });

  it('ends a step before it starts one that needs it', async () => {
    class Chain {
      @Provides(A, request) static async a(): Promise<string> {
        return 'a';
      }
      @Provides(B, request) static async b(@Inject(A) a: string): Promise<string> {
        return a;
      }
    }
    await using container = await containerOf([Chain]);
    await using scope = container.createScope();
    await scope.resolve(B);
    expect(told().indexOf('asyncEnd Chain.a')).toBeLessThan(told().indexOf('start Chain.b'));
    expect(events.map(({ step }) => step.target)).toEqual(Array(8).fill('Chain.b'));
  });

  it('tells an error, of sync and async steps, as it was thrown', async () => {
    const failure = new Error('no beef');
    @Injectable(request)
    class Fridge {
      constructor() {
        throw failure;
      }
    }
    class Failing {
      @Provides(A, request) static async a(): Promise<string> {
        throw failure;
      }
    }
    await using container = await containerOf([Failing, Fridge]);
    await using scope = container.createScope();
    await expect(scope.resolve(A)).rejects.toBe(failure);
    await expect(scope.resolve(Fridge)).rejects.toBe(failure);
    expect(told()).toEqual([
      'start Failing.a',
      'end Failing.a',
      'error Failing.a',
      'asyncStart Failing.a',
      'asyncEnd Failing.a',
      'start Fridge',
      'error Fridge',
      'end Fridge',
    ]);
    expect(stepOf('Failing.a').error).toBe(failure);
    expect(stepOf('Fridge').error).toBe(failure);
  });

  it('ends each step that it has started, also when its run is given up', async () => {
    const hold = gate<string>();
    class Slow {
      @Provides(A, request) static async slow(): Promise<string> {
        return hold.passed;
      }
    }
    await using container = await containerOf([Slow]);
    await using scope = container.createScope();
    const caller = new AbortController();
    const resolving = scope.resolve(A, { signal: caller.signal });
    await turn();
    caller.abort();
    await expect(resolving).rejects.toBe(caller.signal.reason);
    expect(told()).toEqual(['start Slow.slow', 'end Slow.slow']);
    hold.open('late');
    await turn();
    expect(told().at(-1)).toBe('asyncEnd Slow.slow');
  });

  it('tells of a generator up to its yield, and of one that does not yield', async () => {
    class Generators {
      @Provides(A, request) static async *yields(): AsyncGenerator<string> {
        yield 'a';
      }
      @Provides(B, { ...request, on: 'loop' }) static *never(): Generator<string> {
        // Nothing.
      }
    }
    await using container = await containerOf([Generators]);
    await using scope = container.createScope();
    await scope.resolve(A);
    await expect(scope.resolve(B)).rejects.toMatchObject({ code: 'TURNO_GENERATOR' });
    expect(told()).toEqual([
      'start Generators.yields',
      'end Generators.yields',
      'asyncStart Generators.yields',
      'asyncEnd Generators.yields',
      'start Generators.never',
      'error Generators.never',
      'end Generators.never',
    ]);
  });

  it('tells of a singleton once, when it is made', async () => {
    class Single {
      @Provides(A) static async a(): Promise<string> {
        return 'a';
      }
    }
    await using container = await containerOf([Single]);
    await container.resolve(A);
    await container.resolve(A);
    expect(told().filter((each) => each.startsWith('start'))).toEqual(['start Single.a']);
  });

  it('tells of the steps of a hop together, each with its own time', async () => {
    await using container = await Container.create({ providers: [Fused], threads: { size: 1 } });
    await using scope = container.createScope();
    const [thread] = await scope.resolve(Ground);
    expect(told()).toEqual([
      'start Fused.grinder',
      'end Fused.grinder',
      'start Fused.ground',
      'end Fused.ground',
      'asyncStart Fused.grinder',
      'asyncEnd Fused.grinder',
      'asyncStart Fused.ground',
      'asyncEnd Fused.ground',
    ]);
    const [grinder, ground] = [stepOf('Fused.grinder'), stepOf('Fused.ground')];
    expect(grinder).toMatchObject({
      placement: 'thread',
      threadId: thread,
      target: 'Fused.ground',
    });
    // From the start on.
    expect(events.map(({ threadId }) => threadId)).toEqual(events.map(() => thread));
    expect(grinder.hop).toEqual(expect.any(Number));
    expect(ground.hop).toBe(grinder.hop);
    expect([grinder.ran, ground.ran]).toEqual([expect.any(Number), expect.any(Number)]);
  });

  it('numbers each trip to a thread', async () => {
    await using container = await Container.create({ providers: [Alternating] });
    await using scope = container.createScope();
    await scope.resolve(Fourth);
    const hops = ['first', 'second', 'third', 'fourth'].map(
      (step) => stepOf(`Alternating.${step}`).hop,
    );
    expect(hops).toEqual([undefined, expect.any(Number), undefined, expect.any(Number)]);
    expect(hops[1]).not.toBe(hops[3]);
    await scope.resolve(First);
  });

  it('tells which step of a hop has failed, and which did not run', async () => {
    const failure = new RangeError('too hot');
    class Hop {
      @Provides(A, request) static a(): string {
        return 'a';
      }
      @Provides(B, request) static b(@Inject(A) _a: string): string {
        throw failure;
      }
      @Provides(C, request) static c(@Inject(B) b: string): string {
        return b;
      }
    }
    await using container = await containerOf([Hop]);
    await using scope = container.createScope();
    await expect(scope.resolve(C)).rejects.toThrow(failure.message);
    expect(events.filter(({ name }) => name === 'error').map(({ step }) => step.label)).toEqual([
      'Hop.b',
    ]);
    expect(stepOf('Hop.a').ran).toEqual(expect.any(Number));
    expect(stepOf('Hop.b').error).toMatchObject({ message: 'too hot' });
    expect(stepOf('Hop.b').ran).toEqual(expect.any(Number));
    expect(stepOf('Hop.c').ran).toBeUndefined();
    expect(told().filter((each) => each.startsWith('asyncEnd'))).toHaveLength(3);
  });

  it('tells of a hop that cannot be sent only what is to blame', async () => {
    class Hop {
      @Provides(A, request) static async a(): Promise<string> {
        return (() => 'a function cannot cross') as never;
      }
      @Provides(B, request) static b(@Inject(A) a: string): string {
        return a;
      }
      @Provides(C, request) static c(@Inject(B) b: string): string {
        return b;
      }
    }
    await using container = await containerOf([Hop]);
    await using scope = container.createScope();
    await expect(scope.resolve(C)).rejects.toMatchObject({ code: 'TURNO_NOT_PORTABLE' });
    expect(told().slice(4)).toEqual([
      'start Hop.b',
      'end Hop.b',
      'error Hop.b',
      'asyncStart Hop.b',
      'asyncEnd Hop.b',
    ]);
    expect(stepOf('Hop.b')).toMatchObject({ error: { code: 'TURNO_NOT_PORTABLE' } });
  });

  it('says nothing of runs that began before anybody listened', async () => {
    steps.unsubscribe(listener);
    const hold = gate<string>();
    class Slow {
      @Provides(A, request) static async a(): Promise<string> {
        return hold.passed;
      }
      @Provides(B, request) static b(@Inject(A) a: string): string {
        return a;
      }
    }
    await using container = await containerOf([Slow]);
    await using scope = container.createScope();
    const resolving = scope.resolve(B);
    await turn();
    steps.subscribe(listener);
    hold.open('a');
    expect(await resolving).toBe('a');
    expect(events).toEqual([]);
  });
});

describe('a store that is bound to tracing:turno.step:start', () => {
  const spans = new AsyncLocalStorage<string>();
  const outer = new AsyncLocalStorage<string>();
  let ends: string[];
  const atEnd = (message: unknown) => {
    ends.push(`${(message as StepEvent).label} in ${spans.getStore()}`);
  };
  beforeEach(() => {
    ends = [];
    steps.start.bindStore(spans, (step) => `${step.label} < ${spans.getStore()}`);
    subscribe('tracing:turno.step:asyncEnd', atEnd);
  });
  afterEach(() => {
    steps.start.unbindStore(spans);
    unsubscribe('tracing:turno.step:asyncEnd', atEnd);
  });

  class Seen {
    @Provides(A, request) static async a(): Promise<string> {
      await turn();
      return spans.getStore()!;
    }
    @Provides(B, request) static async *b(@Inject(A) a: string): AsyncGenerator<string> {
      await turn();
      yield `${a}; ${spans.getStore()}; ${outer.getStore()}`;
    }
    @Provides(C, request) static c(@Inject(B) b: string): string {
      return b;
    }
  }

  it('is visible in async providers and generators, each its own, and in the events', async () => {
    await using container = await containerOf([Seen]);
    await using scope = container.createScope();
    const seen = await outer.run('request 1', () => spans.run('request', () => scope.resolve(C)));
    // No step is inside another: each is inside what the caller is in.
    expect(seen).toBe('Seen.a < request; Seen.b < request; request 1');
    expect(ends).toEqual([
      'Seen.a in Seen.a < request',
      'Seen.b in Seen.b < request',
      'Seen.c in Seen.c < request',
    ]);
    expect(spans.getStore()).toBeUndefined();
  });

  it('is that of its own run, when a hop waits for one of another', async () => {
    const hold = gate();
    class Held {
      @Provides(A, { ...request, on: 'thread' }) static async held(): Promise<string> {
        await hold.passed;
        return 'a';
      }
    }
    await using container = await containerOf([Held], { threads: { executor: 'inline', size: 1 } });
    const resolving = ['one', 'two', 'three'].map((name) =>
      spans.run(name, () => container.run((scope) => scope.resolve(A))),
    );
    await turn();
    expect(container.threads).toMatchObject({ busy: 1, queued: 2 });
    hold.open();
    await Promise.all(resolving);
    expect(ends).toEqual([
      'Held.held in Held.held < one',
      'Held.held in Held.held < two',
      'Held.held in Held.held < three',
    ]);
  });
});
