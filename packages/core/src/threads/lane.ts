/** What a dispatcher asks of the place where hops run: real threads, or the loop itself. */
import type { HopDefinition } from './executor.js';
import type { Packed } from './freight.js';
import type { HopReply } from './message.js';
import type { Stop } from './stop.js';

/** A hop on its way. */
export interface Departure {
  readonly definition: HopDefinition;
  readonly inputs: Packed;
  /** The cell behind the `AbortSignal` that a step of the hop asks for. */
  readonly abort: Int32Array | undefined;
  /** Whether the thread shall measure the steps. */
  readonly timed: boolean;
  /** Ends the thread that runs the hop. */
  readonly stop: Stop;
}

export interface Lane {
  /** How many hops would start at once. */
  readonly free: number;
  /** Threads alive. */
  readonly size: number;
  /** Threads that ended and were replaced. */
  readonly replaced: number;
  /** Whether {@link Departure.stop} may be used: a thread in native code would not end by it. */
  readonly mayEndThreads: boolean;
  /** A hop has to wait: a lane that has given up starting threads tries again. */
  wake(): void;
  /** @throws ThreadGone if the thread ends before it answers. */
  send(departure: Departure): Promise<HopReply>;
  /** Ends all threads. */
  close(): Promise<void>;
}
