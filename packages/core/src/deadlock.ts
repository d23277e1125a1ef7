/** Finds out whether resolving on demand would wait for somebody who waits for it. */
import type { Cell } from './cell.js';
import { CycleError } from './errors.js';
import type { Node } from './node.js';

/** Who waits for what on demand, among the values that one scope keeps. */
export class Waits {
  private readonly targets = new Map<Node, Node[]>();

  of(maker: Node): readonly Node[] {
    return this.targets.get(maker) ?? [];
  }

  /** Notes that `maker` waits for `target`. @returns the function that takes the note back. */
  add(maker: Node, target: Node): () => void {
    const targets = this.targets.get(maker) ?? [];
    targets.push(target);
    this.targets.set(maker, targets);
    return () => {
      targets.splice(targets.indexOf(target), 1);
      if (targets.length === 0) this.targets.delete(maker);
    };
  }
}

/** How to look at the values of a scope and its container. */
export interface Surroundings {
  /** The cell of a kept value, if somebody has asked for it. */
  cellOf(node: Node): Cell | undefined;
  /** The waits among the values that are kept where `node` is. */
  waitsOf(node: Node): Waits;
}

/** A kept value that waits for what is made on demand, as long as that is being made. */
export interface Asker {
  readonly node: Node;
  isOver: boolean;
}

/** Whether a value is being made just now. */
function isBeingMade(node: Node, around: Surroundings): boolean {
  const cell = around.cellOf(node);
  return cell !== undefined && cell.outcome === undefined;
}

/**
 * @param maker - what is being made and asks for `target` on demand.
 * @throws CycleError if the target, or something that is still to be made for it, waits for the
 * maker: as a dependency, or on demand.
 */
function refuseDeadlock(maker: Node, target: Node, around: Surroundings): void {
  const cameFrom = new Map<Node, Node | undefined>([[target, undefined]]);
  // A map that grows while it is walked, instead of recursion.
  for (const [at] of cameFrom) {
    if (at === maker) {
      const path: string[] = [];
      for (let step: Node | undefined = at; step !== undefined; step = cameFrom.get(step)) {
        path.unshift(step.label);
      }
      throw new CycleError([maker.label, ...path], 'lazy');
    }
    // What is made already waits for nothing.
    if (around.cellOf(at)?.outcome !== undefined) continue;
    for (const need of [...at.needs, ...around.waitsOf(at).of(at)]) {
      if (!cameFrom.has(need)) cameFrom.set(need, at);
    }
  }
}

/**
 * The function that a lazy injection gets.
 * @param made - the kept value that is made with the function; undefined where nobody can wait
 * for what is made with it, such as a handler.
 * @param asker - who waits for what is made with it, if that is not kept.
 * @param resolve - is told who waits for what it resolves, if that is known.
 */
export function lazily(
  made: Node | undefined,
  asker: Asker | undefined,
  target: Node,
  around: Surroundings,
  resolve: (target: Node, asker: Node | undefined) => Promise<unknown>,
): () => Promise<unknown> {
  return async () => {
    const maker = made ?? (asker?.isOver === false ? asker.node : undefined);
    if (maker === undefined || !isBeingMade(maker, around)) {
      return resolve(target, undefined);
    }
    refuseDeadlock(maker, target, around);
    const done = around.waitsOf(maker).add(maker, target);
    return resolve(target, maker).finally(done);
  };
}
