/** Chooses the executor of a container. */
import type { Executor } from './executor.js';
import { InlineExecutor } from './inline-executor.js';
import { settingsOf, type ThreadOptions } from './options.js';
import { TinypoolExecutor } from './tinypool-executor.js';

export type { ThreadOptions } from './options.js';

/**
 * Makes an executor; no thread runs before its `start`.
 * @throws DeclarationError for options that have no meaning.
 */
export function createExecutor(options: ThreadOptions = {}): Executor {
  const settings = settingsOf(options);
  return options.executor === 'inline'
    ? new InlineExecutor(settings)
    : new TinypoolExecutor(settings);
}
