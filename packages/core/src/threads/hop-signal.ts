/** The `AbortSignal` that a hop's step asks for, driven by a cell that the loop can set. */
/// <reference lib="es2024.sharedmemory" />
import { bare } from '../own.js';

/**
 * A signal whose `aborted` looks at the cell whenever it is asked, so that it works in the middle
 * of synchronous code; its `abort` event comes when somebody asks, or when the thread's own event
 * loop gets a turn.
 */
export class HopSignal {
  readonly #cell: Int32Array | undefined;
  /** Made when a step asks for the signal: few hops do, and it is not cheap. */
  #controller: AbortController | undefined;
  #aborted = false;
  #isWatching = false;

  /** @param cell - set to 1 by the loop; absent where nobody can abort the hop. */
  constructor(cell: Int32Array | undefined) {
    this.#cell = cell;
  }

  get signal(): AbortSignal {
    if (this.#controller !== undefined) return this.#controller.signal;
    const { signal } = (this.#controller = new AbortController());
    if (this.#cell === undefined) {
      if (this.#aborted) this.#controller.abort();
      return signal;
    }
    // Own properties in front of those of the prototype: the signal stays a real one, for `fetch`.
    Object.defineProperties(signal, {
      aborted: bare({ get: () => this.#look(), configurable: true }),
      throwIfAborted: bare({
        value: () => {
          if (this.#look()) throw signal.reason as unknown;
        },
        configurable: true,
      }),
    });
    return signal;
  }

  /** Tells who has asked for the signal, where no cell does. */
  abort(): void {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#controller?.abort();
  }

  /** Called when the hop begins to wait for a promise: from now on the event can come by itself. */
  watch(): void {
    if (this.#cell === undefined || this.#controller === undefined || this.#isWatching) return;
    this.#isWatching = true;
    const waiting = Atomics.waitAsync(this.#cell, 0, 0);
    if (!waiting.async) this.#look();
    else void waiting.value.then(() => this.#isWatching && this.#look());
  }

  /** Called when the hop has ended. */
  close(): void {
    if (!this.#isWatching || this.#cell === undefined) return;
    this.#isWatching = false;
    // Nobody else waits here; without this the promise, and what hangs on it, would stay for ever.
    Atomics.notify(this.#cell, 0);
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
