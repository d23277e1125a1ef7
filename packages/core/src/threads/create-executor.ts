/** Chooses the executor of a container. */
import { defaultGroup } from '../scope.js';
import type { Executor } from './executor.js';
import { GroupExecutor, type LaneMaker } from './group-executor.js';
import { InlineLane } from './inline-lane.js';
import { defaultTeardownTimeout, isObject } from '../disposal.js';
import { own } from '../own.js';
import { settingsOf, type ThreadOptions } from './options.js';
import { ThreadLane } from './thread-lane.js';

export type { GroupOptions, ThreadOptions } from './options.js';

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
  const isInline = own(options, 'executor') === 'inline';
  const makeLane: LaneMaker = (group, events) =>
    isInline ? new InlineLane(group, events) : new ThreadLane(group, events);
  return new GroupExecutor(settings, makeLane, isInline);
}

/** The groups of threads that options describe. */
export function groupNames(options: ThreadOptions): readonly string[] {
  // What is no object is refused when the executor is made.
  const groups = isObject(options) ? own(options, 'groups') : undefined;
  return [defaultGroup, ...(isObject(groups) ? Object.keys(groups) : [])];
}
