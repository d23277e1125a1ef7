/** Tells where code really runs. */
import { isMainThread, threadId } from 'node:worker_threads';

export interface Place {
  readonly placement: 'loop' | 'thread';
  /** `worker_threads.threadId`: 0 is the event loop's. */
  readonly threadId: number;
}

/** Where the code that calls this runs. A utility function: turno never moves it elsewhere. */
export function here(): Place {
  return { placement: isMainThread ? 'loop' : 'thread', threadId };
}
