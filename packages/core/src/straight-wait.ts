/** What a straight pass waits for: promises, one after the other, with nothing to be done meanwhile. */
import type { Flight } from './flight.js';

/** Who waits. */
export interface Waiter {
  /** What a step has returned is there. @param order - of the step. */
  arrived(order: number, value: unknown): void;
  /** Likewise, but it has come to nothing. */
  crashed(order: number, error: unknown): void;
}

export class StraightWait {
  /** Of the step that is waited for; undefined while none is. */
  order: number | undefined;
  /** Of that step, in the run that has come between. */
  flight: Flight | undefined;
  // The same two for all that is waited for.
  private readonly arrived: (value: unknown) => void;
  private readonly crashed: (error: unknown) => void;

  constructor(waiter: Waiter) {
    this.arrived = (value) => waiter.arrived(this.end(), value);
    this.crashed = (error) => waiter.crashed(this.end(), error);
  }

  /** @throws what a promise throws that is not like others. */
  begin(order: number, pending: PromiseLike<unknown>): void {
    this.order = order;
    try {
      Promise.resolve(pending).then(this.arrived, this.crashed);
    } catch (error) {
      this.order = undefined;
      throw error;
    }
  }

  private end(): number {
    const order = this.order as number;
    this.order = undefined;
    return order;
  }
}
