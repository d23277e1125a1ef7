/** Chooses the executor of a container. */
import type { Executor } from './executor.js';
import { InlineExecutor } from './inline-executor.js';
import { defaultTeardownTimeout } from '../disposal.js';
import { settingsOf, type ThreadOptions } from './options.js';
import { TinypoolExecutor } from './tinypool-executor.js';

export type { ThreadOptions } from './options.js';

/**
 * Makes an executor; no thread runs before its `start`.
 * @param teardownTimeout - how long one teardown in a thread may take, in milliseconds.
 * @throws DeclarationError for options that have no meaning.
 */
export function createExecutor(
  options: ThreadOptions = {},
  teardownTimeout = defaultTeardownTimeout,
): Executor {
  const settings = settingsOf(options, teardownTimeout);
  return options.executor === 'inline'
    ? new InlineExecutor(settings)
    : new TinypoolExecutor(settings);
}
