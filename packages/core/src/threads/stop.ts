/** Tells a pool to end the thread of one task. */

/**
 * The part of an `AbortSignal` that tinypool uses, with its controller. A real one for each hop
 * would cost more than all else that the loop does for it.
 */
export class Stop {
  #listeners: (() => void)[] = [];

  /** Ends the thread; has no effect once the task has ended. */
  now(): void {
    const listeners = this.#listeners;
    this.#listeners = [];
    for (const listener of listeners) listener();
  }

  addEventListener(_name: 'abort', listener: () => void): void {
    this.#listeners.push(listener);
  }

  removeEventListener(_name: 'abort', listener: () => void): void {
    this.#listeners = this.#listeners.filter((other) => other !== listener);
  }
}
