/** Sends hops to threads: in order, not more than there are threads, each answered exactly once. */
import { DisposedError, QueueFullError, ThreadDiedError, ThreadStartError } from '../errors.js';
import { bare, own } from '../own.js';
import { decode, encode, encodeExactly, Obstacle, type Encoded } from '../portable/codec.js';
import {
  HopFailure,
  stayed,
  type HopDefinition,
  type HopWatch,
  type ThreadFigures,
} from './executor.js';
import { pack, unpack, type Packed } from './freight.js';
import type { Lane } from './lane.js';
import { hasFailed, type HopReply } from './message.js';
import { ThreadGone } from './pool.js';
import { Queue } from './queue.js';
import { Stop } from './stop.js';

/**
 * How long, in milliseconds, an aborted hop may go on before its thread is ended: time for a step
 * that looks at its signal to stop by itself, which is cheaper than a new thread. Who has given up
 * does not wait for it; what the hop works with does.
 */
const grace = 50;

/** How long until the next look, in milliseconds, where too many threads are stuck to end one more. */
const again = 1_000;

/** Options of a listener; Node would look for others on a polluted `Object.prototype`. */
const once = bare({ once: true });

/** One run of a hop. */
interface Job {
  readonly definition: HopDefinition;
  readonly inputs: readonly unknown[];
  readonly signal: AbortSignal | undefined;
  readonly watch: HopWatch | undefined;
  readonly resolve: (values: unknown[]) => void;
  readonly reject: (failure: HopFailure) => void;
  /** Undoes the listening to `signal`. */
  release: (() => void) | undefined;
  readonly queued: number;
  /** Set while a thread has it. */
  running: Running | undefined;
  answered: boolean;
  /** Set when it was aborted while it ran: why, for when its thread is ended because of that. */
  aborted: { readonly reason: unknown } | undefined;
}

interface Running {
  readonly started: number;
  readonly cell: Int32Array | undefined;
  readonly stop: Stop;
  timer: NodeJS.Timeout | undefined;
}

export class Dispatcher {
  readonly #queue: Queue<Job>;
  readonly #running = new Set<Job>();
  #disposed: Promise<void> | undefined;
  #waited = 0;
  #ran = 0;
  #hops = 0;

  constructor(
    private readonly lane: Lane,
    limit: number,
  ) {
    this.#queue = new Queue(limit);
  }

  get figures(): ThreadFigures {
    return {
      threads: this.lane.size,
      busy: this.#running.size,
      queued: this.#queue.size,
      waited: this.#waited,
      ran: this.#ran,
      hops: this.#hops,
      replaced: this.lane.replaced,
    };
  }

  /** As `Executor.run`. */
  run(
    definition: HopDefinition,
    inputs: readonly unknown[],
    signal: AbortSignal | undefined,
    watch?: HopWatch,
  ): Promise<unknown[]> {
    return new Promise((resolve, reject) => {
      const job: Job = {
        definition,
        inputs,
        signal,
        watch,
        resolve,
        reject,
        release: undefined,
        queued: performance.now(),
        running: undefined,
        answered: false,
        aborted: undefined,
      };
      const startsNow = this.lane.free > 0 && this.#queue.size === 0;
      const refusal = this.#refusal(job, startsNow);
      if (refusal !== undefined) {
        this.#fail(job, refusal);
        return;
      }
      if (signal !== undefined) {
        const abort = () => this.#abort(job, signal);
        signal.addEventListener('abort', abort, once);
        job.release = () => signal.removeEventListener('abort', abort);
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
    if (startsNow || !this.#queue.isFull) return undefined;
    return new HopFailure(-1, new QueueFullError(labelOf(definition), this.#queue.limit));
  }

  /** Starts what waits, as far as there are threads. To be called whenever there may be more. */
  drain(): void {
    while (this.lane.free > 0) {
      const job = this.#queue.shift();
      if (job === undefined) return;
      this.#start(job);
    }
  }

  /** Fails all that waits: there are no threads, and there will be none. */
  failQueued(error: ThreadStartError): void {
    for (const job of this.#queue.clear()) this.#fail(job, new HopFailure(-1, error));
  }

  /** Fails all work and ends the threads. */
  dispose(): Promise<void> {
    return (this.#disposed ??= this.#dispose());
  }

  #dispose(): Promise<void> {
    for (const job of [...this.#queue.clear(), ...this.#running]) {
      this.#fail(job, new HopFailure(-1, new DisposedError('container')));
    }
    this.#running.clear();
    return this.lane.close();
  }

  #start(job: Job): void {
    const { definition, signal, watch } = job;
    const inputs = packInputs(job);
    if (inputs instanceof HopFailure) {
      this.#fail(job, inputs);
      return;
    }
    const asksForSignal = signal !== undefined && hasSignal(definition);
    const running: Running = {
      started: performance.now(),
      cell: asksForSignal ? new Int32Array(new SharedArrayBuffer(4)) : undefined,
      stop: new Stop(),
      timer: undefined,
    };
    this.#waited += running.started - job.queued;
    job.running = running;
    this.#running.add(job);
    watch?.started();
    const { cell, stop } = running;
    const timed = watch !== undefined;
    this.lane.send({ definition, inputs, abort: cell, timed, stop }).then(
      (reply) => {
        this.#end(job, running);
        // Also where it was aborted: what it made after all is for the caller to tear down.
        this.#answer(job, reply);
        this.drain();
      },
      (error: unknown) => {
        this.#end(job, running);
        const { reason } = job.aborted ?? { reason: diedError(definition, error) };
        this.#fail(job, new HopFailure(-1, reason));
        this.drain();
      },
    );
  }

  #end(job: Job, running: Running): void {
    clearTimeout(running.timer);
    this.#running.delete(job);
    this.#ran += performance.now() - running.started;
    this.#hops++;
  }

  #answer(job: Job, reply: HopReply): void {
    if (job.answered) return;
    job.watch?.returned(reply.thread, own(reply, 'ran') ?? []);
    if (hasFailed(reply)) {
      this.#fail(job, new HopFailure(reply.step, decodeError(reply.error)));
      return;
    }
    let values: unknown[];
    try {
      values = decode(unpack(reply.values)) as unknown[];
    } catch (error) {
      this.#fail(job, new HopFailure(-1, error));
      return;
    }
    for (const position of reply.stayed) values[position] = stayed;
    job.answered = true;
    job.release?.();
    job.resolve(values);
  }

  #fail(job: Job, failure: HopFailure): void {
    if (job.answered) return;
    job.answered = true;
    job.release?.();
    job.reject(failure);
  }

  #abort(job: Job, signal: AbortSignal): void {
    const { running } = job;
    if (running === undefined) {
      this.#queue.delete(job);
      this.#fail(job, new HopFailure(-1, signal.reason));
      return;
    }
    // Its inputs are in use as long as it runs: what they stand on is torn down after the answer.
    job.aborted = { reason: signal.reason };
    if (running.cell !== undefined) {
      Atomics.store(running.cell, 0, 1);
      Atomics.notify(running.cell, 0);
    }
    this.#stopIn(grace, job, running);
  }

  #stopIn(delay: number, job: Job, running: Running): void {
    running.timer = setTimeout(() => {
      if (this.lane.mayEndThreads) {
        running.stop.now();
        return;
      }
      // Nobody waits for a thread that cannot be ended.
      this.#fail(job, new HopFailure(-1, job.aborted?.reason));
      this.#stopIn(again, job, running);
    }, delay);
  }
}

/** @returns a failure that names the parameter, if the value for it cannot cross. */
function packInputs({ definition, inputs }: Job): Packed | HopFailure {
  try {
    return pack(encode(inputs), () => encodeExactly(inputs));
  } catch (error) {
    if (!(error instanceof Obstacle)) return new HopFailure(-1, error);
    const input = definition.inputs[error.path[0] as number];
    const consumer = input?.consumer ?? labelOf(definition);
    const refusal = error
      .from(1)
      .toError(
        `${consumer} runs in a thread, but its ${input?.parameter ?? 'input'} cannot cross`,
        `make ${consumer} async, so that it runs on the event loop`,
      );
    const step = definition.steps.findIndex(({ label }) => label === consumer);
    return new HopFailure(step, refusal);
  }
}

function decodeError(encoded: Encoded): unknown {
  try {
    return decode(encoded);
  } catch (error) {
    return error;
  }
}

function diedError(definition: HopDefinition, error: unknown): ThreadDiedError {
  const gone = error instanceof ThreadGone ? error : new ThreadGone(String(error));
  return new ThreadDiedError(labelOf(definition), gone.message, gone.cause);
}

function hasSignal({ steps }: HopDefinition): boolean {
  return steps.some(({ operation }) => operation === 'signal');
}

/** The steps that matter, as messages show a hop: `Kitchen.grind -> Burgers.parallel`. */
function labelOf({ steps }: HopDefinition): string {
  const calls = steps.filter(({ operation }) => operation === 'call');
  return (calls.length === 0 ? steps : calls).map(({ label }) => label).join(' -> ');
}
