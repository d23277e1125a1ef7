/** The options of an app, and their check. */
import type { Class, ContainerOptions, Provider, Token } from '@turno/core';
import { isToken } from './depends.js';
import { OptionsError } from './errors.js';
import { defaultFormLimits, formLimitsFault, isByteCount, type FormLimits } from './form.js';
import { isLogger, silent, type Logger } from './logger.js';
import { checkRequestOptions, requestOptionNames, type RequestOptions } from './request-options.js';

/** Options of `createApp`. */
export interface AppOptions
  extends
    RequestOptions,
    Pick<
      ContainerOptions,
      'overrides' | 'threads' | 'modules' | 'startTimeout' | 'teardownTimeout' | 'deadline'
    > {
  /** Classes that are decorated with `@Controller()`. */
  readonly controllers: readonly Class[];
  /** What is made before all handlers, for its effect; see {@link Depends}. */
  readonly depends?: readonly Token[];
  /** What else is in the container: as for `Container.create`. */
  readonly providers?: readonly Provider[];
  /** Longest body of a request, in bytes. Default 1 MiB. */
  readonly bodyLimit?: number;
  /** What forms may be at most; see {@link FormLimits}. */
  readonly forms?: Partial<FormLimits>;
  /**
   * Classes with methods that are decorated with `@Catch(TheError)`. Those of `providers` that have
   * some count as well.
   */
  readonly catch?: readonly Class[];
  /**
   * The header that may bring the id of a request, which stands in the log and in problem documents;
   * where it brings none an id is made. Default `x-request-id`; `false`: always made. Every client can
   * say it, unless a proxy replaces it. The answer has it as well; where `logger` is false, and this is left
   * out, only if the request has brought it.
   */
  readonly requestId?: string | false;
  /**
   * Logs a line for each request: method, path, status, milliseconds, id. Default true, but false where
   * `NODE_ENV` is `test`.
   */
  readonly logRequests?: boolean;
  /** Default: a pino instance of its own, which writes to stdout. `false` logs nothing. */
  readonly logger?: Logger | false;
}

const optionNames: ReadonlySet<string> = new Set([
  'controllers',
  'providers',
  'depends',
  'overrides',
  'threads',
  'modules',
  'bodyLimit',
  'forms',
  'catch',
  'requestId',
  'logRequests',
  'logger',
  'startTimeout',
  'teardownTimeout',
  'deadline',
  ...requestOptionNames,
]);
const defaultBodyLimit = 1024 * 1024;

/** @throws OptionsError for what the app could not work with. */
export function checkOptions(options: AppOptions | undefined) {
  const {
    controllers,
    bodyLimit = defaultBodyLimit,
    logger,
    requestId = 'x-request-id',
    logRequests = process.env.NODE_ENV !== 'test',
  } = options ?? ({} as AppOptions);
  const unknown = Object.keys(options ?? {}).find((name) => !optionNames.has(name));
  if (unknown !== undefined) {
    throw new OptionsError(
      `createApp has no option "${unknown}".`,
      `Its options are ${[...optionNames].join(', ')}.`,
    );
  }
  if (!Array.isArray(controllers)) {
    throw new OptionsError(
      'createApp was given no `controllers`.',
      'List the classes that are decorated with @Controller(): createApp({ controllers: [Burgers] }).',
    );
  }
  if (!isByteCount(bodyLimit)) {
    throw new OptionsError(
      `createApp was given the \`bodyLimit\` ${String(bodyLimit)}.`,
      'It is a whole number of bytes.',
    );
  }
  // JavaScript may pass anything.
  const header: unknown = requestId;
  if (header !== false && (typeof header !== 'string' || header === '')) {
    throw new OptionsError(
      `createApp was given the \`requestId\` ${String(header)}.`,
      'It is the name of a header, or false.',
    );
  }
  if (logger !== undefined && logger !== false && !isLogger(logger)) {
    throw new OptionsError(
      `createApp was given a \`logger\` without the methods error, warn and info.`,
      'Give it what has the shape of pino: each takes fields and a message. Leave it out for a pino of its own; `false` logs nothing.',
    );
  }
  return {
    ...checkRequestOptions(options ?? {}),
    controllers: controllers as readonly Class[],
    depends: checkDepends(options?.depends),
    bodyLimit,
    forms: formLimits(options?.forms),
    requestId,
    findsIds: logger !== false || options?.requestId !== undefined,
    logRequests,
    logger: logger === false ? silent : logger,
  };
}

/** @throws OptionsError. */
function formLimits(given: Partial<FormLimits> = {}): FormLimits {
  const fault = formLimitsFault(given, 'createApp');
  if (fault !== undefined) throw new OptionsError(...fault);
  return { ...defaultFormLimits, ...given };
}

/** @throws OptionsError for what is no list of tokens. */
function checkDepends(given: unknown): readonly Token[] {
  if (given === undefined) return [];
  if (!Array.isArray(given) || !given.every(isToken)) {
    throw new OptionsError(
      '`depends` of createApp is no array of tokens.',
      'List classes, or what token(name) makes; undefined means that two modules import each other.',
    );
  }
  return given;
}
