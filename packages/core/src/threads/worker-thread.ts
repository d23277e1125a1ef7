/** One worker thread or process: a tinypool of one; all that tinypool 2.2 leaves open ends here. */
import type { ChildProcess } from 'node:child_process';
import { Tinypool } from 'tinypool';

import { decode } from '../portable/codec.js';
import { unpack, type Packed, type Transferable } from './freight.js';
import {
  abortCells,
  newCells,
  now,
  progressIn,
  since,
  type HopCells,
  type StepProgress,
} from './hop-control.js';
import { KnownHops } from './known-hops.js';
import type {
  AbortNotice,
  EndReply,
  EndTask,
  FaultNotice,
  HopReply,
  HopTask,
  ProgressNotice,
  Report,
  SetupTask,
} from './message.js';
import type { GroupSettings } from './options.js';
import {
  begunIn,
  importIn,
  newThreadCells,
  noteReceipt,
  type ImportProgress,
  type ThreadCells,
} from './thread-cells.js';

/** A thread has ended. */
export class ThreadGone extends Error {
  /** Whether the hop that it held is lost; else it has not begun, and another thread can run it. */
  isLost = true;
  /** Whether it was a process. */
  isProcess = false;
}

/** What the owner of a thread hears of it. */
export interface ThreadEvents {
  /** It has ended without having been told to. Whatever it held has failed with `reason`. */
  onGone(thread: WorkerThread, reason: ThreadGone): void;
  /** It has ended, after it had been told to. */
  onExit(thread: WorkerThread): void;
}

type Worker = Tinypool['threads'][number];

/** As long as timers can run: an idle thread is never ended for being idle. */
const never = 2 ** 31 - 1;

/** The notices between the program and a process, beside its tasks; as tinypool takes them. */
interface Notices {
  onMessage(send: (notice: AbortNotice) => void): void;
  postMessage(notice: ProgressNotice | FaultNotice): void;
}

export class WorkerThread {
  /** Hops whose definitions it has. */
  readonly known = new KnownHops();
  /** Id of the thread, or pid of the process; 0 before it has started. */
  id = 0;
  readonly #pool: Tinypool;
  #worker: Worker | undefined;
  /** Fails the task that it holds. */
  #fail: ((reason: ThreadGone) => void) | undefined;
  #isOver = false;
  #hasExited = false;
  readonly exited: Promise<void>;
  #exit!: () => void;
  /** Of a thread. */
  #progress: ThreadCells | undefined;
  /** How many hops it was given, and whether the last one can be given to another thread. */
  #hops = 0;
  #isRepeatable = false;
  #cells: HopCells | undefined;
  /** Of a process: number of its last run, when that left, where it is, and how to tell it something. */
  #run = 0;
  #sent = 0;
  #notice: ProgressNotice | undefined;
  #fault: FaultNotice | undefined;
  #send: ((notice: AbortNotice) => void) | undefined;
  readonly #notices: Notices | undefined;

  constructor(
    private readonly settings: GroupSettings,
    entry: URL,
    private readonly events: ThreadEvents,
  ) {
    const { runtime, execArgv, env, resourceLimits } = settings;
    const isProcess = runtime === 'child_process';
    const limit = isProcess ? resourceLimits?.maxOldGenerationSizeMb : undefined;
    const args =
      limit === undefined
        ? execArgv
        : [...(execArgv ?? process.execArgv), `--max-old-space-size=${limit}`];
    this.exited = new Promise((exit) => (this.#exit = exit));
    this.#pool = new Tinypool({
      filename: entry.href,
      name: 'run',
      runtime,
      serialization: 'advanced',
      // One life: who owns it starts another one. With a minimum tinypool would do so by itself, but
      // never again once a start has failed.
      minThreads: 0,
      maxThreads: 1,
      idleTimeout: never,
      // It would park idle threads in `Atomics.wait`: timers and sockets of what they keep (a
      // connection, a cache) would stand still, and their errors hit the next hop instead.
      useAtomics: false,
      ...(args === undefined ? {} : { execArgv: [...args] }),
      // Tinypool gives a process no environment but what it is told.
      ...(env === undefined ? (isProcess ? { env: environment() } : {}) : { env: { ...env } }),
      ...(resourceLimits === undefined || isProcess
        ? {}
        : { resourceLimits: { ...resourceLimits } }),
    });
    // The error of an idle thread; without a listener it would end the program. The thread itself
    // is seen by `#attend`.
    this.#pool.on('error', () => undefined);
    this.#notices = isProcess
      ? {
          onMessage: (send) => (this.#send = send),
          postMessage: (notice) => {
            if (isFault(notice)) this.#noteFault(notice);
            else this.#notice = notice;
          },
        }
      : undefined;
  }

  /** Whether it is a process, with which no memory is shared. */
  get isProcess(): boolean {
    return this.#notices !== undefined;
  }

  /** Whether it has not ended, and has not been told to. */
  get isAlive(): boolean {
    return !this.#isOver;
  }

  /** Whether it has been told to end and has not. */
  get isEnding(): boolean {
    return this.#isOver && !this.#hasExited;
  }

  /**
   * Starts the thread and lets it import its modules.
   * @throws ThreadGone if it ends before it has.
   */
  async start(setup: SetupTask): Promise<Report> {
    if (!this.isProcess) this.#progress = newThreadCells();
    const task = this.#progress === undefined ? setup : { ...setup, progress: this.#progress };
    const report = await this.#ask<Report>(task, []);
    this.id = report.thread;
    return report;
  }

  /** What it imports; undefined where a process has not told. */
  get importing(): ImportProgress | undefined {
    if (this.#progress !== undefined) return importIn(this.#progress);
    const notice = this.#notice;
    return notice !== undefined && isImport(notice)
      ? { index: notice.importing, ran: since(notice.since) }
      : undefined;
  }

  /**
   * Runs a hop.
   * @param controlled - whether {@link abort} and {@link progress} shall work.
   * @throws ThreadGone if the thread ends first.
   */
  run(
    task: HopTask,
    { transfer, moves }: Pick<Packed, 'transfer' | 'moves'>,
    controlled: boolean,
  ): Promise<HopReply> {
    this.#hops++;
    this.#isRepeatable = moves !== true;
    this.#notice = undefined;
    if (!controlled) return this.#ask<HopReply>(task, transfer);
    this.#sent = now();
    if (this.isProcess) return this.#ask<HopReply>({ ...task, run: ++this.#run }, transfer);
    this.#cells = newCells();
    return this.#ask<HopReply>({ ...task, cells: this.#cells }, transfer);
  }

  /** Tells the hop that runs that it is aborted. */
  abort(): void {
    if (this.#cells !== undefined) abortCells(this.#cells);
    if (!this.#isOver) this.#send?.({ abort: this.#run });
  }

  /** The step that runs, of a controlled hop. */
  get progress(): StepProgress | undefined {
    if (this.#cells !== undefined) return progressIn(this.#cells);
    const notice = this.#notice;
    return notice !== undefined && !isImport(notice) && notice.run === this.#run
      ? { step: notice.step, ran: since(notice.since) }
      : { step: -1, ran: since(this.#sent) };
  }

  /**
   * Lets it dispose what it keeps, then ends it; only while it holds no task.
   * @returns what it says of its teardowns; undefined if it has ended instead of answering.
   */
  async end(): Promise<EndReply | undefined> {
    const task: EndTask = { task: 'end' };
    const reply = await this.#ask<EndReply>(task, []).catch(() => undefined);
    this.terminate('it was ended');
    return reply;
  }

  /** Ends it, whatever it does. Native code ends before the thread can. */
  terminate(reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#fail?.(new ThreadGone(reason));
    // It rejects if the thread fails while it is being ended, which is no matter any more.
    this.#pool.destroy().catch(() => undefined);
    if (this.#worker === undefined) this.#noteExit();
  }

  #ask<Reply>(
    task: SetupTask | HopTask | EndTask,
    transfer: readonly Transferable[],
  ): Promise<Reply> {
    return new Promise<Reply>((resolve, reject) => {
      if (this.#isOver) {
        reject(new ThreadGone('it was ended'));
        return;
      }
      this.#fail = (gone) => {
        gone.isProcess = this.isProcess;
        reject(gone);
      };
      const channel = this.#notices as Parameters<Tinypool['run']>[1] & object;
      const answer = this.#pool.run(task, {
        transferList: transfer as Transferable[],
        ...(this.#notices === undefined ? {} : { channel: channel as never }),
      }) as Promise<Reply>;
      answer.then(
        (reply) => {
          this.#fail = undefined;
          if (task.task === 'hop' && this.#progress !== undefined) noteReceipt(this.#progress);
          this.#endForFault();
          resolve(reply);
        },
        (error: unknown) => reject(goneFor(error)),
      );
      if (this.#worker === undefined) this.#attend();
    });
  }

  /** Listens to tinypool's worker, which is made by the first task. */
  #attend(): void {
    const [worker] = this.#pool.threads;
    if (worker === undefined) return;
    this.#worker = worker;
    if (this.isProcess) endWithProgram(worker as { readonly process?: ChildProcess });
    worker.on('error', (error: Error) => this.#noteError(error));
    worker.once('exit', (code: number) => {
      // Tinypool listens to `error` only: after `process.exit()` in a task it would wait for ever.
      if (!this.#isOver) worker.emit('error', new ThreadGone(`it exited with code ${code}`));
      this.#noteExit();
    });
  }

  #noteError(error: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const reason = goneFor(this.#faultError() ?? this.#exitError() ?? error);
    reason.isLost = !this.#isRepeatable || this.#begun >= this.#hops;
    this.#fail?.(reason);
    this.events.onGone(this, reason);
  }

  /** How many hops have begun, as far as is known of one that has ended. */
  get #begun(): number {
    if (this.#progress !== undefined) return begunIn(this.#progress);
    return this.#fault?.begun ?? Infinity;
  }

  #noteFault(fault: FaultNotice): void {
    this.#fault = fault;
    // An answer that is on its way through tinypool comes first.
    const isAnswered = this.#hops > 0 && fault.answered >= this.#hops;
    if (this.#fail === undefined || !isAnswered) this.#endForFault();
  }

  #endForFault(): void {
    const error = this.#faultError();
    // Tinypool ends it.
    if (error !== undefined && !this.#isOver) this.#worker?.emit('error', error);
  }

  /** What a process has said last. */
  #faultError(): ThreadGone | undefined {
    if (this.#fault === undefined) return undefined;
    try {
      return goneFor(decode(unpack(this.#fault.fault)));
    } catch (failure) {
      return goneFor(failure);
    }
  }

  /** Of a process that has exited tinypool says nothing but that. */
  #exitError(): ThreadGone | undefined {
    const { process: child } = this.#worker as { readonly process?: ChildProcess };
    if (child === undefined) return undefined;
    if (child.signalCode !== null) return new ThreadGone(`it was ended by ${child.signalCode}`);
    return child.exitCode === null
      ? undefined
      : new ThreadGone(`it exited with code ${child.exitCode}`);
  }

  #noteExit(): void {
    if (this.#hasExited) return;
    this.#hasExited = true;
    this.#exit();
    this.events.onExit(this);
  }
}

/** Processes that are alive: one that loops does not hear that the program has gone. */
const children = new Set<ChildProcess>();

function endWithProgram({ process: child }: { readonly process?: ChildProcess }): void {
  if (child === undefined) return;
  if (children.size === 0) process.once('exit', killChildren);
  children.add(child);
  child.once('exit', () => {
    children.delete(child);
    if (children.size === 0) process.off('exit', killChildren);
  });
}

function killChildren(): void {
  for (const child of children) child.kill('SIGKILL');
}

function isImport(
  notice: ProgressNotice,
): notice is Extract<ProgressNotice, { importing: number }> {
  return Object.hasOwn(notice, 'importing');
}

function isFault(notice: ProgressNotice | FaultNotice): notice is FaultNotice {
  return Object.hasOwn(notice, 'fault');
}

/** That of this process, as `fork` takes it. */
function environment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    ),
  );
}

/** Says why a thread has ended, with the error that ended it as the cause. */
function goneFor(error: unknown): ThreadGone {
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
