/** Sends hops to threads: in order, not more than there are threads, each answered exactly once. */
import { currentFlow, inFlow, type Flow } from '../context.js';
import {
  DeadlineError,
  DisposedError,
  QueueFullError,
  ThreadDiedError,
  ThreadsStuckError,
  ThreadStartError,
  UnreachableError,
} from '../errors.js';
import { bare, own } from '../own.js';
import { decode, Obstacle } from '../portable/codec.js';
import type { Abortable } from '../stop-signal.js';
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
import { shownTimes, type GroupMeter, type Measurement } from './figures.js';
import { unpack } from './freight.js';
import { contextRefusal, withContext } from './hop-context.js';
import type { HopImport, Lane, Trip } from './lane.js';
import { hasFailed, type Freight, type HopReply } from './message.js';
import { defaultQueue } from './options.js';
import { Queue } from './queue.js';
import { ThreadGone } from './worker-thread.js';

/** How long until the next look, in milliseconds, where too many threads are stuck to end one more. */
const again = 250;

/** How often a hop may leave in vain: threads that end at once may do so for ever. */
const mostReturns = 3;

/** Options of a listener; Node would look for others on a polluted `Object.prototype`. */
const once = bare({ once: true });

/** One run of a hop. */
interface Job {
  readonly definition: HopDefinition;
  /** With the context that the hop was asked for in. */
  readonly inputs: readonly unknown[];
  readonly signal: Abortable | undefined;
  readonly watch: HopWatch | undefined;
  readonly caller: HopCaller | undefined;
  readonly resolve: (values: unknown[]) => void;
  readonly reject: (failure: HopFailure) => void;
  /** Undoes the listening to `signal`, and to whether the caller has gone. */
  release: (() => void) | undefined;
  readonly queued: number;
  readonly measurement: Measurement;
  /** That of whoever asks for the hop. */
  readonly flow: Flow | undefined;
  /** How often a thread has ended before it came to the hop. */
  returned: number;
  /** Set while a thread has it. */
  running: Running | undefined;
  answered: boolean;
  /** Set when it was told to stop while it ran. */
  stopped: Stopped | undefined;
}

/** Why a hop was told to stop. */
interface Stopped {
  /** What it fails with if its thread is ended because of that. */
  readonly failure: HopFailure;
  /** Whether it fails with that also where it ends by itself. */
  readonly isFinal: boolean;
}

interface Running {
  readonly started: number;
  readonly trip: Trip;
  timer: NodeJS.Timeout | undefined;
  /** It was to be ended with its thread, which cannot be. */
  isBlocked: boolean;
}

export class Dispatcher {
  readonly #queue: Queue<Job>;
  readonly #running = new Set<Job>();
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
    limit: number | undefined,
    /**
     * How long, in milliseconds, an aborted hop may go on before its thread is ended: time for a step
     * that looks at its signal to stop by itself, which is cheaper than a new thread. Who has given up
     * does not wait for it; what the hop works with does.
     */
    private readonly grace: number,
    /** How long a thread may take to import what a hop needs, in milliseconds. */
    private readonly startTimeout: number,
  ) {
    this.#queue = new Queue(() => limit ?? defaultQueue(lane.size));
  }

  /** How many hops would start at once. */
  get free(): number {
    return this.#queue.size === 0 ? this.lane.free : 0;
  }

  get figures(): GroupFigures {
    const { lane } = this;
    return {
      size: lane.size,
      threads: lane.threads,
      busy: this.#running.size,
      queued: this.#queue.size,
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
      const job: Job = {
        definition,
        inputs: withContext(inputs),
        signal,
        watch,
        caller,
        resolve,
        reject,
        release: undefined,
        queued: performance.now(),
        measurement: this.meter.measure(definition),
        flow: currentFlow(),
        returned: 0,
        running: undefined,
        answered: false,
        stopped: undefined,
      };
      const startsNow = this.lane.free > 0 && this.#queue.size === 0;
      const refusal = this.#refusal(job, startsNow);
      if (refusal !== undefined) {
        this.#fail(job, refusal);
        return;
      }
      if (signal !== undefined) {
        listen(job, signal, () => this.#abort(job, signal));
      }
      if (startsNow) {
        this.#start(job);
      } else {
        this.#queue.push(job);
        this.lane.wake();
      }
    });
  }

  /** Why a hop is not even queued. */
  #refusal({ definition, signal }: Job, startsNow: boolean): HopFailure | undefined {
    if (this.#disposed !== undefined) return new HopFailure(-1, new DisposedError('container'));
    if (signal?.aborted === true) return new HopFailure(-1, signal.reason);
    if (startsNow) return undefined;
    if (this.#isStuck) return this.#stuckFailure(definition);
    if (!this.#queue.isFull || definition.continues === true) return undefined;
    const { limit } = this.#queue;
    return new HopFailure(-1, new QueueFullError(labelOf(definition), limit, this.meter.name));
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
    while (this.lane.free > 0) {
      const job = this.#queue.shift();
      if (job === undefined) return;
      // What encodes and decodes its values is the user's, and belongs to who asks for the hop, not
      // to the one whose end makes room for it.
      inFlow(job.flow, () => this.#start(job));
    }
  }

  /** Fails all that waits: there are no threads, and there will be none. */
  failQueued(error: ThreadStartError): void {
    for (const job of this.#queue.clear()) this.#fail(job, new HopFailure(-1, error));
  }

  /** Fails all work and ends the threads. @returns what their teardowns threw. */
  dispose(): Promise<readonly unknown[]> {
    return (this.#disposed ??= this.#dispose());
  }

  #dispose(): Promise<readonly unknown[]> {
    clearTimeout(this.#watching);
    for (const job of [...this.#queue.clear(), ...this.#running]) {
      clearTimeout(job.running?.timer);
      this.#fail(job, new HopFailure(-1, new DisposedError('container')));
    }
    this.#running.clear();
    return this.lane.close();
  }

  #start(job: Job): void {
    const { definition, inputs, signal, watch, measurement } = job;
    const hasDeadline = definition.steps.some(({ deadline }) => deadline !== undefined);
    const controlled = hasDeadline || (signal !== undefined && hasSignal(definition));
    let trip: Trip;
    try {
      const { isTimed, isSized: sized } = measurement;
      const timed = isTimed || watch !== undefined;
      const probe = watch?.probe;
      trip = this.lane.send({ definition, inputs, controlled, timed, sized, probe });
    } catch (error) {
      this.#fail(job, refusedInput(job, error));
      return;
    }
    const started = performance.now();
    const running: Running = { started, trip, timer: undefined, isBlocked: false };
    const waited = started - job.queued;
    this.#waited += waited;
    measurement.started(waited, trip.bytes);
    job.running = running;
    this.#running.add(job);
    if (hasDeadline) this.#watchDeadlines(job, running);
    this.#watching ??= this.#watchImportsIn(this.startTimeout);
    watch?.started(trip.thread);
    trip.reply.then(
      (reply) => {
        const took = this.#end(job, running);
        // Also where it was aborted: what it made after all is for the caller to tear down.
        this.#answer(job, reply, took);
        this.drain();
      },
      (error: unknown) => {
        if (this.#mayReturn(job, error)) {
          this.#takeBack(job, running);
          return;
        }
        const took = this.#end(job, running);
        const failure = job.stopped?.failure ?? new HopFailure(-1, diedError(definition, error));
        measurement.died(failure.error, took, this.#disposed === undefined);
        this.#fail(job, failure);
        this.drain();
      },
    );
  }

  /** Whether its thread has ended before it came to the hop: nothing of that has happened then. */
  #mayReturn(job: Job, error: unknown): boolean {
    if (!(error instanceof ThreadGone) || error.isLost) return false;
    if (job.answered || job.stopped !== undefined || this.#disposed !== undefined) return false;
    return job.returned++ < mostReturns;
  }

  /** As if it had not left. */
  #takeBack(job: Job, running: Running): void {
    clearTimeout(running.timer);
    this.#running.delete(job);
    job.running = undefined;
    this.#queue.unshift(job);
    this.lane.wake();
    this.drain();
  }

  /** @returns how long it took, in milliseconds. */
  #end(job: Job, running: Running): number {
    clearTimeout(running.timer);
    if (running.isBlocked) this.#blocked--;
    this.#running.delete(job);
    const took = performance.now() - running.started;
    this.#ran += took;
    this.#hops++;
    return took;
  }

  #answer(job: Job, reply: HopReply, took: number): void {
    const { measurement, watch } = job;
    if (job.answered) {
      measurement.answered(reply, took);
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
    measurement.answered(reply, took, failure);
    watch?.returned(reply.thread, shownTimes(reply));
    const crosses = own(reply, 'crosses');
    if (crosses !== undefined) watch?.probed?.(crosses);
    if (values instanceof HopFailure) {
      giveBack(job, answer);
      this.#fail(job, values);
      return;
    }
    job.answered = true;
    job.release?.();
    job.resolve(values);
  }

  #fail(job: Job, failure: HopFailure): void {
    if (job.answered) return;
    job.answered = true;
    job.release?.();
    if (job.running === undefined) {
      job.measurement.refused(performance.now() - job.queued, failure);
    }
    job.reject(failure);
  }

  #abort(job: Job, signal: Abortable): void {
    const { running } = job;
    const failure = new HopFailure(-1, signal.reason);
    if (running === undefined) {
      this.#queue.delete(job);
      this.#fail(job, failure);
      return;
    }
    // Its deadline has told it before, and will end its thread.
    if (job.stopped?.isFinal === true) return;
    // Its inputs are in use as long as it runs: what they stand on is torn down after the answer.
    job.stopped = { failure, isFinal: false };
    running.trip.abort();
    const gone = job.caller?.gone ?? signal;
    const stop = (): void => {
      if (job.stopped?.isFinal !== true) this.#stopIn(this.grace, job, running);
    };
    if (gone.aborted) stop();
    else listen(job, gone, stop);
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
    for (const job of this.#running) {
      const { running, stopped, definition } = job;
      if (running === undefined || stopped?.isFinal === true) continue;
      const { importing } = running.trip;
      const left = this.startTimeout - (importing?.ran ?? 0);
      if (importing === undefined || left > 0 || !isSure) {
        wait = Math.min(wait, left);
        continue;
      }
      const error = importError(definition, importing, this.startTimeout);
      job.stopped = { failure: new HopFailure(-1, error), isFinal: true };
      this.#stopIn(0, job, running);
    }
    // Its answer may be there already, behind what has held the loop.
    if (wait <= 0) setImmediate(() => this.#watchImports(true));
    else if (wait === Infinity) this.#watching = undefined;
    else this.#watching = this.#watchImportsIn(wait);
  }

  /** Looks at the hop whenever a step of it may have run for as long as it may. */
  #watchDeadlines(job: Job, running: Running, isSure = false): void {
    const { steps } = job.definition;
    const { progress, importing } = running.trip;
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
      running.timer = setTimeout(() => this.#watchDeadlines(job, running), wait);
      return;
    }
    if (!isSure) {
      // Its answer may be there already, behind what has held the loop.
      setImmediate(() => {
        if (this.#running.has(job)) this.#watchDeadlines(job, running, true);
      });
      return;
    }
    const { label, deadline = 0 } = steps[current] as HopStep;
    const failure = new HopFailure(current, new DeadlineError(label, deadline));
    job.stopped = { failure, isFinal: true };
    running.trip.abort();
    this.#stopIn(hasSignal(job.definition) ? this.grace : 0, job, running);
  }

  #stopIn(delay: number, job: Job, running: Running): void {
    clearTimeout(running.timer);
    running.timer = setTimeout(() => {
      if (running.trip.end()) return;
      // Nobody waits for a thread that cannot be ended.
      if (!running.isBlocked) {
        running.isBlocked = true;
        this.#blocked++;
      }
      if (job.stopped !== undefined) this.#fail(job, job.stopped.failure);
      if (this.#isStuck) {
        for (const waiting of this.#queue.clear()) {
          this.#fail(waiting, this.#stuckFailure(waiting.definition));
        }
      }
      this.#stopIn(again, job, running);
      running.timer?.unref();
    }, delay);
  }
}

/** Gives whoever has asked for a hop what has come too late, if anything has. */
function giveBack({ caller }: Job, answer: readonly unknown[] | HopFailure): void {
  if (!(answer instanceof HopFailure)) caller?.late?.(answer);
}

/** Calls back when a signal is aborted, until the job is answered; instead of what was listened to. */
function listen(job: Job, signal: Abortable, abort: () => void): void {
  job.release?.();
  signal.addEventListener('abort', abort, once);
  job.release = () => signal.removeEventListener('abort', abort);
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
  if (hasFailed(reply)) return new HopFailure(reply.step, decodeError(reply.error));
  let values: unknown[];
  try {
    values = decode(unpack(reply.values)) as unknown[];
  } catch (error) {
    return new HopFailure(-1, error);
  }
  for (const position of reply.stayed) values[position] = stayed;
  return values;
}

/** By name: a DOMException is an Error in its own realm only. */
function isAbortError(error: unknown): boolean {
  return (error as { readonly name?: unknown } | undefined | null)?.name === 'AbortError';
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

function diedError(definition: HopDefinition, error: unknown): ThreadDiedError {
  const gone = error instanceof ThreadGone ? error : new ThreadGone(String(error));
  return new ThreadDiedError(labelOf(definition), gone.message, gone.cause, gone.isProcess);
}

function hasSignal({ steps }: HopDefinition): boolean {
  return steps.some(({ operation }) => operation === 'signal');
}

/** The steps that matter, as messages show a hop: `Kitchen.grind -> Burgers.parallel`. */
function labelOf({ steps }: HopDefinition): string {
  const calls = steps.filter(({ operation }) => operation === 'call');
  return (calls.length === 0 ? steps : calls).map(({ label }) => label).join(' -> ');
}
