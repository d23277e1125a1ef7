/** Tears down what a scope has made: in reverse order of creation, each once, all attempted. */
import { types } from 'node:util';

import { currentFlow, inFlow } from './context.js';
import { GeneratorError, TeardownTimeoutError } from './errors.js';
import { bare } from './own.js';

/** An error that is on its way out while things are torn down. */
export interface Failure {
  readonly error: unknown;
}

/** What one teardown threw. */
export interface TeardownFault {
  /** Whose teardown: `Kitchen.grind`. */
  readonly label: string;
  readonly error: unknown;
}

/** What tearing down has come to. */
export interface TornDown {
  /** The failure to go on with: the one that it began with, as generators translated it. */
  readonly failure: Failure | undefined;
  /** What the teardowns themselves threw, in the order in which they ran. */
  readonly faults: readonly TeardownFault[];
}

/** Any generator, whose `yield` gives the value of a provider. */
export type ProviderGenerator = Generator | AsyncGenerator;

/** One thing to tear down. */
export interface Entry {
  /** Who made it, for messages. */
  readonly label: string;
  /** @returns something to await, or not. */
  readonly teardown: (failure: Failure | undefined) => unknown;
  /** Whether a failure is thrown in, so that what comes out may be another one. */
  readonly isGenerator: boolean;
}

/** How long one teardown may take where nothing else is said, in milliseconds. */
export const defaultTeardownTimeout = 10_000;

/** The teardowns of one scope. */
export class Disposal {
  /** In order of creation. */
  private readonly entries = new Set<Entry>();

  /**
   * @param timeout - how long one teardown may take before it is left behind, in milliseconds.
   * @param owned - what has an owner already, in this scope or another one: a provider that hands
   * such a value on has not made it, and values that users gave are theirs.
   */
  constructor(
    private readonly timeout: number,
    private readonly owned: WeakSet<object>,
  ) {}

  /**
   * Notes a value that the container has made, if it can be disposed: `Symbol.asyncDispose` is
   * preferred to `Symbol.dispose`.
   * @returns the entry, if it was noted.
   */
  note(label: string, value: unknown): Entry | undefined {
    if (!isObject(value) || this.owned.has(value)) return undefined;
    const dispose = teardownOf(value);
    if (dispose === undefined) return undefined;
    this.owned.add(value);
    const flow = currentFlow();
    const teardown = (): unknown => {
      // A pool may hand out the same object again.
      this.owned.delete(value);
      return inFlow(flow, dispose);
    };
    const entry: Entry = { label, teardown, isGenerator: false };
    this.entries.add(entry);
    return entry;
  }

  /** Notes a generator that has yielded: what follows the `yield` is its teardown. */
  noteGenerator(label: string, generator: ProviderGenerator): Entry {
    // Whoever ends the scope, what follows the `yield` sees the same context as what precedes it.
    const flow = currentFlow();
    const entry: Entry = {
      label,
      teardown: (failure) => inFlow(flow, () => resume(label, generator, failure)),
      isGenerator: true,
    };
    this.entries.add(entry);
    return entry;
  }

  /** Tears down those of the entries that are in this scope, and forgets them. */
  unwind(entries: ReadonlySet<Entry>, failure: Failure | undefined): Promise<TornDown> {
    return this.tearDown(
      [...this.entries].filter((entry) => entries.has(entry)),
      failure,
    );
  }

  /** Tears down everything. @param failure - what generators shall see at their `yield`. */
  run(failure?: Failure): Promise<TornDown> {
    return this.tearDown([...this.entries], failure);
  }

  private async tearDown(
    entries: readonly Entry[],
    failure: Failure | undefined,
  ): Promise<TornDown> {
    const faults: TeardownFault[] = [];
    let current = failure;
    for (const entry of entries.toReversed()) {
      this.entries.delete(entry);
      try {
        const ending = entry.teardown(current);
        if (isThenable(ending)) await this.withTimeout(entry, ending);
      } catch (error) {
        // A generator that lets the failure pass has nothing to add to it.
        if (error === current?.error) continue;
        const fault = { label: entry.label, error };
        const position = faults.findIndex((earlier) => earlier.error === current?.error);
        const translates = entry.isGenerator && current !== undefined && !isOwn(error);
        if (!translates) faults.push(fault);
        else if (position >= 0) faults[position] = fault;
        if (translates || current === undefined) current = { error };
      }
    }
    // Bare: in a thread, somebody may have put `then` on `Object.prototype`.
    return bare({ failure: current, faults });
  }

  /**
   * Waits for work that has been told to stop, as long as for a teardown.
   * @param work - its end, and whose it is as long as it goes on.
   * @returns an error for each that is left behind; what it makes is torn down when it comes.
   */
  async settle(
    work: readonly { readonly ended: Promise<void>; readonly pending: readonly string[] }[],
  ): Promise<readonly TeardownTimeoutError[]> {
    if (work.length === 0) return [];
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), this.timeout);
    });
    const outcome = await Promise.race([Promise.all(work.map(({ ended }) => ended)), late]);
    clearTimeout(timer);
    if (outcome !== 'late') return [];
    const labels = new Set(work.flatMap(({ pending }) => pending));
    return [...labels].map((label) => new TeardownTimeoutError(label, this.timeout, 'work'));
  }

  private async withTimeout(entry: Entry, ending: PromiseLike<unknown>): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new TeardownTimeoutError(entry.label, this.timeout)),
        this.timeout,
      );
    });
    try {
      await Promise.race([ending, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Faults of the teardown itself, which translate nothing. */
function isOwn(error: unknown): boolean {
  return error instanceof GeneratorError || error instanceof TeardownTimeoutError;
}

/** Lets a generator go on behind its `yield`, where it sees the failure if there is one. */
function resume(
  label: string,
  generator: ProviderGenerator,
  failure: Failure | undefined,
): unknown {
  const result = failure === undefined ? generator.next() : generator.throw(failure.error);
  // Not by a look for `then`, which somebody may have put on `Object.prototype`.
  return types.isPromise(result)
    ? result.then((ended) => refuseSecondYield(label, generator, ended))
    : refuseSecondYield(label, generator, result);
}

function refuseSecondYield(
  label: string,
  generator: ProviderGenerator,
  { done }: IteratorResult<unknown>,
): unknown {
  if (done === true) return undefined;
  const error = new GeneratorError(label, 'yields a second time');
  // Its `finally` blocks still run.
  const returned = generator.return(undefined);
  if (!isThenable(returned)) throw error;
  return returned.then(() => {
    throw error;
  });
}

function teardownOf(value: object): (() => unknown) | undefined {
  const disposable = value as Partial<AsyncDisposable & Disposable>;
  try {
    if (typeof disposable[Symbol.asyncDispose] === 'function') {
      return () => disposable[Symbol.asyncDispose]?.();
    }
    if (typeof disposable[Symbol.dispose] === 'function') {
      return () => disposable[Symbol.dispose]?.();
    }
  } catch {
    // A proxy that throws for what it does not know cannot be disposed.
  }
  return undefined;
}

/** Whether a value has an identity, so that it can have an owner. */
export function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

/** Whether something is to be awaited, as `await` sees it. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as { then?: unknown }).then === 'function'
  );
}

/** One error as it is; several as an `AggregateError`. */
export function throwTeardownErrors(errors: readonly unknown[]): void {
  if (errors.length > 0) throw joinErrors(errors);
}

/** One error as it is; several as an `AggregateError`. */
export function joinErrors(errors: readonly unknown[]): unknown {
  return errors.length === 1 ? errors[0] : new AggregateError(errors, 'Several teardowns failed.');
}
