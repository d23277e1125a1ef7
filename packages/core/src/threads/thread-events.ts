/** Tells of threads that start and end, on the channel `turno.thread`, and of what no caller hears of. */
import { channel } from 'node:diagnostics_channel';

/** What subscribers of `turno.thread` are given. */
export interface ThreadEvent {
  /**
   * `ready`: it has imported its modules and takes hops; `failed`: it has ended, or took too long,
   * before that; `ended`: it takes no more.
   */
  readonly event: 'ready' | 'failed' | 'ended';
  /** The group of threads that it belongs to. */
  readonly group: string;
  /** Id of the thread, or pid of the process; 0 for one that did not start. */
  readonly threadId: number;
  /** Why it has failed or ended: `it exited with code 1`. */
  readonly reason?: string;
  /** What ended it, if that was an error. */
  readonly error?: unknown;
  /** Labels of the providers of the hop that it held and that is lost: none if it was free. */
  readonly held?: readonly string[];
  /** Whether another thread takes its place. */
  readonly replaced?: boolean;
}

/** Held for ever: a channel that nobody holds may be collected, with its subscribers. */
const threadChannel = channel('turno.thread');

/** @param event - made only where somebody listens. */
export function tellOfThread(event: () => ThreadEvent): void {
  if (threadChannel.hasSubscribers) threadChannel.publish(event());
}

/** Warns of a thread that has ended while it held no hop, which could tell its caller. */
export function warnOfEnd(group: string, { message, cause }: Error): void {
  const detail = stackOf(cause);
  process.emitWarning(`A thread of the group '${group}' has ended between two hops: ${message}`, {
    code: 'TURNO_THREAD',
    ...(detail === undefined ? {} : { detail }),
  });
}

/** What Node brings from a thread is no proper Error, and what a process has thrown may be anything. */
function stackOf(cause: unknown): string | undefined {
  try {
    const stack: unknown = (cause as Partial<Error> | undefined)?.stack;
    return typeof stack === 'string' ? stack : undefined;
  } catch {
    return undefined;
  }
}
