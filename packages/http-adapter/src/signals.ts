/** Closes an app when the process is told to end. */
import { constants } from 'node:os';
import type { App } from './app.js';

type Signal = 'SIGINT' | 'SIGTERM';

/**
 * One Ctrl-C under `npm start` reaches the process twice, from the terminal and from npm: the
 * echo, at most this many milliseconds later, is the same signal.
 */
const echo = 100;

/**
 * Closes the app at SIGINT or SIGTERM; the process then ends by itself, with exit code 0 if
 * nothing else is open and nothing failed, else 1. A second signal ends it at once, with 130 or
 * 143.
 * @returns a function that takes the signal handlers away again.
 */
export function closeOnSignals(app: App): () => void {
  let first: { readonly signal: Signal; readonly at: number } | undefined;
  const onSignal = (signal: Signal) => {
    if (first === undefined) {
      first = { signal, at: performance.now() };
      void close(signal);
    } else if (signal !== first.signal || performance.now() - first.at > echo) {
      process.exit(128 + constants.signals[signal]);
    }
  };
  const close = async (signal: Signal) => {
    app.log.info({ signal }, 'closing');
    try {
      await app.close();
      app.log.info({}, 'closed');
    } catch (err) {
      app.log.error({ err }, 'closing failed');
      process.exitCode = 1;
    }
    stop();
  };
  const stop = () => {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  return stop;
}
