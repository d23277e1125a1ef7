/** Sends hops to threads: in order, not more than there are threads, each answered exactly once. */
import { inFlow } from '../context.js';
import {
  DeadlineError,
  DisposedError,
  QueueFullError,
  ThreadDiedError,
  ThreadsStuckError,
  ThreadStartError,
  UnreachableError,
} from '../errors.js';
import { LinkedList } from '../linked-list.js';
import { own } from '../own.js';
import { decode, Obstacle } from '../portable/codec.js';
import { isAbortError, type Abortable } from '../stop-signal.js';
import {
  HopFailure,
  inputAt,
  insteadOf,
  stayed,
  type GroupFigures,
  type HopCaller,
  type HopDefinition,
  type HopStep,
  type HopWatch,
} from './executor.js';
import { shownTimes, type GroupMeter, type TripTimes } from './figures.js';
import { unpack } from './freight.js';
import { contextRefusal } from './hop-context.js';
import type { ThreadGone } from './thread-gone.js';
import { labelOf } from './hop-traits.js';
import { Job, type JobOwner } from './job.js';
import type { HopImport, Lane, Trip } from './lane.js';
import { hasFailed, type Freight, type HopReply } from './message.js';
import { defaultQueue } from './options.js';

/** How long until the next look, in milliseconds, where too many threads are stuck to end one more. */
const again = 250;

/** How often a hop may leave in vain: threads that end at once may do so for ever. */
const mostReturns = 3;

export class Dispatcher implements JobOwner {
  readonly #queue = new LinkedList<Job>();
  readonly #running = new LinkedList<Job>();
  /** Hops whose threads cannot be ended. */
  #blocked = 0;
  #disposed: Promise<readonly unknown[]> | undefined;
  /** Set while it is watched what threads import. */
  #watching: NodeJS.Timeout | undefined;
  #waited = 0;
  #ran = 0;
  #hops = 0;

  constructor(
    private readonly lane: Lane,
    private readonly meter: GroupMeter,
    /** How many hops may wait; undefined: it follows from the number of threads. */
    private readonly limit: number | undefined,
    /**
     * How long, in milliseconds, an aborted hop may go on before its thread is ended: time for a step
     * that looks at its signal to stop by itself, which is cheaper than a new thread. Who has given up
     * does not wait for it; what the hop works with does.
     */
    private readonly grace: number,
    /** How long a thread may take to import what a hop needs, in milliseconds. */
    private readonly startTimeout: number,
  ) {}

  /** How many hops would start at once. */
  get free(): number {
    return this.#queue.size === 0 ? this.lane.free : 0;
  }

  get figures(): GroupFigures {
    const { lane } = this;
    return {
      size: lane.size,
      threads: lane.threads,
      busy: this.#running.size - lane.behind,
      queued: this.#queue.size + lane.behind,
      waited: this.#waited,
      ran: this.#ran,
      hops: this.#hops,
      replaced: lane.replaced,
      stuck: lane.stuck + this.#blocked,
      overhead: this.meter.overhead.summary,
    };
  }

  /** As `Executor.run`. */
  run(
    definition: HopDefinition,
    inputs: readonly unknown[],
    signal: Abortable | undefined,
    watch?: HopWatch,
    caller?: HopCaller,
  ): Promise<unknown[]> {
    return new Promise((resolve, reject) => {
      const measurement = this.meter.measure(definition);
      const job = new Job(
        this,
        definition,
        inputs,
        signal,
        watch,
        caller,
        measurement,
        resolve,
        reject,
      );
      const refusal = this.#refusal(job);
      if (refusal !== undefined) {
        job.fail(refusal);
        return;
      }
      if (signal !== undefined) job.listenTo(signal);
      if (this.#queue.size === 0 && this.#mayStart(job)) {
        this.#start(job);
        // What was asked for while it was packed had to wait; it may not have left after all.
        this.drain();
      } else {
        this.#queue.add(job);
        this.lane.wake();
      }
    });
  }

  /** Why a hop is not even queued. */
  #refusal({ definition, signal }: Job): HopFailure | undefined {
    if (this.#disposed !== undefined) return new HopFailure(-1, new DisposedError('container'));
    if (signal?.aborted === true) return new HopFailure(-1, signal.reason);
    if (this.free > 0) return undefined;
    if (this.#isStuck) return this.#stuckFailure(definition);
    const limit = this.limit ?? defaultQueue(this.lane.size);
    // Who waits for a thread that is busy waits as well.
    if (this.#queue.size + this.lane.behind < limit || definition.continues === true)
      return undefined;
    return new HopFailure(-1, new QueueFullError(labelOf(definition), limit, this.meter.name));
  }

  /** Whether a thread is free for the hop that is next, or will be for so short a time not that it may wait. */
  #mayStart(job: Job): boolean {
    if (this.lane.free > 0) return true;
    // Its deadline begins when it leaves.
    return !job.isControlled && this.lane.hasRoom(job.measurement.expected);
  }

  /** Whether no thread can take a hop before some native code returns. */
  get #isStuck(): boolean {
    return this.#blocked > 0 && this.#blocked >= this.lane.threads + this.lane.starting;
  }

  #stuckFailure(definition: HopDefinition): HopFailure {
    const { stuck } = this.figures;
    return new HopFailure(-1, new ThreadsStuckError(labelOf(definition), stuck));
  }

  /** Starts what waits, as far as there are threads. To be called whenever there may be more. */
  drain(): void {
    for (;;) {
      const job = this.#queue.first;
      if (job === undefined || !this.#mayStart(job)) return;
      this.#queue.remove(job);
      // What encodes and decodes its values is the user's, and belongs to who asks for the hop, not
      // to the one whose end makes room for it.
      inFlow(job.flow, () => this.#start(job));
    }
  }

  /** Fails all that waits: there are no threads, and there will be none. */
  failQueued(error: ThreadStartError): void {
    for (const job of this.#queue.clear()) job.fail(new HopFailure(-1, error));
  }

  /** Fails all work and ends the threads. @returns what their teardowns threw. */
  dispose(): Promise<readonly unknown[]> {
    return (this.#disposed ??= this.#dispose());
  }

  #dispose(): Promise<readonly unknown[]> {
    clearTimeout(this.#watching);
    for (const job of [...this.#queue.clear(), ...this.#running.clear()]) {
      clearTimeout(job.timer);
      job.fail(new HopFailure(-1, new DisposedError('container')));
    }
    return this.lane.close();
  }

  #start(job: Job): void {
    const { measurement } = job;
    let trip: Trip | undefined;
    try {
      trip = this.lane.send(job);
    } catch (error) {
      job.fail(refusedInput(job, error));
      return;
    }
    if (trip?.moves === true || job.packed !== undefined) measurement.noteMove();
    if (trip === undefined) {
      this.#putBack(job);
      return;
    }
    // What was run while it was packed may have given it up.
    if (job.isAnswered && trip.takeBack()) return;
    job.trip = trip;
    // It has left with that.
    job.packed = undefined;
    measurement.started(trip.bytes);
    this.#running.add(job);
    if (job.traits.hasDeadline) this.#watchDeadlines(job, trip);
    this.#watching ??= this.#watchImportsIn(this.startTimeout);
    if (trip.isFirst) job.reached();
  }

  /** It waits in front of all others, unless nobody waits for it any more. */
  #putBack(job: Job): void {
    if (job.isAnswered) return;
    // It may have been told while its thread was ending.
    let failure = job.stopped?.failure;
    if (this.#disposed !== undefined) {
      failure ??= new HopFailure(-1, new DisposedError('container'));
    }
    if (failure !== undefined) {
      job.fail(failure);
      return;
    }
    this.#queue.addFirst(job);
    this.lane.wake();
  }

  answered(job: Job, reply: HopReply): void {
    const times = this.#end(job);
    // Also where it was aborted: what it made after all is for the caller to tear down.
    inFlow(job.flow, () => this.#answer(job, reply, times));
    this.drain();
  }

  gone(job: Job, reason: ThreadGone): void {
    const mayReturn = !reason.isLost && job.stopped === undefined && this.#disposed === undefined;
    if (mayReturn && !job.isAnswered && job.vainTrips++ < mostReturns) {
      this.returned(job);
      this.drain();
      return;
    }
    const times = this.#end(job);
    const failure = job.stopped?.failure ?? this.#lossOf(job, reason);
    job.measurement.died(failure.error, times, this.#disposed === undefined);
    job.fail(failure);
    this.drain();
  }

  #lossOf({ definition }: Job, reason: ThreadGone): HopFailure {
    const isDisposed = this.#disposed !== undefined && !reason.isLost;
    const error = isDisposed ? new DisposedError('container') : diedError(definition, reason);
    return new HopFailure(-1, error);
  }

  /** As if it had not left. Who tells of it tells then that there is something to start. */
  returned(job: Job): void {
    this.#leave(job);
    job.trip = undefined;
    this.#putBack(job);
  }

  #leave(job: Job): void {
    clearTimeout(job.timer);
    if (job.isBlocked) this.#blocked--;
    job.isBlocked = false;
    this.#running.remove(job);
  }

  #end(job: Job): TripTimes {
    this.#leave(job);
    const { since, isFirst } = job.trip as Trip;
    // Where the thread has been at it and the loop has not seen since when, it is since now.
    const now = performance.now();
    const begun = Math.min(since, now);
    const times = { waited: begun - job.queued, took: now - begun, isFirst };
    this.#waited += times.waited;
    this.#ran += times.took;
    this.#hops++;
    return times;
  }

  #answer(job: Job, reply: HopReply, times: TripTimes): void {
    const { measurement, watch } = job;
    if (job.isAnswered) {
      measurement.answered(reply, times);
      if (job.caller?.late !== undefined) giveBack(job, valuesOf(reply));
      return;
    }
    const answer = valuesOf(reply);
    const { stopped } = job;
    // What the thread's own signal has thrown stands for the reason that it does not know.
    const isPassedOn = answer instanceof HopFailure && isAbortError(answer.error);
    const values =
      stopped !== undefined && (stopped.isFinal || isPassedOn) ? stopped.failure : answer;
    const failure = values instanceof HopFailure ? values : undefined;
    measurement.answered(reply, times, failure);
    watch?.returned(reply.thread, shownTimes(reply));
    const crosses = own(reply, 'crosses');
    if (crosses !== undefined) watch?.probed?.(crosses);
    if (values instanceof HopFailure) {
      giveBack(job, answer);
      job.fail(values);
    } else {
      job.succeed(values);
    }
  }

  abandoned(job: Job, signal: Abortable): void {
    const { trip } = job;
    const failure = new HopFailure(-1, signal.reason);
    if (trip === undefined || trip.takeBack()) {
      this.#queue.remove(job);
      this.#leave(job);
      job.trip = undefined;
      job.fail(failure);
      this.drain();
      return;
    }
    // Its deadline has told it before, and will end its thread.
    if (job.stopped?.isFinal === true) return;
    // Its inputs are in use as long as it runs: what they stand on is torn down after the answer.
    job.stopped = { failure, isFinal: false };
    trip.abort();
    const gone = job.caller?.gone ?? signal;
    if (gone.aborted) this.left(job);
    else job.listenTo(gone);
  }

  left(job: Job): void {
    const { trip } = job;
    if (trip === undefined || job.stopped?.isFinal === true) return;
    this.#stopIn(this.grace, job, trip);
  }

  #watchImportsIn(delay: number): NodeJS.Timeout {
    return setTimeout(() => this.#watchImports(), delay).unref();
  }

  /**
   * Looks at all hops whenever an import may have gone on for as long as it may: one timer for all of
   * them, since hardly any imports something.
   */
  #watchImports(isSure = false): void {
    let wait = Infinity;
    for (const job of this.#running.all) {
      const { trip, stopped, definition } = job;
      if (trip === undefined || stopped?.isFinal === true) continue;
      const { importing } = trip;
      const left = this.startTimeout - (importing?.ran ?? 0);
      if (importing === undefined || left > 0 || !isSure) {
        wait = Math.min(wait, left);
        continue;
      }
      const error = importError(definition, importing, this.startTimeout);
      job.stopped = { failure: new HopFailure(-1, error), isFinal: true };
      this.#stopIn(0, job, trip);
    }
    // Its answer may be there already, behind what has held the loop.
    if (wait <= 0) setImmediate(() => this.#watchImports(true));
    else if (wait === Infinity) this.#watching = undefined;
    else this.#watching = this.#watchImportsIn(wait);
  }

  /** Looks at the hop whenever a step of it may have run for as long as it may. */
  #watchDeadlines(job: Job, trip: Trip, isSure = false): void {
    const { steps } = job.definition;
    const { importing, progress } = trip;
    // What comes before the first step has the deadline of the first one that has any.
    const isBefore = progress === undefined || progress.step < 0;
    const current = isBefore
      ? steps.findIndex(({ deadline }) => deadline !== undefined)
      : progress.step;
    const ran = importing === undefined ? (progress?.ran ?? 0) : 0;
    let wait = Infinity;
    for (const [index, { deadline }] of steps.entries()) {
      if (deadline === undefined || (index < current && !isBefore)) continue;
      wait = Math.min(wait, index === current ? deadline - ran : deadline);
    }
    if (wait === Infinity) return;
    if (wait > 0) {
      job.timer = setTimeout(() => this.#watchDeadlines(job, trip), wait);
      return;
    }
    if (!isSure) {
      // Its answer may be there already, behind what has held the loop.
      setImmediate(() => {
        if (this.#running.has(job)) this.#watchDeadlines(job, trip, true);
      });
      return;
    }
    const { label, deadline = 0 } = steps[current] as HopStep;
    const failure = new HopFailure(current, new DeadlineError(label, deadline));
    job.stopped = { failure, isFinal: true };
    trip.abort();
    this.#stopIn(job.traits.hasSignal ? this.grace : 0, job, trip);
  }

  #stopIn(delay: number, job: Job, trip: Trip): void {
    clearTimeout(job.timer);
    job.timer = setTimeout(() => {
      if (trip.end()) return;
      // Nobody waits for a thread that cannot be ended.
      if (!job.isBlocked) {
        job.isBlocked = true;
        this.#blocked++;
      }
      if (job.stopped !== undefined) job.fail(job.stopped.failure);
      if (this.#isStuck) {
        for (const waiting of this.#queue.clear()) {
          waiting.fail(this.#stuckFailure(waiting.definition));
        }
      }
      this.#stopIn(again, job, trip);
      job.timer?.unref();
    }, delay);
  }
}

/** Gives whoever has asked for a hop what has come too late, if anything has. */
function giveBack({ caller }: Job, answer: readonly unknown[] | HopFailure): void {
  if (!(answer instanceof HopFailure)) caller?.late?.(answer);
}

/** @returns a failure that names the parameter whose value cannot cross. */
function refusedInput({ definition, inputs }: Job, error: unknown): HopFailure {
  if (!(error instanceof Obstacle)) return new HopFailure(-1, error);
  const refused = contextRefusal(definition, inputs, error, labelOf(definition));
  if (refused !== undefined) return new HopFailure(-1, refused);
  const [input, depth] = inputAt(definition, error.path);
  const consumer = input?.consumer ?? labelOf(definition);
  const step = definition.steps.findIndex(({ label }) => label === consumer);
  const refusal = error
    .from(depth)
    .toError(
      `${consumer} runs in a thread, but its ${input?.parameter ?? 'input'} cannot cross`,
      insteadOf(definition.steps[step], consumer),
    );
  return new HopFailure(step, refusal);
}

/** @returns a failure where the hop has failed, or its values cannot be decoded. */
function valuesOf(reply: HopReply): unknown[] | HopFailure {
  if (hasFailed(reply)) {
    const hidden = own(reply, 'hidden') ?? [];
    return new HopFailure(reply.step, decodeError(reply.error), hidden.map(decodeError));
  }
  let values: unknown[];
  try {
    values = decode(unpack(reply.values)) as unknown[];
  } catch (error) {
    return new HopFailure(-1, error);
  }
  for (const position of reply.stayed) values[position] = stayed;
  return values;
}

function decodeError(error: Freight): unknown {
  try {
    return decode(unpack(error));
  } catch (failure) {
    return failure;
  }
}

function importError(
  definition: HopDefinition,
  { module, need }: HopImport,
  limit: number,
): UnreachableError {
  const label = need?.labels[0] ?? labelOf(definition);
  const what =
    need === undefined
      ? `${module}, which declares a class of what was sent to it,`
      : `its module (${module})`;
  return new UnreachableError(
    label,
    module,
    `the import of ${what} takes longer than ${limit} ms`,
    {
      remedy: 'Let that module do less when it is imported, or set `threads: { startTimeout }`',
      mayBeAsync: false,
    },
  );
}

function diedError(definition: HopDefinition, gone: ThreadGone): ThreadDiedError {
  return new ThreadDiedError(labelOf(definition), gone.message, gone.cause, gone.isProcess);
}
