/** What the container asks of whatever runs its hops: the boundary between loop and thread. */
import type { Abortable } from '../stop-signal.js';
import type { Timing, TimeSummary } from '../timing.js';

/**
 * Where an argument comes from: `n >= 0` is input `n` of the hop, `n < 0` is the value of its step
 * `~n`.
 */
export type Operand = number;

/** One step of a hop, in a form that can be sent: names of records, never functions. */
export interface HopStep {
  /** As messages show it: `Kitchen.grind`. */
  readonly label: string;
  /**
   * `construct`: `new` on the class; `call`: its method (on `self`, or static without);
   * `list`: its arguments as an array; `signal`: the `AbortSignal` of the hop; `read`: a parameter of
   * its method, from its one argument.
   */
  readonly operation: 'construct' | 'call' | 'list' | 'signal' | 'read';
  /**
   * Id of the class record; empty for `list` and `signal`, and for a method of whatever `self` is.
   */
  readonly classId: string;
  /** Name of the method, for `call` and `read`. */
  readonly method?: string;
  /** For `read`: index of the parameter, whose method it is, and whether that is static. */
  readonly parameter?: { readonly index: number; readonly owner: string; readonly static: boolean };
  /** A handler with something to do after it: `finish` of its record. */
  readonly finish?: true;
  /** The instance that the method is called on; absent for a static method. */
  readonly self?: Operand;
  readonly arguments: readonly Operand[];
  /** That input of the hop is a list of further arguments, which come before `arguments`. */
  readonly rest?: number;
  /**
   * What else to do where a value cannot cross: the rest of a sentence that begins with "Or". Left
   * out where the step may be made async.
   */
  readonly instead?: string;
  /** The method is a generator: its `yield` gives the value, the rest runs at the end of the hop. */
  readonly generator?: true;
  /** Set for a value that is made once per thread: the key under which the thread keeps it. */
  readonly perThread?: string;
  /** How long it may run, in milliseconds. */
  readonly deadline?: number;
}

/** What a worker must know to run a hop; plain data, the same for each run. */
export interface HopDefinition {
  /** Unique in this process. */
  readonly id: number;
  /** The group of threads that runs it. */
  readonly group: string;
  /** In topological order. */
  readonly steps: readonly HopStep[];
  /** Indices of the steps whose values go back to the loop. */
  readonly outputs: readonly number[];
  /**
   * Indices of further steps whose values go back where they can cross; one that cannot is no
   * failure and comes back as {@link stayed}.
   */
  readonly extras: readonly number[];
  /** Indices of the inputs that go back with what was written to them, after outputs and extras. */
  readonly returned?: readonly number[];
  /** It goes on with what another hop has begun: it is not refused where the queue is full. */
  readonly continues?: true;
  /** As messages show each input: `Reports.pdf's parameter "order"`. */
  readonly inputs: readonly HopInput[];
  /**
   * Set where one step takes arguments that a run gives it, as a list behind `inputs`: the label of
   * that step.
   */
  readonly rest?: string;
  /** Those of its classes that threads have not been told of at their start. */
  readonly late?: readonly NeededClass[];
}

/**
 * What is known of the input that a path leads into.
 * @returns also how much of the path leads to it.
 */
export function inputAt(
  { inputs, rest }: HopDefinition,
  [index, position]: readonly unknown[],
): [input: HopInput | undefined, depth: number] {
  if (rest === undefined || index !== inputs.length) return [inputs[index as number], 1];
  return [{ consumer: rest, parameter: `parameter ${(position as number) + 1}` }, 2];
}

/** What else to do where a value cannot cross to a step, or from it. */
export function insteadOf(step: HopStep | undefined, label: string): string {
  return step?.instead ?? `make ${label} async, so that it runs on the event loop`;
}

/** One value that enters a hop. */
export interface HopInput {
  /** What receives it: `Reports.pdf`. */
  readonly consumer: string;
  /** Which parameter, for messages: `parameter 1 (Database)`. */
  readonly parameter: string;
}

/** Stands for the value of an extra output that could not leave its thread. */
export const stayed: unique symbol = Symbol('stayed in its thread');

/** What every worker has to find at start. */
export interface Manifest {
  /** URLs of the modules to import, in this order. A failing one is a start-up error. */
  readonly modules: readonly string[];
  /**
   * URLs of modules that only declare `@Portable` classes: a failing one is no error before a
   * value of one of its classes arrives in the thread.
   */
  readonly portableModules: readonly string[];
  /** Groups of threads that are known to run something; further ones start when they first do. */
  readonly groups: readonly string[];
  /** The class records that steps name, each with the methods that steps call. */
  readonly needs: readonly NeededClass[];
}

/** A class that hops use. */
export interface NeededClass {
  readonly classId: string;
  /** URL of the module that declares it; undefined where no call site was found. */
  readonly module: string | undefined;
  /** As messages show them: `Kitchen.grind`. */
  readonly labels: readonly string[];
  /** Set where it is no class of the user's: the call that stands for it, `provide(Patties)`. */
  readonly call?: string;
  readonly methods: readonly {
    readonly name: string;
    readonly static: boolean;
    /** It is called from async code, which decides nothing about the method itself. */
    readonly offloaded?: true;
  }[];
  /** How many classes of that name its module has declared on the loop's side. */
  readonly twins: number;
  /** Whether several of them are made at one place, by a function that is called repeatedly. */
  readonly ambiguous: boolean;
}

/** Why one needed class cannot be reached in a thread. */
export interface Unreachable {
  readonly need: NeededClass;
  /** A sentence without its full stop: `its module could not be imported: …`. */
  readonly reason: string;
  /** What to do about it, likewise; left out where it stands at a place that threads do not pass. */
  readonly remedy?: string;
  /** Set where the thread lacks a loader for its module; it takes the place of a remedy. */
  readonly needsLoader?: true;
  /** What the import of its module has thrown. */
  readonly cause?: unknown;
}

/** Figures of one group of threads since its start. Times in milliseconds. */
export interface GroupFigures {
  /** How many threads the group is to have. */
  readonly size: number;
  /** Threads alive. */
  readonly threads: number;
  /** Hops running. */
  readonly busy: number;
  /** Hops waiting for a thread. */
  readonly queued: number;
  /** Total time that hops waited for a thread. */
  readonly waited: number;
  /** Total time that hops ran, as the loop saw it. */
  readonly ran: number;
  /** Hops that have ended. */
  readonly hops: number;
  /** Threads that died or were ended, and were replaced. */
  readonly replaced: number;
  /** Threads that were told to end and have not: they are in native code, which nothing interrupts. */
  readonly stuck: number;
  /**
   * What a trip to a thread costs beside the time that its steps, and the ends of what they made, take.
   * Measured, as all summaries, in the first 32 runs of each hop and then in every 16th, and in all
   * while tracing or the channel `turno.hop` has subscribers.
   */
  readonly overhead: TimeSummary;
}

/** Figures of all threads of a container, of each group, and of each provider that runs in threads. */
export interface ThreadFigures extends Omit<GroupFigures, 'overhead'> {
  readonly groups: Readonly<Record<string, GroupFigures>>;
  /**
   * By the label of the provider (`Kitchen.grind`), each that some hop was for; of several with one
   * label, the second is `Kitchen.grind (2)`. Read when it is first asked for.
   */
  readonly providers: Readonly<Record<string, ProviderFigures>>;
}

/** Figures of one provider, of what it did in threads. A hop counts for each of its providers. */
export interface ProviderFigures {
  /** Hops with it that have left for a thread and have ended. */
  readonly hops: number;
  /**
   * How often it ran. Fewer than hops where a step before it has failed, or where threads keep its
   * value; more where one hop makes several values by it.
   */
  readonly runs: number;
  /** Hops that failed because of it: what it threw, or a result that could not cross. */
  readonly failed: number;
  /** Hops with it that never left: no room in the queue, a value that could not cross, an abort. */
  readonly refused: number;
  /**
   * Threads that ended while they had a hop with it: by themselves, for its deadline, or because it
   * was aborted. Which step of a hop it was nobody knows, so that it counts for each.
   */
  readonly replaced: number;
  /** How long its hops waited for a thread. */
  readonly waited: TimeSummary;
  /**
   * How long it ran, measured in the thread, awaiting included: its own part of the hop. Of a
   * generator up to its `yield`.
   */
  readonly ran: TimeSummary;
  /**
   * About how many bytes went to threads in all its hops. An estimate: only the first run of a hop
   * and then every 256th is measured. Undefined where none could be.
   */
  readonly bytesIn: number | undefined;
  /** About how many bytes came back as values of all its hops; likewise. */
  readonly bytesOut: number | undefined;
}

/** What an executor has measured, for who plans with it. */
export interface Measured {
  /**
   * How long a provider ran in threads.
   * @param key - of the provider; see `providerKey`.
   * @returns undefined where it has not run.
   */
  runTimes(key: string): Timing | undefined;
  /** What trips to the threads of a group cost beside the time that their steps run. */
  overhead(group?: string): Timing;
}

/** A hop failed: which of its steps, and with what. Never seen by users: the run unwraps it. */
export class HopFailure {
  constructor(
    /** Index into `HopDefinition.steps`; -1 when no step is to blame (a dead thread). */
    readonly step: number,
    /** The error as the caller shall see it. */
    readonly error: unknown,
    /** What else has failed, which nobody sees for that. */
    readonly hidden: readonly unknown[] = [],
  ) {}
}

/** Hears of one run of a hop: for tracing. */
export interface HopWatch {
  /**
   * A thread is given the hop. Not called for a hop that fails before.
   * @param thread - its id, or the pid of a process.
   */
  started(thread: number): void;
  /**
   * The hop has ended, well or with the error of a step; not called when its thread has died.
   * @param ran - how long each step ran, in milliseconds, up to the last that did.
   */
  returned(thread: number, ran: readonly number[]): void;
  /**
   * Indices of steps of which the thread shall say whether their values could cross, and nothing that
   * they hold would have to be disposed there.
   */
  readonly probe?: readonly number[] | undefined;
  probed?(crosses: boolean): void;
}

/** Who waits for a hop, also when it has been told to stop. */
export interface HopCaller {
  /**
   * Aborted when it waits no more: only then is the thread of a hop ended that goes on although its
   * signal is aborted. Asked for when that is.
   */
  readonly gone: Abortable;
  /**
   * Gets the values of a hop that has come back all the same although it fails, or has failed already,
   * for a deadline or an abort: nobody else has them, so that they have to be disposed. Called before
   * the failure is told, or any time after that.
   */
  late?(values: readonly unknown[]): void;
}

/** Runs hops. Every executor passes the same conformance suite. */
export interface Executor {
  /**
   * Starts the threads and lets each import the modules of the manifest.
   * @returns what cannot be reached. Its threads are ended then, as when this throws, and it may be
   * started again.
   * @throws ThreadStartError when no thread comes up before the deadline.
   */
  start(manifest: Manifest): Promise<readonly Unreachable[]>;

  /**
   * Runs a hop. Inputs are checked and encoded in the turn in which the hop leaves for a thread, so
   * that nothing can change between check and posting, and a hop that is refused or aborted in the
   * queue has cost nothing. Outputs are decoded when they arrive. The context variables that are set
   * when this is called go along, and the steps see those and no others.
   * @returns the values of `definition.outputs`, then those of `definition.extras`, then the inputs
   * `definition.returned`.
   * An aborted hop that ends in time by itself is answered as if it had not been aborted.
   * @param signal - told to the steps when it is aborted; a hop that waits for a thread is dropped.
   * @param caller - left out, it has gone when `signal` is aborted.
   * @throws HopFailure, always. Its `error` is what a step threw, a `NotPortableError`, a
   * `QueueFullError`, a `ThreadsStuckError`, a `DeadlineError`, a `ThreadDiedError`, a
   * `ThreadStartError`, a `DisposedError`, or the reason of `signal`.
   */
  run(
    definition: HopDefinition,
    inputs: readonly unknown[],
    signal?: Abortable,
    watch?: HopWatch,
    caller?: HopCaller,
  ): Promise<unknown[]>;

  readonly figures: ThreadFigures;

  readonly measured: Measured;

  /** How many hops of a group would start at once. */
  free(group: string): number;

  /**
   * Changes how many threads a group has. Hops go on; threads that are too many end in an orderly way
   * when they are free.
   * @returns when the group has that many.
   */
  resize(group: string, size: number): Promise<void>;

  /**
   * Ends all threads. Work in progress and in the queue fails with `DisposedError`; threads that are
   * free dispose what they keep.
   * @returns what these teardowns threw.
   */
  dispose(): Promise<readonly unknown[]>;
}
