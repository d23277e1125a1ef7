/** What a written pass holds: its values tell what is to be torn down, so that it makes no entries of them. */
import { isObject, type Disposal, type HeldEnding } from './disposal.js';
import type { Pass } from './pass.js';

/** A step whose values are held. */
export interface HeldStep {
  /** Its place among all steps of the pass. */
  readonly order: number;
  /** Where its value stands. */
  readonly index: number;
  readonly ending: HeldEnding;
}

/** Of all passes of one plan. */
export class HeldValues {
  /**
   * @param steps - in the order in which they are made.
   * @param tearDown - tears down what a pass holds, the last first, up to what is to be awaited, or whose teardown has
   * somebody come between or throws: `left` of the pass says which it is. Returns what that one has returned.
   */
  constructor(
    private readonly steps: readonly HeldStep[],
    private readonly tearDown: (pass: Pass) => unknown,
  ) {}

  /** How many of them come before a step. */
  before(order: number): number {
    return this.steps.filter((step) => step.order < order).length;
  }

  /** Makes entries of what a pass holds. */
  handOver({ values, left }: Pass, disposal: Disposal): void {
    for (const { index, ending } of this.steps.slice(0, left)) {
      const value = values[index];
      // Not yet there, where somebody comes between.
      if (isObject(value)) disposal.hold(value, ending);
    }
  }

  /**
   * Tears down what a pass holds, as far as all goes well and nothing is to be awaited.
   * @param entries - hands over the rest. @returns where to.
   * @returns whether there is no rest.
   */
  end(pass: Pass, entries: () => Disposal): boolean {
    let outcome: () => unknown;
    try {
      const result = this.tearDown(pass);
      if (pass.holds && !isObject(result)) return true;
      outcome = () => result;
    } catch (error) {
      // None has begun: the stack is full.
      if (this.steps[pass.left] === undefined) throw error;
      outcome = () => {
        throw error;
      };
    }
    const { index, ending } = this.steps[pass.left] as HeldStep;
    entries().noteBegun(ending.label, pass.values[index] as object, outcome);
    return false;
  }
}
