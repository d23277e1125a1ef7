/** Where nodes run, and how often a plan has changed sides before each: the base of hops. */
import { type Node, type OffloadedMethodNode, type OffloadedNode } from './node.js';
import { defaultGroup, isScoped } from './scope.js';

/**
 * A side that code runs on: the event loop, or one of the groups of threads, by its name. Between
 * two groups a value has to cross as between a thread and the loop.
 */
export type Side = string;

/** The side of the event loop; no group of threads has that name. */
export const loop: Side = 'loop';

/** The sides on which a node is made somewhere in the graph. */
export interface Sides {
  readonly loop: boolean;
  /** Groups of threads, each once. */
  readonly threads: readonly Side[];
}

const loopOnly: Sides = { loop: true, threads: [] };

/** Whether `need` is the instance that the method, or the offloaded methods, of `node` are called on. */
export function isInstanceOf(node: Node, need: Node): boolean {
  if (node.needs[0] !== need) return false;
  return isOffloading(node) || (node.kind === 'method' && !node.static);
}

/** Whether a node works with what it needs in a thread, wherever its own value is. */
export function isOffloading(node: Node): node is OffloadedNode | OffloadedMethodNode {
  return node.kind === 'offloaded' || node.kind === 'offloadedMethod';
}

/**
 * Whether a node is made anew for its consumer, where that runs, instead of being shared or sent:
 * lists, parameters that are read there, transient classes, and in threads the singleton instances that methods are called on; for
 * offloaded methods also those of a request or call, which may have another one on the loop.
 */
export function isMadeInPlace(need: Node, consumer: Node): boolean {
  if (need.kind === 'list' || need.kind === 'reading') return true;
  if (need.kind !== 'class') return false;
  if (need.scope === 'transient') return true;
  return (need.scope === 'singleton' || isOffloading(consumer)) && isInstanceOf(consumer, need);
}

/**
 * Notes the sides on which each node is made. A method has one. A class is made where its consumers
 * run: a transient one for each of them; a singleton on the loop, where its value is held; one of
 * a request in threads only if all that needs it runs in one group of them, for it cannot be on two
 * sides; but the instance of offloaded methods is a further one.
 * @param sides - of the nodes that were there before.
 * @param added - what has joined the graph, in topological order.
 * @returns whether a node that was there before has changed its sides.
 */
export function updateSides(sides: Map<Node, Sides>, added: readonly Node[]): boolean {
  // Consumers before what they need.
  for (const node of added.toReversed()) sides.set(node, sidesOfNode(node, sides));
  const affected = new Set<Node>();
  for (const node of added) for (const need of node.needs) affected.add(need);
  for (const node of added) affected.delete(node);
  let moved = false;
  // A set that grows while it is walked: what a moved node needs may move with it.
  for (const node of affected) {
    const before = sides.get(node) ?? loopOnly;
    const now = sidesOfNode(node, sides);
    affected.delete(node);
    if (before.loop === now.loop && isSame(before.threads, now.threads)) continue;
    moved = true;
    sides.set(node, now);
    for (const need of node.needs) affected.add(need);
  }
  return moved;
}

function isSame(a: readonly Side[], b: readonly Side[]): boolean {
  return a.length === b.length && a.every((side) => b.includes(side));
}

/** Sides while they are being collected. */
interface Wanted {
  loop: boolean;
  threads: readonly Side[];
}

function sidesOfNode(node: Node, sides: ReadonlyMap<Node, Sides>): Sides {
  if (node.kind === 'method' || node.scope === 'thread') {
    const side = sideOf(node);
    return side === loop ? loopOnly : { loop: false, threads: [side] };
  }
  if (node.kind !== 'class' && node.kind !== 'list' && node.kind !== 'reading') return loopOnly;
  const asInstance: Wanted = { loop: false, threads: [] };
  const asDependency: Wanted = { loop: false, threads: [] };
  const asOffloaded: Wanted = { loop: false, threads: [] };
  for (const consumer of node.consumers) {
    if (consumer.kind === 'offloaded') {
      join(asOffloaded, { loop: false, threads: [consumer.group] });
      continue;
    }
    const of = sides.get(consumer);
    if (of !== undefined) join(isInstanceOf(consumer, node) ? asInstance : asDependency, of);
  }
  return sidesOfClass(node, asInstance, asDependency, asOffloaded);
}

/** @param asOffloaded - where further instances are made, whose methods async code calls. */
function sidesOfClass(
  { scope }: Node,
  asInstance: Wanted,
  asDependency: Wanted,
  asOffloaded: Wanted,
): Sides {
  const isOnLoop = asInstance.loop || asDependency.loop;
  if (scope === 'singleton') {
    join(asInstance, asOffloaded);
    const { threads } = asInstance;
    const isHeld = isOnLoop || asDependency.threads.length > 0 || threads.length === 0;
    return { loop: isHeld, threads };
  }
  const shared: Wanted = { loop: isOnLoop, threads: asInstance.threads };
  join(shared, asDependency);
  // One of a request can be shared by what runs on one side only.
  const isInThread = !isScoped(scope) || (!isOnLoop && shared.threads.length === 1);
  const all: Wanted = { loop: isOnLoop, threads: isInThread ? shared.threads : [] };
  all.loop ||= !isInThread && shared.threads.length > 0;
  join(all, asOffloaded);
  return { loop: all.loop || all.threads.length === 0, threads: all.threads };
}

function join(wanted: Wanted, sides: Sides): void {
  wanted.loop ||= sides.loop;
  const added = sides.threads.filter((side) => !wanted.threads.includes(side));
  if (added.length > 0) wanted.threads = [...wanted.threads, ...added];
}

/** Where a method runs; what lives once per thread is made in a thread, whatever its keyword. */
export function sideOf(node: Node): Side {
  if (node.scope === 'thread') return defaultGroup;
  if (node.kind === 'offloadedMethod') return node.group;
  return node.kind === 'method' && node.placement === 'thread' ? node.group : loop;
}

/** The level of a node on each side that it is made on. */
export type NodeLevels = Partial<Record<Side, number>>;

/** A side and how many changes of side come before. */
export interface Level {
  readonly side: Side;
  readonly level: number;
}

/**
 * The level of a step: no lower than what it needs, one higher where that is on another side.
 * Connected steps of one group of threads and one level can run in one hop, since no step of
 * another side lies between them.
 */
export function levelOn(side: Side, needs: Iterable<Level>): number {
  let level = side === loop ? 0 : 1;
  for (const need of needs) {
    level = Math.max(level, need.side === side ? need.level : need.level + 1);
  }
  return level;
}
