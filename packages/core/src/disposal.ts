/** Tears down what a scope has made: in reverse order of creation, each once, all attempted. */
import { types } from 'node:util';

import { currentFlow, inFlow, type Flow } from './context.js';
import { GeneratorError, TeardownTimeoutError } from './errors.js';
import { bare } from './own.js';
import type { HeldClass, Owned, Ownership } from './ownership.js';

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
  /** What generators have put that failure in the place of, in the order in which it came. */
  readonly replaced: readonly unknown[];
  /** What the teardowns themselves threw, in the order in which they ran. */
  readonly faults: readonly TeardownFault[];
}

/** Any generator, whose `yield` gives the value of a provider. */
export type ProviderGenerator = Generator | AsyncGenerator;

/** How one thing is torn down. */
export interface Ending {
  /** Who made it, for messages. */
  readonly label: string;
  /** Whether a failure is thrown in, so that what comes out may be another one. */
  readonly isGenerator: boolean;
  /** That in which the thing was made: whoever ends the scope, its end sees the same context. */
  readonly flow: Flow | undefined;
  /** @returns something to await, or not. */
  end(subject: object, failure: Failure | undefined): unknown;
}

/** Subjects, each followed by how it is torn down. */
type Entries = (object | Ending)[];

/** How long one teardown may take where nothing else is said, in milliseconds. */
export const defaultTeardownTimeout = 10_000;

/** What goes on until it is told to stop, and then for a while. */
export interface Work {
  /** Whose it is as long as it goes on. */
  readonly pending: readonly string[];
  whenEnded(listener: { runEnded(): void }): void;
}

/** The most frequent outcome. Bare: in a thread, somebody may have put `then` on `Object.prototype`. */
const nothingWrong: TornDown = bare({
  failure: undefined,
  replaced: Object.freeze([]),
  faults: Object.freeze([]),
});

/** The teardowns of one scope. */
export class Disposal {
  /**
   * What is to be torn down, each followed by how, in the order of creation: two places of an array cost a
   * quarter of an object for each.
   */
  private entries: Entries = [];

  /**
   * @param timeout - how long one teardown may take before it is left behind, in milliseconds.
   * @param owned - what has an owner already, in this scope or another one: a provider that hands
   * such a value on has not made it, and values that users gave are theirs.
   */
  constructor(
    private readonly timeout: number,
    private readonly owned: Owned,
  ) {}

  /**
   * Notes a value that the container has made, if it can be disposed: `Symbol.asyncDispose` is
   * preferred to `Symbol.dispose`.
   * @returns whether it was noted.
   */
  note(label: string, value: unknown): value is object {
    if (!isObject(value)) return false;
    const symbol = teardownOf(value);
    if (symbol === undefined || this.owned.has(value)) return false;
    this.owned.add(value);
    this.entries.push(value, new OwnedEnding(label, symbol, this.owned, currentFlow()));
    return true;
  }

  /**
   * Holds a value that was just constructed, and of which nobody else knows. Outside of any flow only.
   * @param ending - how it is torn down, of a class that is not noted.
   */
  hold(value: object, ending: HeldEnding): void {
    this.entries.push(value, ending);
  }

  /**
   * Notes a value whose teardown has begun already: it is the first to go on.
   * @param outcome - what that has come to so far: throws, or returns something to await, or not.
   */
  noteBegun(label: string, value: object, outcome: () => unknown): void {
    this.entries.push(value, new BegunEnding(label, outcome));
  }

  /** Notes what it holds of a class. */
  noteHeld(held: HeldClass): void {
    this.noteWhere(0, (ending) => ending.held === held);
  }

  /** What was noted or held from a position on; all of it is noted then. */
  since(position: number): readonly object[] {
    this.noteWhere(position, () => true);
    return this.entries.slice(position).filter((_, index) => index % 2 === 0);
  }

  /** Where what comes next will stand. */
  get position(): number {
    return this.entries.length;
  }

  private noteWhere(position: number, isWanted: (ending: HeldEnding) => boolean): void {
    const { entries } = this;
    for (let index = position; index < entries.length; index += 2) {
      const ending = entries[index + 1];
      if (!(ending instanceof HeldEnding) || !isWanted(ending)) continue;
      const { label, symbol, ownership } = ending;
      ownership.note(entries[index] as object);
      entries[index + 1] = new OwnedEnding(label, symbol, ownership, undefined);
    }
  }

  /** Notes a generator that has yielded: what follows the `yield` is its teardown. */
  noteGenerator(label: string, generator: ProviderGenerator): void {
    this.entries.push(generator, new GeneratorEnding(label, currentFlow()));
  }

  /** Tears down those values and generators that were noted here, and forgets them. */
  async unwind(subjects: ReadonlySet<object>, failure: Failure | undefined): Promise<TornDown> {
    const chosen: Entries = [];
    const others: Entries = [];
    for (let index = 0; index < this.entries.length; index += 2) {
      const subject = this.entries[index] as object;
      (subjects.has(subject) ? chosen : others).push(subject, this.entries[index + 1] as Ending);
    }
    if (chosen.length > 0) this.entries = others;
    return this.tearDown(chosen, failure);
  }

  /** Tears down everything. @param failure - what generators shall see at their `yield`. */
  async run(failure?: Failure): Promise<TornDown> {
    return this.end(failure);
  }

  /** As {@link run}, at once as far as nothing is to be awaited. */
  end(failure: Failure | undefined): TornDown | Promise<TornDown> {
    return this.tearDown(undefined, failure);
  }

  /** @param chosen - undefined for everything that is here. */
  private tearDown(
    chosen: Entries | undefined,
    failure: Failure | undefined,
  ): TornDown | Promise<TornDown> {
    const course = new Course(failure);
    const flow = currentFlow();
    for (let left = chosen ?? this.entries; left.length > 0; left = chosen ?? this.entries) {
      const ending = left.pop() as Ending;
      try {
        const pending = endIn(flow, ending, left.pop() as object, course.failure);
        if (isThenable(pending)) return this.goOn(chosen, ending, pending, course);
      } catch (error) {
        course.note(ending, error);
      }
    }
    return course.outcome;
  }

  /** Goes on when there is something to await. */
  private async goOn(
    chosen: Entries | undefined,
    first: Ending,
    pending: unknown,
    course: Course,
  ): Promise<TornDown> {
    let ending = first;
    for (;;) {
      try {
        if (isThenable(pending)) await this.withTimeout(ending.label, pending);
      } catch (error) {
        course.note(ending, error);
      }
      const left = chosen ?? this.entries;
      if (left.length === 0) break;
      ending = left.pop() as Ending;
      pending = undefined;
      try {
        pending = endIn(currentFlow(), ending, left.pop() as object, course.failure);
      } catch (error) {
        course.note(ending, error);
      }
    }
    return course.outcome;
  }

  /**
   * Waits for work that has been told to stop, as long as for a teardown.
   * @returns an error for each that is left behind; what it makes is torn down when it comes.
   */
  async settle(work: readonly Work[]): Promise<readonly TeardownTimeoutError[]> {
    if (work.length === 0) return [];
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), this.timeout);
    });
    const ends = work.map(
      (each) => new Promise<void>((resolve) => each.whenEnded({ runEnded: () => resolve() })),
    );
    const outcome = await Promise.race([Promise.all(ends), late]);
    clearTimeout(timer);
    if (outcome !== 'late') return [];
    const labels = new Set(work.flatMap(({ pending }) => pending));
    return [...labels].map((label) => new TeardownTimeoutError(label, this.timeout, 'work'));
  }

  private async withTimeout(label: string, ending: PromiseLike<unknown>): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new TeardownTimeoutError(label, this.timeout)), this.timeout);
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

/** By what a value is disposed. */
type DisposeSymbol = typeof Symbol.asyncDispose | typeof Symbol.dispose;

export function teardownOf(value: object): DisposeSymbol | undefined {
  const disposable = value as Partial<AsyncDisposable & Disposable>;
  try {
    if (typeof disposable[Symbol.asyncDispose] === 'function') return Symbol.asyncDispose;
    if (typeof disposable[Symbol.dispose] === 'function') return Symbol.dispose;
  } catch {
    // A proxy that throws for what it does not know cannot be disposed.
  }
  return undefined;
}

/** A call of its method as it is then, which somebody may have taken away. */
function dispose(value: object, symbol: DisposeSymbol): unknown {
  const disposable = value as Partial<AsyncDisposable & Disposable>;
  // Each by its own name: a property whose name is a variable takes three times as long.
  return symbol === Symbol.dispose
    ? disposable[Symbol.dispose]?.()
    : disposable[Symbol.asyncDispose]?.();
}

/** @param flow - that of the caller. */
function endIn(
  flow: Flow | undefined,
  ending: Ending,
  subject: object,
  failure: Failure | undefined,
): unknown {
  return ending.flow === flow ? ending.end(subject, failure) : endApart(ending, subject, failure);
}

/** Not in {@link endIn}: a function inside of that would cost each teardown a context. */
function endApart(ending: Ending, subject: object, failure: Failure | undefined): unknown {
  return inFlow(ending.flow, () => ending.end(subject, failure));
}

/** Of a value with a note that it has an owner. */
class OwnedEnding implements Ending {
  readonly isGenerator = false;

  constructor(
    readonly label: string,
    private readonly symbol: DisposeSymbol,
    private readonly owned: Owned,
    readonly flow: Flow | undefined,
  ) {}

  end(value: object): unknown {
    // A pool may hand out the same object again.
    this.owned.delete(value);
    return dispose(value, this.symbol);
  }
}

/** Of the instances of a class that are held without a note; the same for all. */
export class HeldEnding implements Ending {
  readonly isGenerator = false;
  readonly flow = undefined;

  constructor(
    readonly label: string,
    readonly symbol: DisposeSymbol,
    readonly held: HeldClass,
    readonly ownership: Ownership,
  ) {}

  end(value: object): unknown {
    return dispose(value, this.symbol);
  }
}

/** Of a value whose teardown has begun. */
class BegunEnding implements Ending {
  readonly isGenerator = false;
  readonly flow = undefined;

  constructor(
    readonly label: string,
    private readonly outcome: () => unknown,
  ) {}

  end(): unknown {
    return this.outcome();
  }
}

class GeneratorEnding implements Ending {
  readonly isGenerator = true;

  constructor(
    readonly label: string,
    readonly flow: Flow | undefined,
  ) {}

  end(generator: object, failure: Failure | undefined): unknown {
    return resume(this.label, generator as ProviderGenerator, failure);
  }
}

/** What tearing down has come to so far. */
class Course {
  private faults: TeardownFault[] | undefined;
  private replaced: Set<unknown> | undefined;

  constructor(public failure: Failure | undefined) {}

  /** Takes what a teardown has thrown. */
  note({ label, isGenerator }: Ending, error: unknown): void {
    const { failure } = this;
    // A generator that lets the failure pass has nothing to add to it.
    if (failure !== undefined && error === failure.error) return;
    const faults = (this.faults ??= []);
    const fault = { label, error };
    if (failure === undefined || !isGenerator || isOwn(error)) {
      faults.push(fault);
      this.failure ??= { error };
      return;
    }
    const position = faults.findIndex((earlier) => earlier.error === failure.error);
    if (position >= 0) faults[position] = fault;
    (this.replaced ??= new Set()).add(failure.error);
    this.failure = { error };
  }

  get outcome(): TornDown {
    const { failure, faults } = this;
    if (failure === undefined && faults === undefined) return nothingWrong;
    // One that kept the first failure may have put it back.
    this.replaced?.delete(failure?.error);
    return bare({ failure, replaced: [...(this.replaced ?? [])], faults: faults ?? [] });
  }
}

/** Whether a value has an end of its own, as {@link Disposal.note} sees it. */
export function isDisposable(value: unknown): value is object {
  return isObject(value) && teardownOf(value) !== undefined;
}

/** Whether a value has an identity, so that it can have an owner. */
export function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

/** Whether something is to be awaited, as `await` sees it. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  if (typeof value === 'object' ? value === null : typeof value !== 'function') return false;
  return typeof (value as { then?: unknown }).then === 'function';
}

/** One error as it is; several as an `AggregateError`. */
export function throwTeardownErrors(errors: readonly unknown[]): void {
  if (errors.length > 0) throw joinErrors(errors);
}

/** One error as it is; several as an `AggregateError`. */
export function joinErrors(errors: readonly unknown[]): unknown {
  return errors.length === 1 ? errors[0] : new AggregateError(errors, 'Several teardowns failed.');
}
