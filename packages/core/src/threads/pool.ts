/** One tinypool, made safe: all that tinypool 2.2 leaves open or does in a surprising way ends here. */
import { Tinypool } from 'tinypool';

import type { Transferable } from './freight.js';
import type { HopReply, HopTask, Report, ReportTask, ThreadSetup } from './message.js';
import type { ThreadSettings } from './options.js';
import type { Stop } from './stop.js';

/** A thread has ended; the task that it held is lost. */
export class ThreadGone extends Error {}

/** What its owner hears of a pool. */
export interface PoolEvents {
  /** A thread is there that was not before. */
  onReady(): void;
  /** A thread has ended that was not asked to. `thread` is its id. */
  onGone(thread: number): void;
  /** A replacement could not start: from now on tinypool replaces none, and a new pool is due. */
  onBroken(reason: ThreadGone): void;
}

type Worker = Tinypool['threads'][number];

/** What is known of a thread. */
interface Thread {
  readonly id: number;
  /** Whether its modules are imported. */
  ready: boolean;
  /** Ends a start that takes too long. */
  deadline: NodeJS.Timeout | undefined;
  /** Settled when it has ended. */
  readonly exited: Promise<void>;
}

/** How long {@link Pool.close} waits for threads; one in native code does not end before that does. */
const closing = 5_000;

export class Pool {
  readonly #pool: Tinypool;
  readonly #threads = new Map<Worker, Thread>();
  /** Threads that were told to end and have not: native code cannot be interrupted. */
  readonly #lingering = new Map<Worker, Thread>();
  #running = 0;
  #hasReported = false;
  #closed: Promise<void> | undefined;

  constructor(
    private readonly settings: ThreadSettings,
    entry: URL,
    setup: ThreadSetup,
    private readonly events: PoolEvents,
  ) {
    const { size, execArgv, env, resourceLimits } = settings;
    this.#pool = new Tinypool({
      filename: entry.href,
      name: 'run',
      // With less at rest, tinypool forgets queued tasks after an abort or an end for lack of memory.
      minThreads: size,
      maxThreads: size,
      // Tinypool's own queue is never used: a task that cannot be cloned would cost it a thread.
      concurrentTasksPerWorker: 1,
      // It would park idle threads in `Atomics.wait`: timers and sockets of what they keep (a
      // connection, a cache) would stand still, and their errors hit the next hop instead.
      useAtomics: false,
      workerData: setup,
      ...(execArgv === undefined ? {} : { execArgv: [...execArgv] }),
      ...(env === undefined ? {} : { env: { ...env } }),
      ...(resourceLimits === undefined ? {} : { resourceLimits: { ...resourceLimits } }),
    });
    // The error of an idle thread; without a listener it would end the process. The thread itself
    // is seen by `#adopt`.
    this.#pool.on('error', () => undefined);
    this.#adopt();
  }

  /**
   * What each thread has found. Sent before anything else, so that tinypool, which takes the first
   * thread without a task, gives one to each.
   */
  async reports(): Promise<Report[]> {
    const task: ReportTask = { task: 'report' };
    const reports = await Promise.all(
      Array.from({ length: this.settings.size }, () => this.#pool.run(task) as Promise<Report>),
    );
    const ids = new Set(reports.map(({ thread }) => thread));
    for (const thread of this.#threads.values()) thread.ready ||= ids.has(thread.id);
    this.#hasReported = true;
    return reports;
  }

  /** Threads that would start a hop at once. */
  get free(): number {
    return this.#closed === undefined ? this.#ready - this.#running : 0;
  }

  /** Threads alive. */
  get size(): number {
    return this.#threads.size;
  }

  get isIdle(): boolean {
    return this.#running === 0;
  }

  /** Ids of the threads that take hops. */
  *readyIds(): Generator<number> {
    for (const { id, ready } of this.#threads.values()) if (ready) yield id;
  }

  get #ready(): number {
    let count = 0;
    for (const { ready } of this.#threads.values()) if (ready) count++;
    return count;
  }

  /**
   * Runs a task; only to be called while {@link free} is positive.
   * @param stop - ends the thread.
   * @throws ThreadGone if the thread ends first.
   */
  async run(task: HopTask, transfer: readonly Transferable[], stop: Stop): Promise<HopReply> {
    this.#running++;
    const ended = () => this.#adopt();
    try {
      const running = this.#pool.run(task, {
        transferList: transfer as Transferable[],
        signal: stop,
      }) as Promise<HopReply>;
      // After tinypool's own listener, which takes the thread out and starts another.
      stop.addEventListener('abort', ended);
      return await running;
    } catch (error) {
      throw goneFor(error);
    } finally {
      this.#running--;
    }
  }

  /**
   * Whether ending a thread makes room. Once as many are stuck in native code as there are threads,
   * more would only pile up.
   */
  get mayEndThreads(): boolean {
    return this.#lingering.size < this.settings.size;
  }

  /** Ends all threads, whatever they do. */
  close(): Promise<void> {
    return (this.#closed ??= this.#close());
  }

  async #close(): Promise<void> {
    for (const thread of this.#threads.values()) clearTimeout(thread.deadline);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, closing);
    });
    await Promise.race([this.#endAll(), late]);
    clearTimeout(timer);
    this.#threads.clear();
  }

  async #endAll(): Promise<void> {
    do {
      this.#adopt();
      const ending = [...this.#threads.values(), ...this.#lingering.values()];
      // It rejects if a thread fails while it is being ended. That is no matter any more, except
      // that tinypool puts another one in its place: hence the loop.
      await this.#pool.destroy().catch(() => undefined);
      await Promise.all(ending.map(({ exited }) => exited));
    } while (this.#pool.threads.length > 0);
  }

  /** Looks at tinypool's threads: whoever is new gets listeners, whoever is missing has ended. */
  #adopt(): void {
    const present = new Set(this.#pool.threads);
    for (const [worker, thread] of this.#threads) {
      if (present.has(worker)) continue;
      this.#threads.delete(worker);
      this.#lingering.set(worker, thread);
      clearTimeout(thread.deadline);
      if (this.#closed === undefined) this.events.onGone(thread.id);
    }
    for (const worker of present) {
      if (!this.#threads.has(worker)) this.#attend(worker);
    }
  }

  #attend(worker: Worker): void {
    const exited = new Promise<void>((resolve) => {
      worker.once('exit', resolve);
    });
    const thread: Thread = { id: worker.threadId, ready: false, deadline: undefined, exited };
    this.#threads.set(worker, thread);
    // Whoever waits for the reports of the first threads has a deadline for them.
    if (this.#hasReported) {
      thread.deadline = setTimeout(() => {
        // Leads to `exit` below.
        if (!thread.ready) void worker.terminate();
      }, this.settings.startTimeout).unref();
    }
    worker.on('message', (message: { ready?: boolean }) => {
      if (message.ready !== true || thread.ready) return;
      clearTimeout(thread.deadline);
      thread.ready = true;
      if (this.#closed === undefined) this.events.onReady();
    });
    worker.on('error', (error: Error) => {
      const failedToStart = !thread.ready;
      this.#adopt();
      if (failedToStart && this.#closed === undefined) this.events.onBroken(goneFor(error));
    });
    worker.on('exit', (code: number) => {
      // Tinypool listens to `error` only: after `process.exit()` in a task it would wait for ever.
      if (this.#pool.threads.includes(worker)) {
        worker.emit('error', new ThreadGone(`it exited with code ${code}`));
      }
      this.#lingering.delete(worker);
    });
  }
}

/** Says why a thread has ended, with the error that ended it as the cause. */
export function goneFor(error: unknown): ThreadGone {
  if (error instanceof ThreadGone) return error;
  const { code, message } = (error ?? {}) as {
    readonly code?: unknown;
    readonly message?: unknown;
  };
  const reason =
    code === 'ERR_WORKER_OUT_OF_MEMORY'
      ? 'it ran out of memory'
      : `an error that nobody caught: ${typeof message === 'string' ? message : String(error)}`;
  return new ThreadGone(reason, { cause: error });
}
