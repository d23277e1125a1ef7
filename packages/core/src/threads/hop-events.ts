/** Tells of each hop that has ended, while somebody listens, on the channel `turno.hop`. */
import { channel } from 'node:diagnostics_channel';

/** What subscribers of `turno.hop` are given: one object per hop, once it has ended. */
export interface HopEvent {
  /** Its providers in the order in which they run. Lists and signals are not among them. */
  readonly steps: readonly {
    /** The provider, as paths and messages show it: `Kitchen.grind`. */
    readonly label: string;
    /**
     * How long it ran, in milliseconds, measured in the thread; 0 for a value that the thread had
     * kept. Undefined if it did not come to run, or if nobody knows, since the thread has ended.
     */
    readonly ran: number | undefined;
  }[];
  /** The group of threads that it was for. */
  readonly group: string;
  /** The thread that answered it. Undefined if none did: it was refused, or its thread has ended. */
  readonly threadId: number | undefined;
  /** How long it waited for a thread, in milliseconds. */
  readonly waited: number;
  /** From its leaving to its answer as the loop saw it, in milliseconds; 0 if it never left. */
  readonly ran: number;
  /** About how many bytes went to the thread with it. Undefined if it never left, or cannot be told. */
  readonly bytesIn: number | undefined;
  /** About how many bytes came back as its values. Undefined if none did, or it cannot be told. */
  readonly bytesOut: number | undefined;
  /** Why it has failed, as a provider, the codec or the container has said; else left out. */
  readonly error?: unknown;
}

/** Held for ever: a channel that nobody holds may be collected, with its subscribers. */
export const hopChannel = channel('turno.hop');
