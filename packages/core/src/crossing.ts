/** Checks what has to cross between loop and thread, as far as the classes are known at start. */
import { NotPortableError, type Path, type TurnoError } from './errors.js';
import type { Graph } from './graph.js';
import type { Node, OffloadedNode } from './node.js';
import {
  isInstanceOf,
  isMadeInPlace,
  isOffloading,
  levelOn,
  loop,
  sideOf,
  type Level,
  type NodeLevels,
  type Side,
  type Sides,
} from './placement.js';
import { bare } from './own.js';
import { encode } from './portable/codec.js';
import { isKnownUnportable, portableFault } from './portable/portable-class.js';
import { defaultGroup } from './scope.js';
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
  if (sideOf(node) === loop) return;
  if (node.kind === 'method' && node.handler && node.record.handler?.finish !== undefined) return;
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

/** What leaves one hop of a plan. */
export interface Leaving {
  readonly node: Node;
  /** What needs it outside of that hop. */
  readonly consumer: Node;
  /** What lies between the two, and what that is made before. */
  readonly between: Node | 'parameters' | undefined;
  readonly target: Node;
}

/**
 * Refuses what one hop would have to hand to another only because something else is made between them,
 * as before a handler; {@link checkCrossings} knows nothing of that.
 */
export function refuseLeaving({
  node,
  consumer,
  between,
  target,
}: Leaving): NotPortableError | undefined {
  let reason = 'outside of that trip';
  if (between === 'parameters') reason = 'after its parameters are read, outside of that trip';
  else if (between !== undefined) {
    reason = `after ${between.label}, which is made before ${target.label} and outside of that trip`;
  }
  const refusal = whyStuck(node, `${consumer.label} needs it ${reason}`);
  const path = [target.label, ...(consumer === target ? [] : [consumer.label]), node.label];
  return refusal && new NotPortableError(...refusal, path);
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

/**
 * Of what is made on the loop, and so is all that it needs: nothing crosses. The most frequent case, so one
 * object for all; checking 10,000 such nodes takes a fifth of the time that way.
 */
const onLoop: Readonly<NodeLevels> = bare({ [loop]: 0 });

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
    if (this.staysOnLoop(node)) {
      this.levels.set(node, onLoop);
      return;
    }
    const levels: NodeLevels = bare({});
    this.levels.set(node, levels);
    if (isOffloading(node)) {
      // The object is there at once; each of its calls is a trip of its own.
      const side = node.group;
      levels[loop] = 0;
      levels[side] = levelOn(
        side,
        node.needs.map((need) => this.valueLevel(need, node, side)),
      );
      return;
    }
    for (const side of sidesIn(this.sides.get(node))) {
      levels[side] = levelOn(
        side,
        node.needs.map((need) => this.valueLevel(need, node, side)),
      );
    }
  }

  private staysOnLoop(node: Node): boolean {
    if (isOffloading(node) || isInThreads(this.sides.get(node))) return false;
    for (const need of node.needs) {
      if (this.levels.get(need) !== onLoop || need.scope === 'thread') return false;
    }
    return true;
  }

  /** A class that a thread builds is built as late as its first consumer there: as plans do it. */
  private delay(node: Node): void {
    const levels = this.levels.get(node);
    if (node.kind !== 'class' || levels === undefined || levels === onLoop) return;
    for (const side of Object.keys(levels)) {
      if (side === loop) continue;
      const consumers = node.consumers.flatMap((each) => this.levels.get(each)?.[side] ?? []);
      if (consumers.length > 0) levels[side] = Math.min(...consumers);
    }
  }

  private checkNode(node: Node): void {
    const levels = this.levels.get(node) ?? bare<NodeLevels>({});
    if (levels === onLoop) return;
    for (const [side, level = 0] of Object.entries(levels)) {
      if (side === loop && isOffloading(node)) continue;
      for (const need of node.needs) this.checkNeed(node, side, level, need);
    }
    if (node.kind !== 'method' || sideOf(node) === loop) return;
    if (node.scope === 'singleton') {
      this.refuseResult(
        node,
        [],
        `${node.label} is a singleton, whose value is held on the event loop`,
      );
    } else if (node.handler && node.record.handler?.finish === undefined) {
      this.refuseResult(node, [], 'what a handler returns goes back to the event loop');
    }
  }

  /** On which side the value of `need` lies for a consumer, and at which level. */
  private valueLevel(need: Node, consumer: Node, side: Side): Level {
    if (need.kind === 'signal' || need.scope === 'thread') return { side, level: 0 };
    if (isMadeInPlace(need, consumer)) return { side, level: this.levels.get(need)?.[side] ?? 0 };
    if (need.scope === 'singleton') return { side: loop, level: 0 };
    // It is made on one side; what threads make besides for offloaded methods is nobody else's.
    const [made = loop] = sidesIn(this.sides.get(need));
    return { side: made, level: this.levels.get(need)?.[made] ?? 0 };
  }

  private checkNeed(node: Node, side: Side, level: number, need: Node): void {
    if (need.kind === 'signal' || isMadeInPlace(need, node)) return;
    if (need.scope === 'thread') {
      if (side === loop) this.refuseThreadScope(node, need);
      return;
    }
    const from = this.valueLevel(need, node, side);
    if (from.side === loop) {
      if (side !== loop) this.checkIntoThread(node, need);
    } else if (side !== loop && side !== from.side) {
      const wanted = `${node.label} runs in another group of threads ('${side}', not '${from.side}')`;
      // Nobody has said the default one.
      const [group, mover] = side === defaultGroup ? [from.side, node] : [side, need];
      const remedy = `Say \`threads: '${group}'\` of ${mover.label} as well.`;
      this.refuseResult(need, this.graph.pathTo(node), wanted, remedy);
    } else if (side !== from.side || from.level < level) {
      const wanted = `${node.label} needs it outside of that trip`;
      this.refuseResult(need, this.graph.pathTo(node), wanted);
    }
  }

  private checkIntoThread(node: Node, need: Node): void {
    const type = typeMadeBy(need);
    if (need.kind === 'value') {
      // Its methods are called where it is.
      if (isOffloading(node)) return;
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
      const next = at.consumers.find(
        (consumer) => isOffloading(consumer) || isInThreads(this.sides.get(consumer)),
      );
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
    const path = [
      ...this.graph.pathTo(culprit),
      ...way.slice(1).map(({ label }) => label),
      need.label,
    ];
    if (node.kind === 'offloaded') {
      // That its value cannot be held on the loop at all is reported for itself.
      if (sideOf(need) !== loop) return;
      this.problems.push(refuseHere(node, need, path));
      return;
    }
    const runs = !isClass
      ? 'runs in a thread'
      : culprit.kind === 'offloaded'
        ? `is built in a thread, since ${culprit.label} calls its methods there`
        : `is built in a thread, since ${culprit.label} runs there`;
    const isOwn = need.kind === 'class' || need.kind === 'method';
    const onLoop = need.consumers.filter((each) => this.sides.get(each)?.loop === true);
    // Of a class with plain and async methods there is one instance on each side.
    const isMixed = onLoop.includes(node) && isInstanceOf(culprit, node);
    const user = onLoop.find((each) => each !== node);
    const threadScope =
      isOwn && onLoop.length === 0
        ? `give ${name} scope 'thread', `
        : need.kind === 'class' && user !== undefined
          ? `give ${name} scope 'transient' if it keeps no state (each side then makes its own), `
          : '';
    const where =
      need.kind === 'class' && user !== undefined ? `, where ${user.label} uses it,` : '';
    const type = typeMadeBy(need);
    const fault = type === undefined ? undefined : portableFault(type);
    const why = fault === undefined ? `.${detail}` : `: a class ${fault.reason}.`;
    const instead =
      culprit.kind === 'offloaded'
        ? `${threadScope}pass plain data, or ask for ${tokenName(culprit.token.of)} itself.`
        : need.kind === 'offloaded'
          ? `ask for ${tokenName(need.token.of)} itself, or make ${culprit.label} async.`
          : isMixed
            ? `take ${name} as a parameter of the async methods instead of the constructor, move ${methodOf(culprit)} to a class of its own, ${threadScope}or make ${culprit.label} async.`
            : `make ${culprit.label} async, ${threadScope}or pass plain data.`;
    if (
      need.kind === 'value' &&
      need.token !== undefined &&
      this.graph.replacesThread(need.token)
    ) {
      const remedy = `What it replaces lives in threads: override it by a class with @Provides(${name}, { scope: 'thread' }), or by plain data.`;
      const fact = `${node.label} ${runs}, but its dependency ${name} is a value that lives on the event loop and is not portable.${detail}`;
      this.problems.push(new NotPortableError(fact, remedy, path));
      return;
    }
    const hint =
      need.kind === 'offloaded' ? '' : ' A class of plain data may cross with @Portable().';
    this.problems.push(
      new NotPortableError(
        `${node.label} ${runs}, but its dependency ${name} lives on the event loop${where} and is not portable${why}`,
        fault === undefined ? `${capitalised(instead)}${hint}` : `${fault.remedy} Or ${instead}`,
        path,
      ),
    );
  }

  /** The value of a thread step is wanted outside its hop. */
  /** @param better - the remedy, where it is known what is missing. */
  private refuseResult(need: Node, path: Path, wanted: string, better?: string): void {
    const refusal = whyStuck(need, wanted);
    if (refusal === undefined) return;
    const [fact, usual] = refusal;
    const remedy = better ?? usual;
    const offloaded = need.consumers.find(({ kind }) => kind === 'offloaded');
    const other =
      offloaded === undefined || need.scope !== 'singleton'
        ? remedy
        : `Give ${need.label} scope 'thread': so each thread has one for the methods that ${offloaded.label} calls.`;
    this.problems.push(new NotPortableError(fact, other, [...path, need.label]));
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

function sidesIn(sides: Sides | undefined): readonly Side[] {
  return sides === undefined ? [] : sides.loop ? [loop, ...sides.threads] : sides.threads;
}

function isInThreads(sides: Sides | undefined): boolean {
  return sides !== undefined && sides.threads.length > 0;
}

/** What offloaded methods are called on is made on the event loop, and would have to cross for each call. */
function refuseHere({ label, token }: OffloadedNode, need: Node, path: Path): NotPortableError {
  const name = tokenName(token.of);
  const made = need.kind === 'method' ? `${need.label} makes it` : 'it is';
  const scope = need.kind === 'method' ? `Give ${need.label} scope 'thread', or ask` : 'Ask';
  return new NotPortableError(
    `${label} calls methods of ${name} in a thread, but ${made} on the event loop, and it is not portable.`,
    `${scope} for ${name} itself.`,
    path,
  );
}

function methodOf(node: Node): string {
  return node.kind === 'method' ? String(node.method) : node.label;
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** The class of a node's value, as far as it is known. */
function typeMadeBy(node: Node): AbstractClass | undefined {
  if (node.kind === 'class') return node.target;
  if (node.kind === 'method') return node.makes;
  if (node.kind === 'lazy' || node.kind === 'offloaded') return Function;
  if (node.kind === 'given') return typeof node.token === 'function' ? node.token : undefined;
  if (node.kind === 'input') {
    return typeof node.type === 'function' ? (node.type as AbstractClass) : undefined;
  }
  return undefined;
}
