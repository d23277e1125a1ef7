/** Closes an app when the process is told to end. */
import { constants } from 'node:os';
import type { App } from './app.js';
import { checkCloseOptions, type CloseOptions } from './close-options.js';
import { lastWords } from './logger.js';
import { refuseNonApp } from './misuse.js';

type Signal = 'SIGINT' | 'SIGTERM';

/**
 * One Ctrl-C under `npm start` reaches the process twice, from the terminal and from npm: the
 * echo, at most this many milliseconds later, is the same signal.
 */
const echo = 100;

/**
 * Closes the app at SIGINT or SIGTERM, for servers of your own; {@link serve} does it by itself. The
 * process then ends when nothing else is open, with exit code 0, or 1 if closing failed. A second
 * signal ends it at once, with 130 or 143.
 * @returns a function that takes the signal handlers away again.
 */
export function closeOnSignals(app: App, options: CloseOptions = {}): () => void {
  refuseNonApp('closeOnSignals', app);
  checkCloseOptions('closeOnSignals', options);
  const stop = onSignals(async (signal) => {
    await closeAndTell(app, options, { signal });
    stop();
  });
  return stop;
}

/**
 * Calls back at the first SIGINT or SIGTERM; the second ends the process.
 * @returns a function that takes the signal handlers away again.
 */
export function onSignals(close: (signal: Signal) => Promise<void>): () => void {
  let first: { readonly signal: Signal; readonly at: number } | undefined;
  const onSignal = (signal: Signal) => {
    if (first === undefined) {
      first = { signal, at: performance.now() };
      void close(signal);
    } else if (signal !== first.signal || performance.now() - first.at > echo) {
      process.exit(128 + constants.signals[signal]);
    }
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  return () => {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  };
}

/** Closes the app, logs it, and sets the exit code to 1 if that fails. Never rejects. */
export async function closeAndTell(app: App, options: CloseOptions, why: object): Promise<void> {
  app.log.info(why, 'closing');
  try {
    await app.close(options);
    app.log.info({}, 'closed');
  } catch (err) {
    lastWords(app.log)({ err }, 'closing failed');
    process.exitCode = 1;
  }
}
