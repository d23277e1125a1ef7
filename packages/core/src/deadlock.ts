/** Finds out whether resolving on demand would wait for somebody who waits for it. */
import type { Cell } from './cell.js';
import { CycleError } from './errors.js';
import type { LazyNode, Node } from './node.js';

/**
 * @param node - the function that was called.
 * @param cellOf - the cell of a kept value in the scope, if there is one.
 * @throws CycleError if what it resolves depends on something that is being made just now and that
 * holds the function: its maker would wait for itself.
 */
export function refuseDeadlock(node: LazyNode, cellOf: (node: Node) => Cell | undefined): void {
  const isBeingMade = (each: Node): boolean => {
    const cell = cellOf(each);
    return cell !== undefined && cell.outcome === undefined;
  };
  const pending = new Set(node.consumers.filter(isBeingMade));
  if (pending.size === 0 || node.target === undefined) return;
  const cameFrom = new Map<Node, Node | undefined>([[node.target, undefined]]);
  for (const [at] of cameFrom) {
    if (pending.has(at)) {
      const path: string[] = [];
      for (let step: Node | undefined = at; step !== undefined; step = cameFrom.get(step)) {
        path.unshift(step.label);
      }
      throw new CycleError([at.label, node.label, ...path]);
    }
    // What is made already waits for nothing.
    if (cellOf(at)?.outcome !== undefined) continue;
    for (const need of at.needs) if (!cameFrom.has(need)) cameFrom.set(need, at);
  }
}
