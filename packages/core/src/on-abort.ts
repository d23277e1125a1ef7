/** Listens to signals that users pass to many resolves: one listener for all of them. */
import type { Abortable, AbortListener } from './stop-signal.js';

interface Listeners {
  readonly calls: Set<(reason: unknown) => void>;
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
    const calls: Listeners['calls'] = new Set();
    const listener = {
      handleEvent() {
        for (const each of calls) each(signal.reason);
      },
    };
    listeners = { calls, listener };
    bySignal.set(signal, listeners);
    signal.addEventListener('abort', listener);
  }
  const { calls, listener } = listeners;
  calls.add(call);
  return () => {
    calls.delete(call);
    if (calls.size > 0 || bySignal.get(signal)?.calls !== calls) return;
    bySignal.delete(signal);
    signal.removeEventListener('abort', listener);
  };
}

function nothing(): void {
  // There is no signal.
}
