/** How hops come to one thread or process, and their answers back. */
import type { StepProgress } from './hop-control.js';
import type { HopDefinition } from './executor.js';
import type { Packed } from './freight.js';
import type { HopReply, HopTask } from './message.js';

/** A thread has ended. */
export class ThreadGone extends Error {
  /** Whether the hop that it held is lost; else it has not begun, and another thread can run it. */
  isLost = true;
  /** Whether it was a process. */
  isProcess = false;
}

/** Hears how a hop in a thread ends: one of these is called, once. */
export interface TripListener {
  answered(reply: HopReply): void;
  /** Its thread has ended, while it held the hop or was about to begin it. */
  gone(reason: ThreadGone): void;
  /** Its thread has not come to it, and will not: as if it had not left. */
  returned(): void;
}

/** A hop that is ready to leave. */
export interface Boarding {
  readonly definition: HopDefinition;
  readonly task: HopTask;
  readonly packed: Pick<Packed, 'transfer' | 'moves'>;
  /** Whether the hop is told that it is aborted, and tells which of its steps runs. */
  readonly controlled: boolean;
  /** For how long it is expected to keep its thread, in milliseconds. */
  readonly expected: number;
  readonly listener: TripListener;
}

/** A hop on a line. */
export interface Passage {
  /** When its thread came to it, as far as the loop knows: on the clock of `performance`. */
  readonly since: number;
  /** Whether the thread was free when it left. */
  readonly isFirst: boolean;
  /** Whether the thread has begun it. */
  readonly isBegun: boolean;
  /** The step that runs, of a controlled hop. */
  readonly progress: StepProgress | undefined;
  /** Tells a controlled hop that it is aborted. */
  abort(): void;
  /** @returns false if the thread has begun it. Nobody hears of it any more if it has not. */
  takeBack(): boolean;
}

export interface HopLine {
  /** How many hops are on it. */
  readonly size: number;
  /** The one that its thread has, or will come to next. */
  readonly first: HopDefinition | undefined;
  /** Whether a hop could wait behind the others that are on it. @param expected - as in {@link Boarding}. */
  hasRoom(expected: number): boolean;
  send(boarding: Boarding): Passage;
  /** Takes back what waits while what runs before it takes longer than it was expected to. */
  takeBackStuck(): void;
  /**
   * Its thread has ended, or is being ended, and begins none that has not begun.
   * @param reason - gets to know whether the first hop is lost.
   * @returns what tells all who are on it.
   */
  close(reason: ThreadGone): () => void;
}
