/** The values that one thread keeps: made on first use there, ended when the thread ends in order. */
import { Disposal, type ProviderGenerator, type TeardownFault } from '../disposal.js';

export class ThreadValues {
  readonly #made = new Map<string, unknown>();
  readonly #pending = new Map<string, Promise<unknown>>();
  readonly #disposal: Disposal;

  /** @param teardownTimeout - how long one teardown may take, in milliseconds. */
  constructor(teardownTimeout: number) {
    this.#disposal = new Disposal(teardownTimeout, new WeakSet());
  }

  has(key: string): boolean {
    return this.#made.has(key) || this.#pending.has(key);
  }

  /** The value, or a promise of it while it is being made. */
  get(key: string): unknown {
    return this.#made.has(key) ? this.#made.get(key) : this.#pending.get(key);
  }

  /**
   * Keeps what has been made; a promise, shared by all who ask meanwhile, if it does not fail.
   * @param isPending - whether it is a promise that is to be awaited.
   * @param isYielded - whether a generator has made it, which is its teardown.
   */
  keep(
    key: string,
    label: string,
    made: unknown,
    { isPending, isYielded }: { readonly isPending: boolean; readonly isYielded: boolean },
  ): unknown {
    const settle = (value: unknown): unknown => {
      this.#made.set(key, value);
      if (!isYielded) this.#disposal.note(label, value);
      return value;
    };
    if (!isPending) return settle(made);
    const pending = Promise.resolve(made).then(
      (value) => {
        this.#pending.delete(key);
        return settle(value);
      },
      (error: unknown) => {
        // The next hop tries again.
        this.#pending.delete(key);
        throw error;
      },
    );
    this.#pending.set(key, pending);
    return pending;
  }

  /** What follows the `yield` of a generator runs when the thread ends. */
  keepGenerator(label: string, generator: ProviderGenerator): void {
    this.#disposal.noteGenerator(label, generator);
  }

  /** Tears everything down, in reverse order of creation. @returns what went wrong. */
  async end(): Promise<readonly TeardownFault[]> {
    this.#made.clear();
    const { faults } = await this.#disposal.run();
    return faults;
  }
}
