/** How what somebody makes comes to who has asked for it: by a promise, or by calls. */

/** Is told what has become of a value, once. */
export interface Receiver {
  resolved(value: unknown): void;
  rejected(error: unknown): void;
}

/** Has a receiver told of what a promise comes to. */
export function tell(outcome: Promise<unknown>, receiver: Receiver): void {
  outcome.then(
    (value) => receiver.resolved(value),
    (error: unknown) => receiver.rejected(error),
  );
}

/** A promise, and what settles it. */

export class Settling {
  readonly outcome: Promise<unknown>;
  accept!: (value: unknown) => void;
  reject!: (error: unknown) => void;

  constructor() {
    this.outcome = new Promise((accept, reject) => {
      this.accept = accept;
      this.reject = reject;
    });
  }
}
