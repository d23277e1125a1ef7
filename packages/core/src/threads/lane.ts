/** What a dispatcher asks of the place where hops run: real threads, or the loop itself. */
import type { ThreadStartError } from '../errors.js';
import type { HopDefinition, Manifest, NeededClass } from './executor.js';
import type { Packed } from './freight.js';
import type { StepProgress } from './hop-control.js';
import type { ThreadGone } from './thread-gone.js';
import type { HopReply, Report } from './message.js';

/** A hop that leaves for a thread, which hears how it ends there. */
export interface Departure {
  readonly definition: HopDefinition;
  /** An array. */
  readonly inputs: readonly unknown[];
  /** Whether the hop is told that it is aborted, and tells which of its steps runs. */
  readonly isControlled: boolean;
  /** Whether the thread shall tell how long the steps ran. */
  readonly isTimed: boolean;
  /** Whether it shall be told how many bytes inputs and values have. */
  readonly isSized: boolean;
  /** Steps of which the thread shall say whether their values could cross. */
  readonly probe: readonly number[] | undefined;
  /** For how long it is expected to keep its thread, in milliseconds. */
  readonly expected: number;
  /** What it was packed to when it could not leave, where it cannot be packed once more. */
  packed: Packed | undefined;

  /** Its thread, which was busy, comes to it now, as far as the loop knows. */
  reached(): void;
  answered(reply: HopReply): void;
  /** Its thread has ended, while it held the hop or was about to begin it. */
  gone(reason: ThreadGone): void;
  /** Its thread has not come to it, and will not: as if it had not left. Of several, the last one first. */
  returned(): void;
}

/** A module that a thread imports since a hop needs it. */
export interface HopImport {
  readonly module: string;
  /** The class that has joined the graph after the start; undefined where it is one of what was sent. */
  readonly need: NeededClass | undefined;
  /** For how long it has been at it, in milliseconds. */
  readonly ran: number;
}

/** A hop that is with a thread, or waits for that one. */
export interface Trip {
  /** Id of the thread, or pid of the process. */
  readonly thread: number;
  /** Of its inputs, about; where they were to be measured, and can be. */
  readonly bytes: number | undefined;
  /** Whether memory of the user's moves along. */
  readonly moves: boolean;
  /** Whether the thread was free when the hop left. */
  readonly isFirst: boolean;
  /** When the thread came to it, on the clock of `performance`; `Infinity` where the loop has not seen that. */
  readonly since: number;
  /** The step that runs, of a controlled hop. */
  readonly progress: StepProgress | undefined;
  /** What its thread imports before its first step; undefined if it does not. */
  readonly importing: HopImport | undefined;
  /** Tells the steps that ask for the `AbortSignal`; only for a controlled hop. */
  abort(): void;
  /** @returns false if the thread has begun it, or has ended. Nobody hears of it any more if it has not. */
  takeBack(): boolean;
  /**
   * Ends the thread.
   * @returns false if it does not: because there is none, or because as many as the lane may have are
   * stuck in native code, so that ending one more would only pile them up.
   */
  end(): boolean;
}

export interface Lane {
  /**
   * Starts the threads.
   * @returns what each has found.
   * @throws ThreadStartError
   */
  open(manifest: Manifest): Promise<readonly Report[]>;
  /** Notes what threads will have to import when the first hop asks for one; see {@link wake}. */
  prepare(manifest: Manifest): void;
  /** How many threads it is to have. */
  readonly size: number;
  /** How many hops would start at once. */
  readonly free: number;
  /** How many hops wait for the thread that they were given to. */
  readonly behind: number;
  /** Threads alive. */
  readonly threads: number;
  /** Threads that are on their way. */
  readonly starting: number;
  /** Threads that ended and were replaced. */
  readonly replaced: number;
  /** Threads that were told to end and have not. */
  readonly stuck: number;
  /** A hop has to wait: a lane that has no threads, or has given up starting them, tries again. */
  wake(): void;
  /**
   * Whether a hop that is expected to keep its thread for so long, in milliseconds, could wait for a thread
   * that is busy: only where all that this one has is short, so that waking up another would take longer.
   */
  hasRoom(expected: number): boolean;
  /**
   * Gives a hop to a thread; only to be called while {@link free} is positive or it {@link hasRoom}.
   * @returns undefined if it has to wait after all: it moves memory, which could not be taken back from a
   * thread that is busy, or what was run while it was packed has ended the thread.
   * @throws Obstacle if an input cannot cross.
   */
  send(departure: Departure): Trip | undefined;
  /** @returns when there are that many threads. */
  resize(size: number): Promise<void>;
  /** Ends all threads. @returns what the teardowns of what they kept threw. */
  close(): Promise<readonly unknown[]>;
}

/** What its owner hears of a lane. */
export interface LaneEvents {
  /** Hops that wait, such as those that have returned, may start now. */
  onFree(): void;
  /** There is no thread, and starting new ones has failed. */
  onStuck(error: ThreadStartError): void;
}
