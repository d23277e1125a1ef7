/** The `AbortSignal` that a hop's step asks for, driven by a cell that the loop can set. */

/** How often a hop that awaits something looks at its cell, in milliseconds. */
const interval = 5;

/**
 * A signal whose `aborted` looks at the cell whenever it is asked, so that it works in the middle
 * of synchronous code; its `abort` event comes when somebody asks, or when the thread's own event
 * loop gets a turn.
 *
 * A timer and not `Atomics.waitAsync`, whose promise does not wake an idle event loop by itself.
 */
export class HopSignal {
  readonly #cell: Int32Array | undefined;
  /** Made when a step asks for the signal: few hops do, and it is not cheap. */
  #controller: AbortController | undefined;
  #aborted = false;
  #timer: NodeJS.Timeout | undefined;

  /** @param cell - set to 1 by the loop; absent where nobody can abort the hop. */
  constructor(cell: Int32Array | undefined) {
    this.#cell = cell;
  }

  get signal(): AbortSignal {
    if (this.#controller !== undefined) return this.#controller.signal;
    const { signal } = (this.#controller = new AbortController());
    if (this.#cell === undefined) return signal;
    // Own properties in front of those of the prototype: the signal stays a real one, for `fetch`.
    Object.defineProperties(signal, {
      aborted: { get: () => this.#look(), configurable: true },
      throwIfAborted: {
        value: () => {
          if (this.#look()) throw signal.reason as unknown;
        },
        configurable: true,
      },
    });
    return signal;
  }

  /** Called when the hop begins to wait for a promise. */
  watch(): void {
    if (this.#cell === undefined || this.#controller === undefined || this.#timer !== undefined)
      return;
    this.#timer = setInterval(() => {
      if (this.#look()) clearInterval(this.#timer);
    }, interval);
  }

  /** Called when the hop has ended. */
  close(): void {
    clearInterval(this.#timer);
  }

  #look(): boolean {
    if (!this.#aborted && this.#cell !== undefined && Atomics.load(this.#cell, 0) !== 0) {
      // Before the event: a listener that asks must not come here again.
      this.#aborted = true;
      this.#controller?.abort();
    }
    return this.#aborted;
  }
}
