/** One run of a hop, from when it is asked for to its answer. */
import { currentFlow, type Flow } from '../context.js';
import type { Linked, LinkedList } from '../linked-list.js';
import { bare } from '../own.js';
import type { Abortable, AbortListener } from '../stop-signal.js';
import type { HopCaller, HopDefinition, HopFailure, HopWatch } from './executor.js';
import type { Measurement } from './figures.js';
import { withContext } from './hop-context.js';
import { discard, type Packed } from './freight.js';
import type { ThreadGone } from './thread-gone.js';
import { traitsOf, type HopTraits } from './hop-traits.js';
import type { Departure, Trip } from './lane.js';
import type { HopReply } from './message.js';

/** Options of a listener; Node would look for others on a polluted `Object.prototype`. */
const once = bare({ once: true });

/** Who decides what becomes of a job. */
export interface JobOwner {
  answered(job: Job, reply: HopReply): void;
  gone(job: Job, reason: ThreadGone): void;
  returned(job: Job): void;
  /** Whoever wants it has given it up. */
  abandoned(job: Job, signal: Abortable): void;
  /** Nobody waits for it any more, though it may run. */
  left(job: Job): void;
}

/** Why a hop was told to stop. */
export interface Stopped {
  /** What it fails with if its thread is ended because of that. */
  readonly failure: HopFailure;
  /** Whether it fails with that also where it ends by itself. */
  readonly isFinal: boolean;
}

export class Job implements Departure, AbortListener, Linked<Job> {
  /** With the context that the hop was asked for in. */
  readonly inputs: readonly unknown[];
  readonly traits: HopTraits;
  readonly isControlled: boolean;
  readonly queued = performance.now();
  /** That of whoever asks for the hop. */
  readonly flow: Flow | undefined = currentFlow();
  list: LinkedList<Job> | undefined = undefined;
  previous: Job | undefined = undefined;
  next: Job | undefined = undefined;
  /** How often a thread has ended before it came to the hop, which was the next one. */
  vainTrips = 0;
  packed: Packed | undefined = undefined;
  /** Set while a thread has it. */
  trip: Trip | undefined = undefined;
  timer: NodeJS.Timeout | undefined = undefined;
  /** It was to be ended with its thread, which cannot be. */
  isBlocked = false;
  isAnswered = false;
  /** Set when it was told to stop while it ran. */
  stopped: Stopped | undefined = undefined;
  /** What it listens to: {@link signal}, later whether its caller has gone. */
  private heard: Abortable | undefined = undefined;

  constructor(
    private readonly owner: JobOwner,
    readonly definition: HopDefinition,
    inputs: readonly unknown[],
    readonly signal: Abortable | undefined,
    readonly watch: HopWatch | undefined,
    readonly caller: HopCaller | undefined,
    readonly measurement: Measurement,
    private readonly resolve: (values: unknown[]) => void,
    private readonly reject: (failure: HopFailure) => void,
  ) {
    this.inputs = withContext(inputs);
    this.traits = traitsOf(definition);
    const { hasDeadline, hasSignal } = this.traits;
    this.isControlled = hasDeadline || (hasSignal && signal !== undefined);
  }

  get isTimed(): boolean {
    return this.measurement.isTimed || this.watch !== undefined;
  }

  get isSized(): boolean {
    return this.measurement.isSized;
  }

  get probe(): readonly number[] | undefined {
    return this.watch?.probe;
  }

  get expected(): number {
    return this.measurement.expected;
  }

  /** Listens to a signal from now on, in the place of the one before. */
  listenTo(signal: Abortable): void {
    this.release();
    this.heard = signal;
    signal.addEventListener('abort', this, once);
  }

  handleEvent(): void {
    const { heard, signal } = this;
    if (heard === undefined) return;
    if (heard === signal) this.owner.abandoned(this, heard);
    else this.owner.left(this);
  }

  reached(): void {
    if (this.trip !== undefined) this.watch?.started(this.trip.thread);
  }

  answered(reply: HopReply): void {
    this.owner.answered(this, reply);
  }

  gone(reason: ThreadGone): void {
    this.owner.gone(this, reason);
  }

  returned(): void {
    this.owner.returned(this);
  }

  succeed(values: unknown[]): void {
    this.isAnswered = true;
    this.release();
    this.resolve(values);
  }

  fail(failure: HopFailure): void {
    if (this.isAnswered) return;
    this.isAnswered = true;
    this.release();
    if (this.packed !== undefined) discard(this.packed);
    if (this.trip === undefined) this.measurement.refused(performance.now() - this.queued, failure);
    this.reject(failure);
  }

  private release(): void {
    this.heard?.removeEventListener('abort', this);
    this.heard = undefined;
  }
}
