/** One worker thread or process: a tinypool of one; all that tinypool 2.2 leaves open ends here. */
import type { ChildProcess } from 'node:child_process';
import { Tinypool } from 'tinypool';

import { decode } from '../portable/codec.js';
import type { HopDefinition, Manifest } from './executor.js';
import { unpack, type Packed, type Transferable } from './freight.js';
import type { HopLine, LineHost } from './hop-line.js';
import { ThreadGone } from './thread-gone.js';
import {
  importIn,
  latePosition,
  newImportCells,
  type ImportCells,
  type ImportProgress,
} from './import-cells.js';
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
  StayTask,
} from './message.js';
import type { Departure, HopImport, Trip } from './lane.js';
import type { GroupSettings } from './options.js';
import { ProcessLine } from './process-line.js';
import { ThreadLine } from './thread-line.js';

/** What the owner of a thread hears of it. */
export interface ThreadEvents {
  /** It has ended without having been told to. @param held - the hop that it had begun. */
  onGone(thread: WorkerThread, reason: ThreadGone, held: HopDefinition | undefined): void;
  /** It has ended, after it had been told to. */
  onExit(thread: WorkerThread): void;
  /** It holds no hop any more. */
  onFree(thread: WorkerThread): void;
  /** Hops have returned from it. */
  onReturns(): void;
  /** As `Trip.end`, for a hop that it holds. */
  endForTrip(thread: WorkerThread): boolean;
}

type Worker = Tinypool['threads'][number];

/** As long as timers can run: when tinypool would end a thread that has had no task from it. */
const longestIdle = 2 ** 31 - 1;

/** The notices between the program and a process, beside its tasks; as tinypool takes them. */
interface Notices {
  onMessage(send: (notice: AbortNotice) => void): void;
  postMessage(notice: ProgressNotice | FaultNotice): void;
}

export class WorkerThread implements LineHost {
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
  readonly #line: HopLine;
  /** Of a thread, to which its hops do not come as tasks of tinypool. */
  readonly #threadLine: ThreadLine | undefined;
  #imports: ImportCells | undefined;
  #manifest: Manifest | undefined;
  #stay: NodeJS.Timeout | undefined;
  /** Of a process. */
  readonly #processLine: ProcessLine | undefined;
  #fault: FaultNotice | undefined;
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
      idleTimeout: longestIdle,
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
    if (!isProcess) {
      this.#line = this.#threadLine = new ThreadLine(this);
      return;
    }
    const line = new ProcessLine((task) => this.#ask<HopReply>(task, []), this);
    this.#line = this.#processLine = line;
    this.#notices = {
      onMessage: (send) => line.connect(send),
      postMessage: (notice) => {
        if (isFault(notice)) this.#noteFault(notice);
        else line.note(notice);
      },
    };
  }

  /** Whether it is a process, with which no memory is shared. */
  get isProcess(): boolean {
    return this.#notices !== undefined;
  }

  /** Whether it has not ended, and has not been told to. */
  get isAlive(): boolean {
    return !this.#isOver;
  }

  /**
   * Starts the thread and lets it import its modules.
   * @throws ThreadGone if it ends before it has.
   */
  async start(setup: SetupTask): Promise<Report> {
    this.#manifest = setup.manifest;
    const report = await this.#setUp(setup);
    this.id = report.thread;
    return report;
  }

  #setUp(setup: SetupTask): Promise<Report> {
    const line = this.#threadLine;
    if (line === undefined) return this.#ask<Report>(setup, []);
    this.#imports = newImportCells();
    // Tinypool knows nothing of the hops of a thread, and shall not take it for one that idles.
    this.#stay = setInterval(() => {
      this.#ask({ task: 'stay' }, []).catch(() => undefined);
    }, longestIdle / 2).unref();
    const { farEnd } = line;
    return this.#ask<Report>({ ...setup, progress: this.#imports, farEnd }, [farEnd.port]);
  }

  /** What it imports; undefined where a process has not told. */
  get importing(): ImportProgress | undefined {
    return this.#imports === undefined ? this.#processLine?.importing : importIn(this.#imports);
  }

  /** The hop that it has, or will come to next. */
  get held(): HopDefinition | undefined {
    // The answer of a process is here before its line hears of it.
    const isAnswered = this.#processLine !== undefined && this.#fail === undefined;
    return isAnswered ? undefined : this.#line.first;
  }

  /** How many hops it has. */
  get hops(): number {
    return this.#line.size;
  }

  /** Whether a hop could wait for it behind others. @param expected - for how long, in milliseconds. */
  hasRoom(expected: number): boolean {
    return !this.#isOver && this.#line.hasRoom(expected);
  }

  /** As {@link HopLine.reserve}; only while it is free or {@link hasRoom}. */
  reserve(expected: number): number {
    return this.#line.reserve(expected);
  }

  /** As {@link HopLine.release}. */
  release(ticket: number, expected: number): void {
    this.#line.release(ticket, expected);
  }

  /** Gives it a hop; only while it is alive. */
  send(ticket: number, departure: Departure, task: HopTask, packed: Packed): Trip {
    return this.#line.send(ticket, departure, task, packed);
  }

  importFor({ late = [] }: HopDefinition): HopImport | undefined {
    const { importing } = this;
    if (importing === undefined || this.#manifest === undefined) return undefined;
    const { modules, portableModules } = this.#manifest;
    const position = latePosition(modules.length, importing.index);
    if (position < 0) return undefined;
    const need = late[position - portableModules.length];
    const module = portableModules[position] ?? need?.module;
    return module === undefined ? undefined : { module, need, ran: importing.ran };
  }

  endForTrip(): boolean {
    return this.events.endForTrip(this);
  }

  noteReturns(): void {
    this.events.onReturns();
  }

  noteBusy(): void {
    this.#worker?.ref?.();
  }

  noteFree(): void {
    // Tinypool does that for a process, which has its hops from it.
    if (this.#threadLine !== undefined) this.#worker?.unref?.();
    this.events.onFree(this);
  }

  /** As {@link HopLine.takeBackLate}. */
  takeBackLate(): void {
    this.#line.takeBackLate();
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
    clearInterval(this.#stay);
    const gone = new ThreadGone(reason);
    this.#fail?.(gone);
    this.#line.close(gone)();
    // It rejects if the thread fails while it is being ended, which is no matter any more.
    this.#pool.destroy().catch(() => undefined);
    if (this.#worker === undefined) this.#noteExit();
  }

  #ask<Reply>(
    task: SetupTask | HopTask | EndTask | StayTask,
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
    clearInterval(this.#stay);
    const reason = goneFor(this.#faultError() ?? this.#exitError() ?? error);
    reason.isLost = this.#hasBegun;
    this.#fail?.(reason);
    // What it has answered it does not hold any more.
    this.#line.takeAnswers();
    const { held } = this;
    const tell = this.#line.close(reason);
    this.events.onGone(this, reason, reason.isLost ? held : undefined);
    tell();
  }

  /** Whether a process that has ended had begun its last hop. */
  get #hasBegun(): boolean {
    return (this.#fault?.begun ?? Infinity) >= (this.#processLine?.hops ?? 0);
  }

  #noteFault(fault: FaultNotice): void {
    this.#fault = fault;
    // An answer that is on its way through tinypool comes first.
    const hops = this.#processLine?.hops ?? 0;
    const isAnswered = hops > 0 && fault.answered >= hops;
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
