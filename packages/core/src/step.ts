/** The step: the unit that plans are made of. */
import type { Node } from './node.js';
import type { Side } from './placement.js';
import type { Scope } from './scope.js';
import type { Looked } from './teardown-look.js';

/** One value of a plan and how it comes about. */
export interface Step extends Looked {
  /** Position in `plan.steps`; needs come before. */
  readonly index: number;
  readonly node: Node;
  readonly side: Side;
  /**
   * `make`: constructed or called; `load`: kept by the container or the scope already (or being
   * made there); `phase`: makes nothing, here the inputs are read that come after it; `given`, `value`,
   * `input` (where there is no phase before it), `signal`, `lazy`, `offloaded`: known before the first
   * step runs.
   */
  readonly kind:
    'make' | 'load' | 'phase' | 'given' | 'value' | 'input' | 'signal' | 'lazy' | 'offloaded';
  /** Steps whose values are its arguments; for an instance's method the instance comes first. */
  readonly needs: readonly number[];
  /** Steps that must have ended before it starts, whose values it does not get. */
  readonly after: readonly number[];
  /** Changes of side up to here; see placement.ts. */
  level: number;
  /**
   * Of what a thread makes for itself: `consumer`, made in the hop of its one consumer; `thread`,
   * kept by the thread, so that each hop that needs it has it, with what is
   * made for it alone. Undefined for all else.
   */
  readonly bound: 'consumer' | 'thread' | undefined;
  /** The scope that disposes its value: its own, or that of the consumer of a transient one. */
  readonly owner: Scope;
  /** Makes its value from those of its plan; undefined as long as that pays not, see make.ts. */
  code: ((values: readonly unknown[]) => unknown) | undefined;
  /** How often it was made before there was one. */
  calls: number;
}
