/** Listens to signals that users pass to many resolves: one listener for all of them. */
import { LinkedList, type Linked } from './linked-list.js';
import type { Abortable, AbortListener } from './stop-signal.js';

/** What is called when a signal is aborted. */
class Call implements Linked<Call> {
  list: LinkedList<Call> | undefined = undefined;
  previous: Call | undefined = undefined;
  next: Call | undefined = undefined;

  constructor(readonly run: (reason: unknown) => void) {}
}

interface Listeners {
  readonly calls: LinkedList<Call>;
  readonly listener: AbortListener;
}

/** Node warns of a leak at the eleventh listener, and a signal may serve a whole program. */
const bySignal = new WeakMap<Abortable, Listeners>();

/** Calls back when a signal is aborted. @returns the function that undoes it. */
export function onAbort(
  signal: Abortable | undefined,
  call: (reason: unknown) => void,
): () => void {
  if (signal === undefined) return nothing;
  let listeners = bySignal.get(signal);
  if (listeners === undefined) {
    const calls: Listeners['calls'] = new LinkedList();
    const listener = {
      handleEvent() {
        // One may take another one back.
        for (let next = calls.first; next !== undefined; next = calls.first) {
          calls.remove(next);
          next.run(signal.reason);
        }
      },
    };
    listeners = { calls, listener };
    bySignal.set(signal, listeners);
    signal.addEventListener('abort', listener);
  }
  const { calls, listener } = listeners;
  const own = new Call(call);
  calls.add(own);
  return () => {
    calls.remove(own);
    if (!calls.isEmpty || bySignal.get(signal)?.calls !== calls) return;
    bySignal.delete(signal);
    signal.removeEventListener('abort', listener);
  };
}

function nothing(): void {
  // There is no signal.
}
