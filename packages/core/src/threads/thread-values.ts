/** The values that one thread keeps: made on first use there, for as long as the thread lives. */

export class ThreadValues {
  readonly #made = new Map<string, unknown>();
  readonly #pending = new Map<string, Promise<unknown>>();

  has(key: string): boolean {
    return this.#made.has(key) || this.#pending.has(key);
  }

  /** The value, or a promise of it while it is being made. */
  get(key: string): unknown {
    return this.#made.has(key) ? this.#made.get(key) : this.#pending.get(key);
  }

  /** Keeps what has been made; a promise, shared by all who ask meanwhile, if it does not fail. */
  keep(key: string, made: unknown, isPending: boolean): unknown {
    if (!isPending) {
      this.#made.set(key, made);
      return made;
    }
    const pending = Promise.resolve(made).then(
      (value) => {
        this.#pending.delete(key);
        this.#made.set(key, value);
        return value;
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
}
