/** Tears down what a scope has made: in reverse order of creation, each once, all attempted. */

/** Undoes one value; may be asynchronous. */
type Teardown = () => unknown;

/** The teardowns of one scope. */
export class Disposal {
  /** By value, so that each is torn down once; a map keeps the order of creation. */
  private readonly teardowns = new Map<unknown, Teardown>();

  /**
   * Notes a value that the container has made, if it can be disposed: `Symbol.asyncDispose` is
   * preferred to `Symbol.dispose`.
   * @param sources - what it was made from: a provider that hands on one of them made nothing.
   * @returns whether it was noted.
   */
  note(value: unknown, sources: readonly unknown[]): boolean {
    const teardown = teardownOf(value);
    if (teardown === undefined || this.teardowns.has(value) || sources.includes(value))
      return false;
    this.teardowns.set(value, teardown);
    return true;
  }

  /**
   * Tears down some of the values and forgets them.
   * @returns what the teardowns threw, in the order in which they ran.
   */
  async unwind(values: ReadonlySet<unknown>): Promise<unknown[]> {
    const mine = [...this.teardowns].filter(([value]) => values.has(value));
    for (const [value] of mine) this.teardowns.delete(value);
    return tearDown(mine.map(([, teardown]) => teardown));
  }

  /** Tears down everything; returns as {@link unwind} does. */
  async run(): Promise<unknown[]> {
    const all = [...this.teardowns.values()];
    this.teardowns.clear();
    return tearDown(all);
  }
}

async function tearDown(teardowns: readonly Teardown[]): Promise<unknown[]> {
  const errors: unknown[] = [];
  for (const teardown of teardowns.toReversed()) {
    try {
      await teardown();
    } catch (error) {
      errors.push(error);
    }
  }
  return errors;
}

function teardownOf(value: unknown): Teardown | undefined {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null)
    return undefined;
  const disposable = value as Partial<AsyncDisposable & Disposable>;
  if (typeof disposable[Symbol.asyncDispose] === 'function') {
    return () => disposable[Symbol.asyncDispose]?.();
  }
  if (typeof disposable[Symbol.dispose] === 'function') {
    return () => disposable[Symbol.dispose]?.();
  }
  return undefined;
}

/** One error as it is; several as an `AggregateError`. */
export function throwTeardownErrors(errors: readonly unknown[]): void {
  if (errors.length === 1) throw errors[0];
  if (errors.length > 1) throw new AggregateError(errors, 'Several teardowns failed.');
}
