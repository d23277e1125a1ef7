/** What users say about threads, and what is meant where they say nothing. */
import { defaultGroup } from '../scope.js';
import { availableParallelism } from 'node:os';
import type { ResourceLimits } from 'node:worker_threads';

import { DeclarationError } from '../errors.js';
import { refuseUnknownOptions, shown } from '../misuse.js';
import { bare } from '../own.js';

/** Options of one group of threads. */
export interface GroupOptions {
  /** Number of threads, at least 1. Default: what the machine runs at once; of a named group 1. */
  readonly size?: number;
  /** How many hops may wait for a thread. Default: size², at least 64. */
  readonly queue?: number;
  /**
   * `worker_threads` (default); or `child_process`: each "thread" is a process of its own, which
   * survives a crash of native code in another one and can be ended whatever it does. It shares no
   * memory with the program, starts and answers more slowly, and takes more memory.
   */
  readonly runtime?: 'worker_threads' | 'child_process';
  /**
   * How far threads give way to the event loop, and to other programs, where there are fewer cores than work:
   * as Unix's `nice` counts, 0 (not at all) to 19. Default 10. Of threads only Linux knows that, of processes
   * every system; where it is refused nothing changes.
   */
  readonly niceness?: number;
  /** Options of Node for the threads. Default: those of the process, such as `--import`. */
  readonly execArgv?: readonly string[];
  /** Environment of the threads. Default: a copy of that of the process. */
  readonly env?: Readonly<Record<string, string>>;
  /**
   * Limits of each thread, in megabytes, as `node:worker_threads` defines them; child processes know
   * `maxOldGenerationSizeMb` only.
   */
  readonly resourceLimits?: Readonly<ResourceLimits>;
}

/** Options of the threads of one container; those of a group are the defaults of the other groups. */
export interface ThreadOptions extends GroupOptions {
  /**
   * `tinypool` (default): real threads. `inline`: everything on the event loop, for unit tests;
   * what could not cross to a thread is refused there too.
   */
  readonly executor?: 'tinypool' | 'inline';
  /** How long the threads may take to start, in milliseconds. Default 10,000. */
  readonly startTimeout?: number;
  /**
   * How long a step that is aborted may go on before its thread is ended, in milliseconds: time to stop
   * by itself for one that looks at its `AbortSignal`. Default 50.
   */
  readonly grace?: number;
  /**
   * Whether branches of a hop that meet in a later step may run at the same time on threads of their
   * own: where threads are idle, measured run times say that it pays, and the values can cross.
   * Default: where they share no object that comes from the event loop, so that nobody can tell.
   * `true`: also where they do; each branch then has a copy of its own. `false`: never.
   */
  readonly split?: boolean;
  /**
   * Further groups of threads, by name, each with a queue of its own: slow work that names one
   * (`@Provides(Report, { threads: 'reports' })`) never keeps quick work waiting.
   */
  readonly groups?: Readonly<Record<string, GroupOptions>>;
}

/** {@link GroupOptions} with nothing left open that has a default. */
export interface GroupSettings {
  readonly name: string;
  readonly size: number;
  /** Undefined: it follows from the size. */
  readonly queue: number | undefined;
  readonly runtime: 'worker_threads' | 'child_process';
  readonly niceness: number;
  readonly startTimeout: number;
  /** How long an aborted step may go on, in milliseconds. */
  readonly grace: number;
  /** How long one teardown in a thread may take, in milliseconds. */
  readonly teardownTimeout: number;
  readonly execArgv: readonly string[] | undefined;
  readonly env: Readonly<Record<string, string>> | undefined;
  readonly resourceLimits: Readonly<ResourceLimits> | undefined;
}

const groupOptionNames = [
  'size',
  'queue',
  'runtime',
  'niceness',
  'execArgv',
  'env',
  'resourceLimits',
] as const satisfies (keyof GroupOptions)[];

const optionNames = [
  ...groupOptionNames,
  'executor',
  'startTimeout',
  'grace',
  'split',
  'groups',
] as const satisfies (keyof ThreadOptions)[];

/** How many hops may wait where nothing is said. */
export function defaultQueue(size: number): number {
  return Math.max(64, size ** 2);
}

/**
 * @param teardownTimeout - of the container, in milliseconds.
 * @returns the settings of each group, the default one first.
 * @throws DeclarationError for options that do not exist or have no meaning.
 */
export function settingsOf(
  options: ThreadOptions,
  teardownTimeout: number,
): readonly GroupSettings[] {
  refuseUnknownOptions('`threads`', options, optionNames);
  const { executor, startTimeout = 10_000, grace = 50, groups = {}, split } = bare(options);
  refuseUnless('`threads: { executor }`', executor, ['tinypool', 'inline']);
  checkNumber('`threads: { startTimeout }`', startTimeout, 1);
  checkNumber('`threads: { grace }`', grace, 0);
  if (split !== undefined && typeof split !== 'boolean') {
    throw new DeclarationError(
      `\`threads: { split }\` is ${shown(split)}.`,
      'It is true or false.',
    );
  }
  if (typeof groups !== 'object' || (groups as unknown) === null || Array.isArray(groups)) {
    throw new DeclarationError(
      `\`threads: { groups }\` is ${shown(groups)}.`,
      'Write an object: groups: { reports: { size: 1 } }.',
    );
  }
  const times = { startTimeout, grace, teardownTimeout };
  const shared = bare({ ...options, ...times });
  return [
    groupSettings(defaultGroup, '`threads', shared, availableParallelism()),
    ...Object.entries(groups).map(([name, group]) => {
      const where = `\`threads: { groups: { ${name}`;
      if (name === defaultGroup || name === 'loop' || name === '') {
        throw new DeclarationError(
          `${where} } }\` has a name that is taken.`,
          "Choose another one: 'default' is the group that `threads` itself describes, 'loop' the event loop.",
        );
      }
      refuseUnknownOptions(`${where} } }\``, group, groupOptionNames);
      const { execArgv, env, runtime, niceness, resourceLimits } = shared;
      const inherited = { execArgv, env, runtime, niceness, resourceLimits, ...times };
      return groupSettings(name, where, bare({ ...inherited, ...group }), 1);
    }),
  ];
}

function groupSettings(
  name: string,
  where: string,
  options: { readonly [Name in keyof GroupOptions]: GroupOptions[Name] | undefined } & {
    readonly startTimeout: number;
    readonly grace: number;
    readonly teardownTimeout: number;
  },
  defaultSize: number,
): GroupSettings {
  const option = (of: string): string =>
    name === defaultGroup ? `${where}: { ${of} }\`` : `${where}: { ${of} } } }\``;
  const { size = defaultSize, queue, runtime = 'worker_threads', resourceLimits } = options;
  checkNumber(option('size'), size, 1);
  if (queue !== undefined) checkNumber(option('queue'), queue, 0);
  refuseUnless(option('runtime'), runtime, ['worker_threads', 'child_process']);
  if (runtime === 'child_process') refuseThreadLimits(option('resourceLimits'), resourceLimits);
  const { startTimeout, grace, teardownTimeout, execArgv, env, niceness = 10 } = options;
  checkNumber(option('niceness'), niceness, 0, 19);
  return {
    name,
    size,
    queue,
    runtime,
    niceness,
    startTimeout,
    grace,
    teardownTimeout,
    execArgv,
    env,
    resourceLimits,
  };
}

function refuseThreadLimits(where: string, limits: Readonly<ResourceLimits> | undefined): void {
  const other = Object.keys(limits ?? {}).find((name) => name !== 'maxOldGenerationSizeMb');
  if (other === undefined) return;
  throw new DeclarationError(
    `${where} has ${other}, which processes do not know.`,
    'Give maxOldGenerationSizeMb only, or options of Node by `execArgv`.',
  );
}

function refuseUnless(where: string, given: string | undefined, known: readonly string[]): void {
  if (given === undefined || known.includes(given)) return;
  throw new DeclarationError(
    `${where} is ${shown(given)}.`,
    `It is ${known.map((each) => `'${each}'`).join(' or ')}.`,
  );
}

/** @throws DeclarationError for what is no whole number between these. */
export function checkNumber(
  where: string,
  value: unknown,
  least: number,
  most = Number.MAX_SAFE_INTEGER,
): void {
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most) return;
  throw new DeclarationError(
    `${where} is ${shown(value)}.`,
    most === Number.MAX_SAFE_INTEGER
      ? `It must be a whole number, at least ${least}.`
      : `It must be a whole number from ${least} to ${most}.`,
  );
}
