/** How hops come to one thread or process, and their answers back. */
import type { HopDefinition } from './executor.js';
import type { Packed } from './freight.js';
import type { Departure, HopImport, Trip } from './lane.js';
import type { HopTask } from './message.js';
import type { ThreadGone } from './thread-gone.js';

/** The thread or process at the end of a line, as the trips on it see it. */
export interface LineHost {
  /** Id of the thread, or pid of the process; 0 before it has started. */
  readonly id: number;
  /** What it imports for a hop. */
  importFor(definition: HopDefinition): HopImport | undefined;
  /** As `Trip.end`. */
  endForTrip(): boolean;
  /** It holds a hop from now on. */
  noteBusy(): void;
  /** It holds no hop any more. */
  noteFree(): void;
  /** Hops have returned from it. */
  noteReturns(): void;
}

export interface HopLine {
  /** How many hops are on it. */
  readonly size: number;
  /** The one that its thread has, or will come to next. */
  readonly first: HopDefinition | undefined;
  /** Whether a hop that is expected to keep the thread for so long could wait behind the others that are on it. */
  hasRoom(expected: number): boolean;
  /** Keeps a place for a hop while it is packed, which runs code of the user's. @returns its ticket. */
  reserve(expected: number): number;
  /** Gives a place back whose hop does not leave. */
  release(ticket: number, expected: number): void;
  /** Only while the thread has not ended. */
  send(ticket: number, departure: Departure, task: HopTask, packed: Packed): Trip;
  /** Takes back what waits while what runs before it takes longer than it was expected to. */
  takeBackLate(): void;
  /** Takes the answers that are there. */
  takeAnswers(): void;
  /**
   * Its thread has ended, or is being ended, and begins none that has not begun.
   * @param reason - gets to know whether the first hop is lost.
   * @returns what tells all who are on it.
   */
  close(reason: ThreadGone): () => void;
}
