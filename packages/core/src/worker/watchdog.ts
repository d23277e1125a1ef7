/** Ends a process whose program has gone, also one whose JavaScript never yields. */
import { Worker } from 'node:worker_threads';

/** How often it looks, in milliseconds. */
const interval = 500;

/**
 * A source text, since a thread cannot be given a function, and a file would have to be loaded as the
 * files of the user's are: with loaders of TypeScript, that takes more time and memory than all else.
 *
 * A process that has lost its parent has another one, except on Windows. Signal 0 only asks.
 */
const source = `
const { workerData: { parent, interval } } = require('node:worker_threads');
const isThere = () => {
  try {
    return process.kill(parent, 0);
  } catch (error) {
    return error.code !== 'ESRCH';
  }
};
setInterval(() => {
  if (process.ppid !== parent || !isThere()) process.kill(process.pid, 'SIGKILL');
}, interval);
`;

/** Watches for as long as this process lives, and does not keep it alive. */
export function watchProgram(): void {
  try {
    const watchdog = new Worker(source, {
      eval: true,
      workerData: { parent: process.ppid, interval },
      // What is said of the process, such as a loader, is not meant for it.
      execArgv: [],
      env: {},
      resourceLimits: { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 1, stackSizeMb: 1 },
    });
    // Without it the process works as well: it then ends at its next turn of the event loop.
    watchdog.on('error', () => undefined);
    watchdog.unref();
  } catch {
    // Node was told to allow no threads (--permission).
  }
}
