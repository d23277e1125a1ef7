/** Where nodes run, and how often a plan has changed sides before each: the base of hops. */
import type { Node } from './node.js';
import { isScoped, type Placement } from './scope.js';

/** The sides on which a node is made somewhere in the graph. */
export interface Sides {
  loop: boolean;
  thread: boolean;
}

/** Whether `need` is the instance that the method, or the offloaded methods, of `node` are called on. */
export function isInstanceOf(node: Node, need: Node): boolean {
  if (node.needs[0] !== need) return false;
  return isOffloading(node) || (node.kind === 'method' && !node.static);
}

/** Whether a node works with what it needs in a thread, wherever its own value is. */
export function isOffloading(node: Node): boolean {
  return node.kind === 'offloaded' || node.kind === 'offloadedMethod';
}

/**
 * Whether a node is made anew for its consumer, where that runs, instead of being shared or sent:
 * lists, transient classes, and in threads the singleton instances that methods are called on; for
 * offloaded methods also those of a request or call, which may have another one on the loop.
 */
export function isMadeInPlace(need: Node, consumer: Node): boolean {
  if (need.kind === 'list') return true;
  if (need.kind !== 'class') return false;
  if (need.scope === 'transient') return true;
  return (need.scope === 'singleton' || isOffloading(consumer)) && isInstanceOf(consumer, need);
}

/**
 * Notes the sides on which each node is made. A method has one. A class is made where its consumers
 * run: a transient one for each of them; a singleton on the loop, where its value is held; one of
 * a request in a thread only if nothing on the loop needs it, for it cannot be on both sides; but
 * the instance of offloaded methods is a further one.
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
    const before = sides.get(node);
    const now = sidesOfNode(node, sides);
    affected.delete(node);
    if (before?.loop === now.loop && before.thread === now.thread) continue;
    moved = true;
    sides.set(node, now);
    for (const need of node.needs) affected.add(need);
  }
  return moved;
}

function sidesOfNode(node: Node, sides: ReadonlyMap<Node, Sides>): Sides {
  if (node.kind === 'method' || node.scope === 'thread') {
    const inThread = placementOf(node) === 'thread';
    return { loop: !inThread, thread: inThread };
  }
  if (node.kind !== 'class' && node.kind !== 'list') return { loop: true, thread: false };
  const asInstance: Sides = { loop: false, thread: false };
  const asDependency: Sides = { loop: false, thread: false };
  let isOffloaded = false;
  for (const consumer of node.consumers) {
    if (consumer.kind === 'offloaded') {
      isOffloaded = true;
      continue;
    }
    const wanted = isInstanceOf(consumer, node) ? asInstance : asDependency;
    const of = sides.get(consumer);
    wanted.loop ||= of?.loop ?? false;
    wanted.thread ||= of?.thread ?? false;
  }
  const loop = asInstance.loop || asDependency.loop;
  const shared = asInstance.thread || asDependency.thread;
  const thread = shared || isOffloaded;
  if (node.scope === 'transient') return { loop: loop || !thread, thread };
  if (isScoped(node.scope)) {
    return { loop: loop || !thread, thread: (shared && !loop) || isOffloaded };
  }
  const inThread = asInstance.thread || isOffloaded;
  return { loop: loop || asDependency.thread || !inThread, thread: inThread };
}

/** Where a method runs; what lives once per thread is made in a thread, whatever its keyword. */
export function placementOf(node: Node): Placement {
  if (node.scope === 'thread' || node.kind === 'offloadedMethod') return 'thread';
  return node.kind === 'method' ? node.placement : 'loop';
}

/** The level of a node on each side that it is made on. */
export type NodeLevels = Partial<Record<Placement, number>>;

/** A side and how many changes of side come before: even on the loop, odd in threads. */
export interface Level {
  readonly side: Placement;
  readonly level: number;
}

/**
 * The level of a step: no lower than what it needs, one higher where that is on the other side.
 * Connected thread steps of one level can run in one hop, since no loop step lies between them.
 */
export function levelOn(side: Placement, needs: Iterable<Level>): number {
  let level = side === 'loop' ? 0 : 1;
  for (const need of needs) {
    level = Math.max(level, need.side === side ? need.level : need.level + 1);
  }
  return level;
}
