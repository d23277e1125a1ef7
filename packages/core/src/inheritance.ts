/** Finds the singletons that a graph with overrides shares with the one that it was made from. */
import type { ClassNode, MethodNode, Node } from './node.js';

/**
 * Nodes of a graph that are made as in the graph it was made from, down to the last dependency,
 * each with its counterpart there.
 * @param sorted - the nodes of the new graph in topological order.
 * @param base - the nodes of the other one.
 */
export function counterparts(
  sorted: readonly Node[],
  base: readonly Node[],
): ReadonlyMap<Node, Node> {
  const byKey = new Map<unknown, Map<string, Node>>();
  for (const node of base) {
    if (!isMade(node)) continue;
    const ofClass = byKey.get(node.target) ?? new Map<string, Node>();
    byKey.set(node.target, ofClass.set(keyOf(node), node));
  }
  const found = new Map<Node, Node>();
  for (const node of sorted) {
    const other = isMade(node) ? byKey.get(node.target)?.get(keyOf(node)) : undefined;
    if (other !== undefined && haveSameNeeds(node, other, found)) found.set(node, other);
  }
  return found;
}

function isMade(node: Node): node is ClassNode | MethodNode {
  return node.kind === 'class' || node.kind === 'method';
}

/** Which of a class's nodes it is. */
function keyOf(node: ClassNode | MethodNode): string {
  if (node.kind === 'class') return '';
  return `${node.static ? '.' : '#'}${String(node.method)}`;
}

function haveSameNeeds(node: Node, other: Node, found: ReadonlyMap<Node, Node>): boolean {
  return (
    node.needs.length === other.needs.length &&
    node.needs.every((need, index) => isSame(need, other.needs[index], found))
  );
}

function isSame(need: Node, other: Node | undefined, found: ReadonlyMap<Node, Node>): boolean {
  if (other?.kind !== need.kind) return false;
  if (isMade(need)) return found.get(need) === other;
  if (need.kind === 'value') return other.kind === 'value' && Object.is(need.value, other.value);
  if (need.kind === 'offloaded') {
    const isSameToken = other.kind === 'offloaded' && other.token === need.token;
    return isSameToken && haveSameNeeds(need, other, found);
  }
  if (need.kind === 'list' || need.kind === 'reading') return haveSameNeeds(need, other, found);
  // What is resolved on demand may lead anywhere.
  return need.kind !== 'lazy';
}
