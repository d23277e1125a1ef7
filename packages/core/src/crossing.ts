/** Checks what has to cross between loop and thread, as far as the classes are known at start. */
import { NotPortableError, type Path, type TurnoError } from './errors.js';
import type { Graph } from './graph.js';
import type { Node } from './node.js';
import {
  isMadeInPlace,
  levelOn,
  placementOf,
  type Level,
  type NodeLevels,
  type Sides,
} from './placement.js';
import { bare } from './own.js';
import { encode } from './portable/codec.js';
import { isKnownUnportable, portableFault } from './portable/portable-class.js';
import type { Placement } from './scope.js';
import { tokenName, type AbstractClass } from './token.js';

/**
 * Reports each dependency that would have to cross and cannot.
 * @param nodes - what to check, in topological order.
 * @param sides - of these and all nodes before.
 * @param levels - of nodes before, likewise; gets those of the nodes that are checked.
 */
export function checkCrossings(
  graph: Graph,
  nodes: readonly Node[],
  sides: ReadonlyMap<Node, Sides>,
  levels: Map<Node, NodeLevels>,
): TurnoError[] {
  return new CrossingCheck(graph, sides, levels).run(nodes);
}

/**
 * Refuses to resolve a value that a thread makes and that cannot get to the loop, as far as its
 * class tells.
 * @throws NotPortableError.
 */
export function refuseUnportableTarget(node: Node): void {
  if (placementOf(node) !== 'thread') return;
  const wanted = 'it was resolved on the event loop';
  const refusal = whyStuck(node, wanted);
  if (refusal === undefined) return;
  if (node.kind === 'class' && node.scope === 'thread') {
    throw new NotPortableError(
      `${node.label} has scope 'thread' and lives in worker threads only, but ${wanted}.`,
      'Resolve what a method without async makes that takes it as a parameter.',
      [node.label],
    );
  }
  throw new NotPortableError(...refusal, [node.label]);
}

/** Fact and remedy where what a thread step makes cannot leave its hop; undefined where it may. */
function whyStuck(node: Node, wanted: string): [fact: string, remedy: string] | undefined {
  if (node.kind === 'method' && node.generator && node.scope !== 'thread') {
    return [
      `${node.label} is a generator that runs in a thread, where its value ends with its trip to a thread, but ${wanted}.`,
      `Make ${node.label} async (async *), or let a plain method take it as a parameter and return what is needed.`,
    ];
  }
  const type = typeMadeBy(node);
  if (type === undefined || !isKnownUnportable(type, node.kind === 'class')) return undefined;
  const name = tokenName(type);
  const fault = portableFault(type);
  if (fault !== undefined) {
    return [
      `${node.label} runs in a thread and makes a ${name}, ${fault.reason}; but ${wanted}.`,
      `${fault.remedy} Or make ${node.label} async, so that it runs on the event loop.`,
    ];
  }
  return [
    `${node.label} runs in a thread and makes a ${name}, which is not portable, but ${wanted}.`,
    `Make ${node.label} async, return plain data, or decorate ${name} with @Portable() if it is a class of plain data.`,
  ];
}

class CrossingCheck {
  private readonly problems: TurnoError[] = [];

  constructor(
    private readonly graph: Graph,
    private readonly sides: ReadonlyMap<Node, Sides>,
    private readonly levels: Map<Node, NodeLevels>,
  ) {}

  run(sorted: readonly Node[]): TurnoError[] {
    for (const node of sorted) this.setLevels(node);
    for (const node of sorted.toReversed()) this.delay(node);
    for (const node of sorted) this.checkNode(node);
    return this.problems;
  }

  private setLevels(node: Node): void {
    const of = this.sides.get(node);
    const levels: NodeLevels = bare({});
    this.levels.set(node, levels);
    for (const side of ['loop', 'thread'] as const) {
      if (!of?.[side]) continue;
      levels[side] = levelOn(
        side,
        node.needs.map((need) => this.valueLevel(need, node, side)),
      );
    }
  }

  /** A class that a thread builds is built as late as its first consumer there: as plans do it. */
  private delay(node: Node): void {
    const levels = this.levels.get(node);
    if (node.kind !== 'class' || levels?.thread === undefined) return;
    const consumers = node.consumers.flatMap((consumer) => this.levels.get(consumer)?.thread ?? []);
    if (consumers.length > 0) levels.thread = Math.min(...consumers);
  }

  private checkNode(node: Node): void {
    const levels = this.levels.get(node) ?? bare<NodeLevels>({});
    for (const side of ['loop', 'thread'] as const) {
      const level = levels[side];
      if (level === undefined) continue;
      for (const need of node.needs) this.checkNeed(node, side, level, need);
    }
    if (node.kind !== 'method' || levels.thread === undefined) return;
    if (node.scope === 'singleton') {
      this.refuseResult(
        node,
        [],
        `${node.label} is a singleton, whose value is held on the event loop`,
      );
    } else if (node.handler) {
      this.refuseResult(node, [], 'what a handler returns goes back to the event loop');
    }
  }

  /** On which side the value of `need` lies for a consumer, and at which level. */
  private valueLevel(need: Node, consumer: Node, side: Placement): Level {
    if (need.kind === 'signal' || need.scope === 'thread') return { side, level: 0 };
    if (isMadeInPlace(need, consumer)) return { side, level: this.levels.get(need)?.[side] ?? 0 };
    if (need.scope === 'singleton') return { side: 'loop', level: 0 };
    const levels = this.levels.get(need) ?? bare<NodeLevels>({});
    return levels.thread === undefined
      ? { side: 'loop', level: levels.loop ?? 0 }
      : { side: 'thread', level: levels.thread };
  }

  private checkNeed(node: Node, side: Placement, level: number, need: Node): void {
    if (need.kind === 'signal' || isMadeInPlace(need, node)) return;
    if (need.scope === 'thread') {
      if (side === 'loop') this.refuseThreadScope(node, need);
      return;
    }
    const from = this.valueLevel(need, node, side);
    if (from.side === 'loop') {
      if (side === 'thread') this.checkIntoThread(node, need);
    } else if (side === 'loop' || from.level < level) {
      const wanted = `${node.label} needs it outside of that trip`;
      this.refuseResult(need, this.graph.pathTo(node), wanted);
    }
  }

  private checkIntoThread(node: Node, need: Node): void {
    const type = typeMadeBy(need);
    if (need.kind === 'value') {
      try {
        encode(need.value);
      } catch (cause) {
        const found = cause instanceof Error ? ` ${cause.message}` : '';
        this.refuseIntoThread(node, need, found);
      }
    } else if (type !== undefined && isKnownUnportable(type, need.kind === 'class')) {
      this.refuseIntoThread(node, need, '');
    }
  }

  /** A class runs nowhere by itself: from the method that brings it into the thread, down to it. */
  private wayIntoThread(node: Node): Node[] {
    const way = [node];
    for (let at = node; at.kind === 'class' || at.kind === 'list';) {
      const next = at.consumers.find((consumer) => this.sides.get(consumer)?.thread === true);
      if (next === undefined || way.includes(next)) break;
      way.unshift(next);
      at = next;
    }
    return way;
  }

  private refuseIntoThread(node: Node, need: Node, detail: string): void {
    const made = need.kind === 'method' && need.makes !== undefined;
    const name = made ? tokenName(need.makes) : need.label;
    const isClass = node.kind === 'class';
    const way = this.wayIntoThread(node);
    const [culprit = node] = way;
    const runs = isClass
      ? `is built in a thread, since ${culprit.label} runs there`
      : 'runs in a thread';
    const isOwn = need.kind === 'class' || need.kind === 'method';
    const onlyInThreads = need.consumers.every((each) => this.sides.get(each)?.loop !== true);
    const threadScope = isOwn && onlyInThreads ? `give ${name} scope 'thread', ` : '';
    const type = typeMadeBy(need);
    const fault = type === undefined ? undefined : portableFault(type);
    const why = fault === undefined ? `.${detail}` : `: a class ${fault.reason}.`;
    const instead = `ake ${culprit.label} async, ${threadScope}or pass plain data.`;
    this.problems.push(
      new NotPortableError(
        `${node.label} ${runs}, but its dependency ${name} lives on the event loop and is not portable${why}`,
        fault === undefined
          ? `M${instead} A class of plain data may cross with @Portable().`
          : `${fault.remedy} Or m${instead}`,
        [...this.graph.pathTo(culprit), ...way.slice(1).map(({ label }) => label), need.label],
      ),
    );
  }

  /** The value of a thread step is wanted outside its hop. */
  private refuseResult(need: Node, path: Path, wanted: string): void {
    const refusal = whyStuck(need, wanted);
    if (refusal === undefined) return;
    this.problems.push(new NotPortableError(...refusal, [...path, need.label]));
  }

  private refuseThreadScope(node: Node, need: Node): void {
    const remedy =
      node.kind === 'class'
        ? `Give ${node.label} scope 'thread' or 'transient' and use it in methods without async only`
        : `Write ${node.label} without async, so that it runs in a thread`;
    this.problems.push(
      new NotPortableError(
        `${node.label} ${node.kind === 'class' ? 'is made' : 'runs'} on the event loop, but its dependency ${need.label} has scope 'thread' and lives in worker threads only.`,
        `${remedy}, or give ${need.label} another scope.`,
        [...this.graph.pathTo(node), need.label],
      ),
    );
  }
}

/** The class of a node's value, as far as it is known. */
function typeMadeBy(node: Node): AbstractClass | undefined {
  if (node.kind === 'class') return node.target;
  if (node.kind === 'method') return node.makes;
  if (node.kind === 'lazy') return Function;
  if (node.kind === 'given') return typeof node.token === 'function' ? node.token : undefined;
  if (node.kind === 'input') {
    return typeof node.type === 'function' ? (node.type as AbstractClass) : undefined;
  }
  return undefined;
}
