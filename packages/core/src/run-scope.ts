/** What runs and passes need of the scope that they work in, and what that knows of them. */
import type { Cell } from './cell.js';
import type { Asker } from './deadlock.js';
import type { Disposal } from './disposal.js';
import type { GivenNode, Node, OffloadedNode } from './node.js';
import type { Plan } from './plan.js';
import type { Scope } from './scope.js';
import type { Splitter } from './splitter.js';
import type { Step } from './step.js';
import type { Executor } from './threads/executor.js';

export interface RunScope {
  /** What disposes the values of this run, inner scopes first. */
  readonly disposals: readonly Disposal[];
  /** What disposes values that live as long as a scope. */
  disposalOf(owner: Scope): Disposal;
  readonly executor: Executor;
  readonly splitter: Splitter;
  /**
   * A value that was given to the scope.
   * @throws ScopeValueError where it was not, unless the node is optional.
   * @param plan - what wants it, for messages.
   * @param owner - the scope of what is made with it.
   */
  given(node: GivenNode, plan: Plan, owner: Scope): unknown;
  /** The cell of a value that the scope or its container keeps (or is making). */
  kept(node: Node): Cell;
  /** Makes a cell for a value that this run is going to make. */
  claim(step: Step): Cell;
  /**
   * Remembers who makes the first values that the scope keeps: cells cost, and most scopes are asked once.
   * @returns false if the maker has to claim them at once.
   */
  keep(maker: Maker, plan: Plan): boolean;
  /** Forgets such a maker, which has published nothing. */
  forget(maker: Maker): void;
  /**
   * Forgets the cell of a value that was not made, or was torn down.
   * @param failed - making it has failed, so that trying again at once would fail as well.
   */
  drop(node: Node, cell: Cell, failed: boolean): void;
  /**
   * The function that resolves a node on demand.
   * @param maker - the kept value that is made with the function, if there is one.
   * @param asker - who waits for what is made with it, if that is known.
   */
  lazy(target: Node, maker: Node | undefined, asker: Asker | undefined): () => Promise<unknown>;
  /**
   * The object that a step makes, whose methods run in threads.
   * @param run - what the object is made in.
   */
  offload(step: Step, node: OffloadedNode, run: RunLink): object;
  /** Makes a kept value that its first maker has given up. */
  remake(node: Node): Promise<unknown>;
}

/** What makes values that a scope keeps, without a word to anybody until somebody else asks. */
export interface Maker {
  /** Claims cells for all that it makes, or has made. */
  publish(): void;
}

/** What outlives a run of it. */
export interface RunLink {
  /** Aborted when the run gives up or fails; undefined once it has ended. */
  signal: () => AbortSignal | undefined;
  /** Aborted when nobody waits for the run any more; likewise. */
  gone: () => AbortSignal | undefined;
}

/** What a run waits for between what is made before its root and the parameters that come after that. */
export type Between = () => PromiseLike<unknown> | undefined;
