/** What users say about threads, and what is meant where they say nothing. */
import { availableParallelism } from 'node:os';
import type { ResourceLimits } from 'node:worker_threads';

import { DeclarationError } from '../errors.js';
import { refuseUnknownOptions, shown } from '../misuse.js';

/** Options of the threads of one container. */
export interface ThreadOptions {
  /** Number of threads, at least 1. Default: what the machine runs at once. */
  readonly size?: number;
  /** How many hops may wait for a thread. Default: size², at least 64. */
  readonly queue?: number;
  /**
   * `tinypool` (default): real threads. `inline`: everything on the event loop, for unit tests;
   * what could not cross to a thread is refused there too.
   */
  readonly executor?: 'tinypool' | 'inline';
  /** How long the threads may take to start, in milliseconds. Default 10,000. */
  readonly startTimeout?: number;
  /** Options of Node for the threads. Default: those of the process, such as `--import`. */
  readonly execArgv?: readonly string[];
  /** Environment of the threads. Default: a copy of that of the process. */
  readonly env?: Readonly<Record<string, string>>;
  /** Limits of each thread, in megabytes, as `node:worker_threads` defines them. */
  readonly resourceLimits?: Readonly<ResourceLimits>;
}

/** {@link ThreadOptions} with nothing left open that has a default. */
export interface ThreadSettings {
  readonly size: number;
  readonly queue: number;
  readonly startTimeout: number;
  /** How long one teardown in a thread may take, in milliseconds. */
  readonly teardownTimeout: number;
  readonly execArgv: readonly string[] | undefined;
  readonly env: Readonly<Record<string, string>> | undefined;
  readonly resourceLimits: Readonly<ResourceLimits> | undefined;
}

const optionNames = [
  'size',
  'queue',
  'executor',
  'startTimeout',
  'execArgv',
  'env',
  'resourceLimits',
] as const satisfies (keyof ThreadOptions)[];

/**
 * @param teardownTimeout - of the container, in milliseconds.
 * @throws DeclarationError for options that do not exist or have no meaning.
 */
export function settingsOf(options: ThreadOptions, teardownTimeout: number): ThreadSettings {
  refuseUnknownOptions('`threads`', options, optionNames);
  // JavaScript may pass any string.
  const { executor }: { executor?: string } = options;
  if (executor !== undefined && executor !== 'tinypool' && executor !== 'inline') {
    throw new DeclarationError(
      `\`threads: { executor }\` is ${shown(executor)}.`,
      "It is 'tinypool' or 'inline'.",
    );
  }
  const size = options.size ?? availableParallelism();
  const queue = options.queue ?? Math.max(64, size ** 2);
  const startTimeout = options.startTimeout ?? 10_000;
  checkNumber('size', size, 1);
  checkNumber('queue', queue, 0);
  checkNumber('startTimeout', startTimeout, 1);
  const { execArgv, env, resourceLimits } = options;
  return { size, queue, startTimeout, teardownTimeout, execArgv, env, resourceLimits };
}

function checkNumber(name: string, value: number, least: number): void {
  if (Number.isInteger(value) && value >= least) return;
  throw new DeclarationError(
    `\`threads: { ${name} }\` is ${shown(value)}.`,
    `It must be a whole number, at least ${least}.`,
  );
}
