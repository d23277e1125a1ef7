/** A promise of what somebody makes, and what settles it. */

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
