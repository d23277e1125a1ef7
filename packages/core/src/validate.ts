/** Checks of the graph as a whole: cycles and lifetimes. Each visits every node and edge once. */
import { CycleError, ScopeError, type TurnoError } from './errors.js';
import type { Graph } from './graph.js';
import type { Node } from './node.js';
import { isInstanceOf } from './placement.js';
import type { Scope } from './scope.js';
import { tokenName } from './token.js';

/** The nodes with dependencies first, as far as there is no cycle, and the cycles that there are. */
export interface Order {
  readonly sorted: readonly Node[];
  readonly cycles: readonly CycleError[];
}

/**
 * Sorts nodes topologically, in the order of declaration and parameters; without recursion.
 * @param nodes - those at the end of `graph.nodes`; what they need before is sorted already.
 */
export function sortNodes(nodes: readonly Node[]): Order {
  const sorted: Node[] = [];
  const cycles: CycleError[] = [];
  const state = new Map<Node, 'open' | 'done'>();
  const first = nodes[0]?.index ?? 0;
  /** Nodes of cycles that have been reported: one cycle tells enough of a knot of many. */
  const knotted = new Set<Node>();
  for (const start of nodes) {
    if (state.has(start)) continue;
    // Each frame is a node and how many of its needs have been visited.
    const frames: { readonly node: Node; next: number }[] = [{ node: start, next: 0 }];
    state.set(start, 'open');
    for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
      const need = frame.node.needs[frame.next++];
      if (need === undefined) {
        state.set(frame.node, 'done');
        sorted.push(frame.node);
        frames.pop();
      } else if (need.index < first) {
        // Sorted before, by an earlier call.
        continue;
      } else if (!state.has(need)) {
        state.set(need, 'open');
        frames.push({ node: need, next: 0 });
      } else if (state.get(need) === 'open') {
        const begin = frames.findIndex(({ node }) => node === need);
        const cycle = frames.slice(begin).map(({ node }) => node);
        if (!cycle.some((node) => knotted.has(node))) {
          cycles.push(new CycleError([...cycle, need].map(({ label }) => label)));
        }
        for (const node of cycle) knotted.add(node);
      }
    }
  }
  return { sorted, cycles };
}

const rank: Record<Scope, number> = { singleton: 3, thread: 2, request: 1, call: 0, transient: 4 };

/**
 * Reports each provider that outlives something it depends on, also through transient ones, which
 * live as long as whoever holds them.
 * @param shortest - the shortest-lived thing that each node checked before holds on to; gets those
 * of the nodes that are checked now.
 */
export function checkLifetimes(
  graph: Graph,
  sorted: readonly Node[],
  shortest: Map<Node, Node>,
): TurnoError[] {
  const problems: TurnoError[] = [];
  for (const node of sorted) {
    let held: Node = node;
    for (const need of node.needs) {
      const through = shortest.get(need) ?? need;
      if (node.scope !== 'transient' && outlives(node, through)) {
        problems.push(
          new ScopeError(
            node.label,
            node.scope,
            through.label,
            through.scope,
            [...graph.pathTo(node), ...(need === through ? [] : [need.label]), through.label],
            through.kind === 'given' || through.kind === 'input' || through.kind === 'reading',
            movable(node, need),
          ),
        );
      }
      if (node.scope === 'transient' && rank[through.scope] < rank[held.scope]) held = through;
    }
    shortest.set(node, held);
  }
  for (const node of sorted) problems.push(...checkLazy(graph, node, shortest));
  return problems;
}

/** A parameter of the constructor that methods of the class could take instead. */
function movable(node: Node, need: Node): ConstructorParameters<typeof ScopeError>[6] {
  if (node.kind !== 'class') return undefined;
  const methods = node.consumers.filter((each) => each.kind === 'method');
  const own = methods.filter((each) => isInstanceOf(each, node));
  if (own.length === 0) return undefined;
  const made = need.kind === 'method' && need.makes !== undefined;
  return {
    name: made ? tokenName(need.makes) : need.label,
    to: own.every(({ handler }) => handler) ? 'the handlers' : 'its methods',
  };
}

/** What is resolved on demand is resolved in the scope of who holds the function. */
function checkLazy(
  graph: Graph,
  node: Node,
  shortest: ReadonlyMap<Node, Node>,
): readonly TurnoError[] {
  if (node.kind !== 'lazy' || node.target === undefined) return [];
  const { target } = node;
  const through = shortest.get(target) ?? target;
  return node.consumers
    .filter((consumer) => consumer.scope !== 'transient' && outlives(consumer, through))
    .map((consumer) => {
      const path = [...graph.pathTo(consumer), node.label, through.label];
      return new ScopeError(consumer.label, consumer.scope, through.label, through.scope, path);
    });
}

function outlives(consumer: Node, dependency: Node): boolean {
  // What a singleton's method takes from a thread's value it takes while it is made, in a thread:
  // what it returns is encoded, so nothing of that value is held.
  if (dependency.scope === 'thread') return false;
  return rank[consumer.scope] > rank[dependency.scope];
}
