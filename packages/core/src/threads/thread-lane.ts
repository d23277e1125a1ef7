/** Keeps a number of threads going: starts them, and puts a new one in the place of each that ends. */
import { outsideOfFlows } from '../context.js';
import { DisposedError, TeardownTimeoutError, ThreadStartError } from '../errors.js';
import { decode } from '../portable/codec.js';
import type { HopDefinition, Manifest } from './executor.js';
import {
  discard,
  processPacker,
  threadPacker,
  unpack,
  type Packed,
  type Packer,
} from './freight.js';
import { ThreadGone } from './thread-gone.js';
import { detailsFor } from './hop-details.js';
import type { Departure, Lane, LaneEvents, Trip } from './lane.js';
import type { HopTask, Report, SetupTask } from './message.js';
import type { GroupSettings } from './options.js';
import { defaultGroup } from '../scope.js';
import { workerEntry } from '../worker-entry.js';
import { tellOfThread, warnOfEnd } from './thread-events.js';
import { WorkerThread } from './worker-thread.js';

/** How often in a row a thread may fail to start before the lane gives up until somebody asks. */
const attempts = 3;

/** How long until starting is tried again after that, in milliseconds; doubled with each failure. */
const firstDelay = 1_000;
const longestDelay = 30_000;

/** How long after it was told to end a thread counts as stuck, in milliseconds. */
const patience = 200;

/** How a process ends whose options Node does not know. */
const badOption = 'it exited with code 9';

/** How long {@link ThreadLane.close} waits for threads that are in native code, in milliseconds. */
const closing = 800;

/** Why a thread is of no use that has started; undefined if it is. */
function lackIn({ failed, unreachable }: Report): ThreadGone | undefined {
  const [first] = failed;
  if (first !== undefined) {
    const cause = decode(unpack(first.error));
    const message = cause instanceof Error ? cause.message : String(cause);
    return new ThreadGone(` while importing ${first.module}: ${message}`, { cause });
  }
  const [missing] = unreachable;
  return missing === undefined ? undefined : new ThreadGone(`: ${missing.reason}`);
}

/** How often it is looked whether threads go on that hops wait for, in milliseconds. */
const look = 5;

/** Waits for a change of the number of threads. */
interface Watcher {
  readonly resolve: () => void;
  readonly reject: (error: ThreadStartError | DisposedError) => void;
}

export class ThreadLane implements Lane {
  #size: number;
  /** Threads that start. */
  readonly #starting = new Set<WorkerThread>();
  /** Threads that take hops, or have one. */
  readonly #threads = new Set<WorkerThread>();
  /** Those of them that are free, the one that was busy last at the end: it is warm. */
  readonly #idle: WorkerThread[] = [];
  /** Threads that were told to end and have not, and when. */
  readonly #ending = new Map<WorkerThread, number>();
  readonly #retiring = new Set<Promise<unknown>>();
  /** What the teardowns of threads that have ended in order have thrown. */
  readonly #errors: unknown[] = [];
  readonly #packer: Packer;
  #watchers: Watcher[] = [];
  #setup: SetupTask | undefined;
  #isOpen = false;
  /** How many starts of replacements are on their way. */
  #starts = 0;
  #retry: NodeJS.Timeout | undefined;
  #look: NodeJS.Timeout | undefined;
  /** How long until the next try after starting has failed, in milliseconds. */
  #delay = firstDelay;
  #isClosing = false;
  #closed: Promise<readonly unknown[]> | undefined;
  #replaced = 0;

  constructor(
    private readonly settings: GroupSettings,
    private readonly events: LaneEvents,
  ) {
    this.#size = settings.size;
    this.#packer = settings.runtime === 'child_process' ? processPacker : threadPacker;
  }

  get size(): number {
    return this.#size;
  }

  get free(): number {
    return this.#isClosing ? 0 : this.#idle.length;
  }

  get threads(): number {
    return this.#threads.size;
  }

  get starting(): number {
    return this.#starts;
  }

  get replaced(): number {
    return this.#replaced;
  }

  get stuck(): number {
    let count = 0;
    for (const since of this.#ending.values()) if (performance.now() - since > patience) count++;
    return count;
  }

  /** @throws ThreadStartError; DisposedError. */
  async open(manifest: Manifest): Promise<readonly Report[]> {
    this.prepare(manifest);
    this.#isOpen = true;
    try {
      const starts = Array.from({ length: this.#size }, () => this.#startThread());
      return await Promise.all(starts);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  prepare(manifest: Manifest): void {
    const { startTimeout, teardownTimeout, niceness } = this.settings;
    this.#setup = { task: 'setup', manifest, startTimeout, teardownTimeout, niceness };
  }

  wake(): void {
    if (this.#setup === undefined || this.#threads.size > 0) return;
    this.#isOpen = true;
    this.#refill();
  }

  get behind(): number {
    let behind = 0;
    for (const { hops } of this.#threads) if (hops > 1) behind += hops - 1;
    return behind;
  }

  hasRoom(expected: number): boolean {
    return this.#roomFor(expected) !== undefined;
  }

  /** The busy thread that has least to do before it would come to one more hop. */
  #roomFor(expected: number): WorkerThread | undefined {
    // Those that are too many end as soon as they are free.
    if (expected === Infinity || this.#isClosing || this.#threads.size > this.#size)
      return undefined;
    let best: WorkerThread | undefined;
    for (const thread of this.#threads) {
      // One that is free has been given away already.
      if (thread.hops === 0 || !thread.hasRoom(expected)) continue;
      if (best === undefined || thread.hops < best.hops) best = thread;
    }
    return best;
  }

  send(departure: Departure): Trip | undefined {
    const { definition, inputs, isSized, expected } = departure;
    // First: packing runs code of the user's, which may ask for a thread itself.
    const idle = this.#idle.pop();
    const thread = idle ?? this.#roomFor(expected);
    if (thread === undefined) throw new RangeError('No thread is free.');
    const ticket = thread.reserve(expected);
    let packed: Packed;
    try {
      packed = departure.packed ?? this.#packer.pack(inputs, isSized);
    } catch (error) {
      this.#giveBack(thread, ticket, expected);
      throw error;
    }
    if (!thread.isAlive || (packed.moves && idle === undefined)) {
      this.#giveBack(thread, ticket, expected);
      if (packed.moves) departure.packed = packed;
      else discard(packed);
      return undefined;
    }
    if (idle === undefined) this.#take(thread);
    const task: HopTask = {
      task: 'hop',
      hop: definition.id,
      inputs: packed.freight,
      details: detailsFor(departure, thread.known.mention(definition)),
    };
    let trip: Trip;
    try {
      trip = thread.send(ticket, departure, task, packed);
    } catch (error) {
      // What the thread has been told, and what not, nobody knows any more.
      this.#endThread(thread);
      throw error;
    }
    if (!trip.isFirst) this.#watchLines();
    return trip;
  }

  /** It is free no more: it may have become that while a hop for it was packed. */
  #take(thread: WorkerThread): void {
    const position = this.#idle.indexOf(thread);
    if (position >= 0) this.#idle.splice(position, 1);
  }

  /** Takes back the place of a hop that does not leave. */
  #giveBack(thread: WorkerThread, ticket: number, expected: number): void {
    thread.release(ticket, expected);
    if (thread.hops === 0) this.#release(thread);
  }

  /** Takes back from threads what they do not come to. Looks for as long as hops wait for their thread. */
  #watchLines(): void {
    this.#look ??= setTimeout(() => {
      this.#look = undefined;
      for (const thread of this.#threads) thread.takeBackLate();
      if (this.behind > 0) this.#watchLines();
    }, look).unref();
  }

  async resize(size: number): Promise<void> {
    if (this.#isClosing) throw new DisposedError('container');
    this.#size = size;
    if (!this.#isOpen) return;
    while (this.#threads.size > size) {
      const thread = this.#idle.shift();
      if (thread === undefined) break;
      this.#retire(thread);
    }
    this.#refill();
    await Promise.all(this.#retiring);
    if (this.#isFull) return;
    await new Promise<void>((resolve, reject) => this.#watchers.push({ resolve, reject }));
  }

  close(): Promise<readonly unknown[]> {
    this.#isClosing = true;
    return (this.#closed ??= this.#close());
  }

  /** A method, since the answer changes during an `await`. */
  #hasClosed(): boolean {
    return this.#isClosing;
  }

  get #isFull(): boolean {
    return this.#threads.size === this.#size;
  }

  /** A thread is free: it is kept, unless there are too many. */
  #release(thread: WorkerThread): void {
    if (!thread.isAlive || this.#hasClosed()) return;
    if (this.#threads.size > this.#size) this.#retire(thread);
    // What is packed for it may have to leave again, and all that it had may have gone meanwhile.
    else if (!this.#idle.includes(thread)) this.#idle.push(thread);
  }

  /** Ends a thread whose hop is no longer wanted. @returns as `Trip.end`. */
  #endThread(thread: WorkerThread): boolean {
    if (!thread.isAlive) return true;
    // More would only pile up.
    if (this.stuck >= this.#size) return false;
    this.#replaced++;
    this.#terminate(thread, 'it was ended');
    this.#refill();
    return true;
  }

  #terminate(thread: WorkerThread, reason: string): void {
    this.#forget(thread);
    if (!thread.isAlive) return;
    this.#tellEnd(thread, reason, thread.held);
    this.#ending.set(thread, performance.now());
    thread.terminate(reason);
  }

  #tellEnd(
    thread: WorkerThread,
    reason: string,
    held: HopDefinition | undefined,
    error?: unknown,
  ): void {
    tellOfThread(() => ({
      event: thread.id === 0 ? 'failed' : 'ended',
      group: this.settings.name,
      threadId: thread.id,
      reason,
      ...(error === undefined ? {} : { error }),
      held: (held?.steps ?? []).flatMap(({ operation, label }) =>
        operation === 'call' || operation === 'construct' ? [label] : [],
      ),
      replaced: !this.#hasClosed() && this.#threads.size < this.#size,
    }));
  }

  #forget(thread: WorkerThread): void {
    this.#starting.delete(thread);
    this.#threads.delete(thread);
    this.#take(thread);
  }

  /** Ends a thread that is free, in an orderly way. */
  #retire(thread: WorkerThread): void {
    this.#forget(thread);
    const retiring = this.#endInOrder(thread).finally(() => {
      this.#retiring.delete(retiring);
      this.#tellWatchers();
    });
    this.#retiring.add(retiring);
  }

  async #endInOrder(thread: WorkerThread): Promise<void> {
    const { teardownTimeout, name } = this.settings;
    this.#tellEnd(thread, 'it is not needed any more', undefined);
    this.#ending.set(thread, Infinity);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), teardownTimeout);
    });
    const reply = await Promise.race([thread.end(), late]);
    clearTimeout(timer);
    if (reply === 'late') {
      this.#errors.push(new TeardownTimeoutError(`a thread of '${name}'`, teardownTimeout));
    } else if (reply !== undefined) {
      this.#errors.push(...(decode(unpack(reply.errors)) as unknown[]));
    }
    if (this.#ending.has(thread)) this.#ending.set(thread, performance.now());
    thread.terminate('it was ended');
  }

  /** @param isReplacement - whether it is to have all that the first threads have found. */
  async #startThread(isReplacement = false): Promise<Report> {
    let last: ThreadGone | undefined;
    for (let attempt = 0; attempt < attempts; attempt++) {
      if (this.#hasClosed()) throw new DisposedError('container');
      const started = await this.#tryToStart(this.#setup as SetupTask, isReplacement);
      if (!(started instanceof ThreadGone)) return started;
      last = started;
    }
    throw new ThreadStartError(
      `one of them ended${last?.message ?? ''}`,
      last?.cause,
      last?.cause === undefined
        ? 'Let no module end the process where it is imported in a thread (see `isMainThread`).'
        : 'See the cause.',
    );
  }

  /** @returns why it has ended, if it has. @throws ThreadStartError if it takes too long, or Node makes none. */
  async #tryToStart(setup: SetupTask, isReplacement: boolean): Promise<Report | ThreadGone> {
    const thread = outsideOfFlows(() => this.#newThread());
    this.#starting.add(thread);
    const where = (): string => {
      const { importing } = thread;
      const module = importing === undefined ? undefined : setup.manifest.modules[importing.index];
      return module === undefined ? '' : ` while importing ${module}`;
    };
    const { startTimeout } = this.settings;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), startTimeout);
    });
    try {
      const report = await Promise.race([outsideOfFlows(() => thread.start(setup)), late]);
      if (report === 'late') {
        throw new ThreadStartError(
          `they took longer than ${startTimeout} ms${where()}`,
          undefined,
          'Let the modules do less when they are imported, or set `threads: { startTimeout }`.',
        );
      }
      const lack = isReplacement ? lackIn(report) : undefined;
      if (lack !== undefined) {
        this.#terminate(thread, 'it did not find its modules');
        return lack;
      }
      this.#starting.delete(thread);
      this.#threads.add(thread);
      const { name: group } = this.settings;
      tellOfThread(() => ({ event: 'ready', group, threadId: thread.id }));
      this.#release(thread);
      this.#tellWatchers();
      return report;
    } catch (error) {
      this.#terminate(thread, 'it did not start');
      if (error instanceof ThreadStartError) throw error;
      const refused = this.#refusal(error, thread);
      if (refused !== undefined) throw refused;
      if (!(error instanceof ThreadGone)) {
        throw new ThreadStartError(`Node has made none: ${(error as Error).message}`, error);
      }
      if (this.#hasClosed()) throw new DisposedError('container');
      const { message, cause } = error;
      return new ThreadGone(`${where()}: ${message}`, cause === undefined ? {} : { cause });
    } finally {
      clearTimeout(timer);
    }
  }

  /** Says that Node does not take the options that it was given; undefined if that is not the reason. */
  #refusal(error: unknown, { importing }: WorkerThread): ThreadStartError | undefined {
    const { execArgv, name } = this.settings;
    if (execArgv === undefined) return undefined;
    const { code, message } = error as Error & { readonly code?: unknown };
    // A process has ended by itself before anything was imported in it; why is on its stderr.
    const isBadOption = error instanceof ThreadGone && message === badOption;
    if (code !== 'ERR_WORKER_INVALID_EXEC_ARGV' && !(isBadOption && importing === undefined)) {
      return undefined;
    }
    const option =
      name === defaultGroup
        ? '`threads: { execArgv }`'
        : `\`threads: { groups: { ${name}: { execArgv } } }\``;
    return new ThreadStartError(
      `Node refuses ${option} (${execArgv.join(' ')}): ${message}`,
      error,
      'Give options that Node knows, and that are not for the whole process where they are for threads.',
    );
  }

  #newThread(): WorkerThread {
    return new WorkerThread(this.settings, workerEntry(), {
      onGone: (gone, reason, held) => this.#noteGone(gone, reason, held),
      onFree: (free) => this.#release(free),
      onReturns: () => this.events.onFree(),
      endForTrip: (thread) => this.#endThread(thread),
      onExit: (gone) => this.#ending.delete(gone),
    });
  }

  #noteGone(thread: WorkerThread, reason: ThreadGone, held: HopDefinition | undefined): void {
    const wasThere = this.#threads.has(thread);
    this.#forget(thread);
    this.#tellEnd(thread, reason.message, held, reason.cause);
    if (!wasThere || this.#hasClosed()) return;
    this.#replaced++;
    this.#refill();
    if (held === undefined) warnOfEnd(this.settings.name, reason);
  }

  /** Starts as many threads as are missing; those that are on their way count. */
  #refill(): void {
    if (this.#setup === undefined) return;
    clearTimeout(this.#retry);
    while (!this.#hasClosed() && this.#threads.size + this.#starts < this.#size) {
      this.#starts++;
      void this.#replace();
    }
  }

  async #replace(): Promise<void> {
    try {
      await this.#startThread(true);
    } catch (error) {
      this.#starts--;
      this.#giveUp(error as ThreadStartError);
      return;
    }
    this.#starts--;
    this.#delay = firstDelay;
    this.#tellWatchers();
    this.events.onFree();
    // One that has started may have ended since.
    this.#refill();
  }

  /** Starting has failed again and again: tries anew later, or when somebody asks. */
  #giveUp(error: ThreadStartError): void {
    if (this.#hasClosed()) return;
    const watchers = this.#isFull ? [] : this.#watchers;
    if (!this.#isFull) this.#watchers = [];
    // A group that was to grow stays as large as it is.
    if (watchers.length > 0) this.#size = Math.max(1, this.#threads.size);
    for (const { reject } of watchers) reject(error);
    if (this.#threads.size === 0 && this.#starts === 0) this.events.onStuck(error);
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#refill(), this.#delay).unref();
    this.#delay = Math.min(2 * this.#delay, longestDelay);
  }

  #tellWatchers(): void {
    if (!this.#isFull || this.#retiring.size > 0) return;
    const watchers = this.#watchers;
    this.#watchers = [];
    for (const { resolve } of watchers) resolve();
  }

  async #close(): Promise<readonly unknown[]> {
    clearTimeout(this.#retry);
    clearTimeout(this.#look);
    for (const { reject } of this.#watchers) reject(new DisposedError('container'));
    for (const thread of [...this.#idle]) this.#retire(thread);
    for (const thread of [...this.#threads, ...this.#starting]) {
      this.#terminate(thread, 'it was ended');
    }
    await Promise.all(this.#retiring);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, closing);
    });
    const exits = [...this.#ending.keys()].map(({ exited }) => exited);
    await Promise.race([Promise.all(exits), late]);
    clearTimeout(timer);
    return this.#errors;
  }
}
