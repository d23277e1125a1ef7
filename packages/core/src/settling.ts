/** How what somebody makes comes to who has asked for it: by a promise, or by calls. */

/** Is told what has become of a value, once. None of it may throw. */
export interface Receiver {
  resolved(value: unknown): void;
  rejected(error: unknown): void;
  /**
   * Calls `body`, in the asynchronous context of who has asked: where another one has come between, whoever tells is
   * in that of the other one.
   */
  inContext(body: () => void): void;
}

/** Stands in the place of a receiver that has been told. */
export const told: Receiver = {
  resolved: () => undefined,
  rejected: () => undefined,
  inContext: (body) => body(),
};

/** As {@link tell}, for who is in the context of somebody else. */
export function tellApart(outcome: Promise<unknown>, receiver: Receiver): void {
  outcome.then(
    (value) => receiver.inContext(() => receiver.resolved(value)),
    (error: unknown) => receiver.inContext(() => receiver.rejected(error)),
  );
}

/** Has a receiver told of what a promise comes to, in the context that there is now. */
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
