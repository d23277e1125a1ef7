/** Every way in which turno fails: one class per failure, data in fields, the message made of them. */
import { bare, define } from './own.js';
import type { Scope } from './scope.js';

/** Where a fault was met, from what was asked for down to the culprit: `['A', 'B', 'C']`. */
export type Path = readonly string[];

interface TurnoErrorParts {
  /** What is wrong, with names in quotes. */
  readonly fact: string;
  readonly path?: Path | undefined;
  /** What to do about it, one sentence. */
  readonly remedy?: string | undefined;
  readonly cause?: unknown;
}

/** Base of all errors of turno. */
export abstract class TurnoError extends Error {
  /** Stable name of the failure, `TURNO_…`; listed in docs/errors.md. */
  abstract readonly code: string;
  declare readonly path: Path | undefined;

  constructor(parts: TurnoErrorParts) {
    const { fact, path, remedy, cause } = bare(parts);
    const where = path === undefined || path.length < 2 ? '' : ` Path: ${renderPath(path)}.`;
    super(`${fact}${remedy === undefined ? '' : ` ${remedy}`}${where}`);
    // Not through ErrorOptions: an error without a cause shall not own a `cause: undefined`.
    if (cause !== undefined) define(this, 'cause', cause, false);
    if (path !== undefined) this.path = path;
  }

  /** The class's own name, also for subclasses and after minifying tools that keep names. */
  override get name(): string {
    return this.constructor.name;
  }
}

/** How much of a long path a message shows at each end. */
const shown = 12;

/** A path as messages show it; `error.path` has all of it. */
function renderPath(path: Path): string {
  if (path.length <= 2 * shown) return path.join(' -> ');
  const left = `… (${path.length - 2 * shown} more) …`;
  return [...path.slice(0, shown), left, ...path.slice(-shown)].join(' -> ');
}

/** Names that are close to a misspelt one, as a sentence; empty when there are none. */
function didYouMean(candidates: readonly string[]): string {
  return candidates.length === 0
    ? ''
    : ` Did you mean ${candidates.map((name) => `"${name}"`).join(' or ')}?`;
}

/** Base of errors that tell of several problems at once. */
export abstract class ProblemsError extends TurnoError {
  /** All of them. */
  declare readonly errors: readonly TurnoError[];
  /** What several of them may come from. */
  declare readonly hint?: string;

  /** @param where - what the problems are in: `the graph of providers`. */
  constructor(where: string, errors: readonly TurnoError[], hint?: string) {
    const count =
      errors.length === 1 ? 'There is 1 problem' : `There are ${errors.length} problems`;
    const list = errors.map((error, index) => `  ${index + 1}. [${error.code}] ${error.message}`);
    const lines = hint === undefined ? list : [`  ${hint}`, ...list];
    super({ fact: `${count} in ${where}:\n${lines.join('\n')}` });
    // What Node prints of an error that nobody catches ends with its fields, of `errors` each with a stack and
    // fields of its own: the message, which has all of it, would be out of sight. It calls no getters.
    Object.defineProperty(this, 'errors', bare({ get: () => errors, configurable: true }));
    if (hint !== undefined) this.hint = hint;
  }
}

/** `Container.create` found problems in the graph: all of them, in `errors`. */
export class GraphError extends ProblemsError {
  readonly code = 'TURNO_GRAPH';

  constructor(errors: readonly TurnoError[], hint?: string) {
    super('the graph of providers', errors, hint);
  }
}

/** Nothing provides a token that something depends on. */
export class MissingProviderError extends TurnoError {
  readonly code = 'TURNO_MISSING_PROVIDER';

  constructor(
    readonly token: string,
    path: Path,
    /** `parameter 0`, or undefined when the token itself was resolved. */
    readonly parameter?: string,
    readonly suggestions: readonly string[] = [],
    hint: MissingHint = 'token',
    /** How code names the token. */
    written = token,
  ) {
    const asked = path.length > 1 ? `, which ${path[path.length - 2] ?? ''} asks for` : '';
    const fact = `There is no provider for "${token}"${asked}${parameter === undefined ? '' : ` (${parameter})`}.`;
    const near = didYouMean(suggestions);
    const remedy = missingRemedy(written, hint);
    // The compiler knows the names of classes: what they lack is more often a decorator.
    super(
      hint === 'class'
        ? { fact, path, remedy: `${remedy}${near}` }
        : { fact: `${fact}${near}`, path, remedy },
    );
  }
}

/** What is known of a token that nothing provides. */
type MissingHint = 'class' | 'token' | 'many' | 'original';

function missingRemedy(token: string, hint: MissingHint): string {
  if (hint === 'original') {
    return `It is what an override replaces: list what asks for it in \`overrides\`, or ask for ${token.slice('original('.length, -1)}.`;
  }
  if (hint === 'many')
    return `Its providers are declared with \`many\`: ask for @Inject(all(${token})).`;
  if (hint === 'class' && /^(?:Date|URL|Map|Set|RegExp|Error|Buffer|Uint8Array)$/.test(token)) {
    return `"${token}" is a class of the platform: make a token(name) of your own for the value, provide that, and put @Inject(theToken) in front of the parameter.`;
  }
  return hint === 'class'
    ? `Decorate "${token}" with @Injectable(), or list a class with an @Provides(${token}) method in \`providers\`.`
    : `List a provider in \`providers\`: a class with an @Provides(${token}) method, or value(${token}, …).`;
}

/** A token depends on itself. */
export class CycleError extends TurnoError {
  readonly code = 'TURNO_CYCLE';

  constructor(
    path: Path,
    /** What closes the circle: parameters, aliases alone, or the call of a lazy function. */
    closedBy: 'parameters' | 'aliases' | 'lazy' = 'parameters',
  ) {
    const asked =
      closedBy === 'lazy'
        ? `: while it is made, it asks through lazy for "${path[1] ?? ''}", which waits for it`
        : '';
    super({
      fact: `"${path[0] ?? ''}" depends on itself${asked}.`,
      path,
      remedy: cycleRemedies[closedBy],
    });
  }
}

const cycleRemedies = {
  parameters:
    'Break the cycle: move what both sides need into a provider of its own, or inject one side with @Inject(lazy(TheToken)).',
  aliases: 'Let one of them stand for a token that a provider provides.',
  lazy: 'Call the lazy function after the value has been made, not while it is made.',
} as const;

/** A parameter's class was `undefined` when its decorators ran: a circular import. */
export class UndefinedDependencyError extends TurnoError {
  readonly code = 'TURNO_UNDEFINED_DEPENDENCY';

  constructor(
    readonly owner: string,
    readonly parameter: string,
    path: Path,
    /** What was undefined: the declared type, what `@Inject` was given, what a `forwardRef` returned. */
    what: 'type' | 'token' | 'forwardRef' = 'type',
  ) {
    super(
      what === 'forwardRef'
        ? {
            fact: `The function of forwardRef at ${parameter} of ${owner} returned undefined.`,
            path,
            remedy: 'It must return a class or what token(name) makes.',
          }
        : {
            fact: `The ${what} of ${parameter} of ${owner} was undefined when ${owner} was declared: its module and the module of that ${what} import each other (or it stands further down in the same file).`,
            path,
            remedy:
              'Put @Inject(forwardRef(() => TheToken)) in front of the parameter, or move what it names into a module that does not import this one.',
          },
    );
  }
}

/** A longer-lived provider depends on a shorter-lived one. */
export class ScopeError extends TurnoError {
  readonly code = 'TURNO_SCOPE';

  constructor(
    readonly consumer: string,
    readonly consumerScope: Scope,
    readonly dependency: string,
    readonly dependencyScope: Scope,
    path: Path,
    /** The dependency is a value of a scope, or read from one, so its scope cannot be changed. */
    isGiven = false,
    /** Where a class has methods that could take it: as what, and which methods. */
    movable?: { readonly name: string; readonly to: 'the handlers' | 'its methods' },
  ) {
    const other = isGiven ? '' : `, or ${dependency} scope '${consumerScope}'`;
    const remedy =
      movable === undefined
        ? `Give ${consumer} scope '${dependencyScope}'${other}.`
        : `Take ${movable.name} as a parameter of ${movable.to} instead of the constructor, or decorate ${consumer} with @Injectable({ scope: '${dependencyScope}' }).`;
    super({
      fact: `${consumer} has scope '${consumerScope}' and cannot depend on ${dependency}, which has the shorter scope '${dependencyScope}'.`,
      path,
      remedy,
    });
  }
}

/** A value of a request or call was resolved from where there is none. */
export class OutsideScopeError extends TurnoError {
  readonly code = 'TURNO_OUTSIDE_SCOPE';

  constructor(
    readonly token: string,
    readonly scope: 'request' | 'call',
    path: Path,
  ) {
    super(
      scope === 'request'
        ? {
            fact: `"${token}" has scope 'request' and was resolved from the container.`,
            path,
            remedy: 'Resolve it from a scope: `await using scope = container.createScope()`.',
          }
        : {
            fact: `"${token}" has scope 'call' and was resolved outside of a call.`,
            path,
            remedy:
              'Resolve it from a scope inside the scope of the request: `await using call = scope.createScope()`. A handler has one of its own.',
          },
    );
  }
}

/** What a parameter wants is not known: no metadata, or a type that says nothing. */
export class ParameterTypeError extends TurnoError {
  readonly code = 'TURNO_PARAMETER_TYPE';

  constructor(
    readonly owner: string,
    readonly parameter: string,
    /** What the metadata says, or undefined where there is none for this parameter. */
    readonly found: string | undefined,
    path: Path,
    /** What an adapter says of parameters of its own. */
    hint?: string,
  ) {
    const what =
      found === undefined
        ? 'is not known: the compiler left no type metadata for it'
        : found === 'Object'
          ? 'is an interface, a union or imported with `import type`, none of which exists at run time'
          : found === 'Function'
            ? 'is imported with `import type`, or a function: neither says at run time what it wants'
            : `is ${/^(?:Number|String|Boolean|Symbol|BigInt)$/.test(found) ? found.toLowerCase() : found}, which names no provider`;
    super({
      fact: `The type of ${parameter} of ${owner} ${what}.`,
      path,
      remedy: `${hint === undefined ? 'Say what it wants:' : `${hint}; or say which provider it wants:`} @Inject(TheToken) in front of the parameter.`,
    });
  }
}

/** The compiler emitted no type metadata at all. */
export class MetadataError extends TurnoError {
  readonly code = 'TURNO_NO_METADATA';

  constructor(
    readonly owner: string,
    readonly parameters: number,
    path: Path,
    /** The class, if it has no decorator of its own, which is the likely cause. */
    undecorated?: string,
  ) {
    super({
      fact: `${owner.replace(/^the /, 'The ')} takes ${parameters} parameter${parameters === 1 ? '' : 's'}, but the compiler left no type metadata for it.`,
      path,
      remedy: `${
        undecorated === undefined
          ? ''
          : `Decorate ${undecorated} with @Injectable(): TypeScript leaves metadata for decorated classes only. `
      }Set "emitDecoratorMetadata": true and "experimentalDecorators": true in tsconfig.json; with esbuild, tsx or type stripping, which leave none, put @Inject(TheToken) in front of each parameter.`,
    });
  }
}

/** Two providers provide one token. */
export class DuplicateProviderError extends TurnoError {
  readonly code = 'TURNO_DUPLICATE_PROVIDER';

  constructor(
    readonly token: string,
    readonly providers: readonly string[],
  ) {
    super({
      fact: `"${token}" is provided ${providers.length === 2 ? 'twice' : `${providers.length} times`}: by ${providers.join(' and by ')}.`,
      remedy: `Keep one of them, or declare each with \`many: true\` and ask for all(${token}); to replace a provider in a test, put the other into \`overrides\`.`,
    });
  }
}

/** `overrides` replaces something that the graph does not hold. */
export class OverrideError extends TurnoError {
  readonly code = 'TURNO_OVERRIDE';

  constructor(
    readonly token: string,
    readonly suggestions: readonly string[] = [],
  ) {
    super({
      fact: `An override is given for "${token}", which no provider of the graph provides.${didYouMean(suggestions)}`,
      remedy:
        'Remove it, or move it to `providers`; a class that only overrides need is found there if it is decorated with @Injectable().',
    });
  }
}

/** A decorator, or an entry of `providers`, is used in a way that has no meaning. */
export class DeclarationError extends TurnoError {
  readonly code = 'TURNO_DECLARATION';

  constructor(fact: string, remedy?: string, path?: Path, cause?: unknown) {
    super({ fact, remedy, path, cause });
  }
}

/** A context variable was set where that would be lost. */
export class ContextError extends TurnoError {
  readonly code = 'TURNO_CONTEXT';

  constructor(
    /** Its name. */
    readonly variable: string,
    /** By a step of a hop, or by a module that a thread imports (and what that has started). */
    where: 'hop' | 'import',
  ) {
    super(
      where === 'hop'
        ? {
            fact: `The context variable "${variable}" was set by code that runs in a thread, where it would be lost.`,
            remedy:
              'Set it on the event loop, around what is resolved: run(value, () => scope.resolve(…)). Or pass the value as a parameter.',
          }
        : {
            fact: `The context variable "${variable}" was set while a thread imported a module, or by what that import has started.`,
            remedy:
              'Set it in a function that the import does not call, or in a module that no thread imports.',
          },
    );
  }
}

/** A value cannot cross between the loop and a thread. */
export class NotPortableError extends TurnoError {
  readonly code = 'TURNO_NOT_PORTABLE';

  constructor(fact: string, remedy: string, path?: Path, cause?: unknown) {
    super({ fact, remedy, path, cause });
  }
}

/** A provider runs in a thread, but no thread can reach its code. */
export class UnreachableError extends TurnoError {
  readonly code = 'TURNO_UNREACHABLE';

  constructor(
    readonly provider: string,
    readonly module: string | undefined,
    /** A sentence without its full stop. */
    readonly reason: string,
    {
      remedy = 'Declare it at the top level of a module that a thread can import',
      mayBeAsync = true,
      cause,
    }: {
      /** The beginning of a sentence. */
      readonly remedy?: string | undefined;
      /** Whether it is a method or function: a class cannot be made async. */
      readonly mayBeAsync?: boolean;
      readonly cause?: unknown;
    } = {},
  ) {
    super({
      fact: `${provider} runs in a worker thread, but no thread can reach it: ${reason}.`,
      remedy: `${remedy}${mayBeAsync ? ', or make it async, so that it runs on the event loop' : ''}.`,
      cause,
    });
  }
}

/** No worker thread came up. */
export class ThreadStartError extends TurnoError {
  readonly code = 'TURNO_THREAD_START';

  constructor(reason: string, cause?: unknown, remedy = 'See the cause.') {
    super({ fact: `The worker threads did not start: ${reason}.`, remedy, cause });
  }
}

/** The thread that ran a step ended before the step did. */
export class ThreadDiedError extends TurnoError {
  readonly code = 'TURNO_THREAD_DIED';

  constructor(
    /** The steps that were in the thread: `Kitchen.grind -> Burgers.parallel`. */
    readonly hop: string,
    reason: string,
    cause?: unknown,
    isProcess = false,
  ) {
    super({
      fact: `The ${isProcess ? 'process' : 'worker thread'} that ran ${hop} ended before it answered: ${reason}.`,
      remedy: `The ${isProcess ? 'process' : 'thread'} has been replaced; only this work is lost.${reason.startsWith('an error that nobody caught') ? ` A timer or promise of an earlier step in it may have thrown the error: see the cause.` : ''}`,
      cause,
    });
  }
}

/** A provider or handler has taken longer than its `deadline`. */
export class DeadlineError extends TurnoError {
  readonly code = 'TURNO_DEADLINE';

  constructor(
    readonly provider: string,
    /** In milliseconds. */
    readonly deadline: number,
    /** Of a handler: the steps that had begun and not ended, or waited for a thread. */
    readonly waitingFor: readonly string[] = [],
  ) {
    const others = waitingFor.filter((label) => label !== provider);
    const waited = others.length === 0 ? '' : `: it waited for ${others.join(', ')}`;
    super({
      fact: `${provider} has not ended within its deadline of ${deadline} ms${waited}.`,
      remedy:
        'Let it do less, stop by itself (it may ask for an AbortSignal), or raise `deadline`.',
    });
  }
}

/** All threads of a group are stuck in calls that nothing can interrupt. */
export class ThreadsStuckError extends TurnoError {
  readonly code = 'TURNO_THREADS_STUCK';

  constructor(
    readonly hop: string,
    /** How many threads were told to end and have not. */
    readonly stuck: number,
  ) {
    super({
      fact: `${hop} was refused: ${stuck} threads were told to end and cannot, since native code that they called has not returned, and no further ones are started.`,
      remedy:
        "Find the call that does not return; `threads: { runtime: 'child_process' }` can end one in any case.",
    });
  }
}

/** The queue in front of the threads is full. */
export class QueueFullError extends TurnoError {
  readonly code = 'TURNO_QUEUE_FULL';

  constructor(
    readonly hop: string,
    /** How many hops were waiting. */
    readonly limit: number,
    /** The group of threads. */
    readonly group = 'default',
  ) {
    const threads = group === 'default' ? 'threads' : `threads of the group '${group}'`;
    super({
      fact: `${hop} was refused: all ${threads} are busy, and ${limit} ${limit === 1 ? 'call waits' : 'calls wait'} already (the limit).`,
      remedy:
        'Try again later; `threads: { queue }` sets the limit, `threads: { size }` the number of threads.',
    });
  }
}

/** A container or scope was used after (or while) it was disposed. */
export class DisposedError extends TurnoError {
  readonly code = 'TURNO_DISPOSED';

  constructor(what: string) {
    super({
      fact: `The ${what} is disposed.`,
      remedy: `Resolve before \`dispose\` is called, or create a new ${what}.`,
    });
  }
}

/** A provider that is a generator does not yield exactly once. */
export class GeneratorError extends TurnoError {
  readonly code = 'TURNO_GENERATOR';

  constructor(
    readonly provider: string,
    /** `does not yield`, `yields a second time`. */
    readonly problem: string,
  ) {
    super({
      fact: `The generator ${provider} ${problem}.`,
      remedy: 'It must `yield` its value exactly once; what follows is its teardown.',
    });
  }
}

/** A teardown, or work that was told to stop, has not ended in time; the rest went on without it. */
export class TeardownTimeoutError extends TurnoError {
  readonly code = 'TURNO_TEARDOWN_TIMEOUT';

  constructor(
    readonly provider: string,
    /** In milliseconds. */
    readonly timeout: number,
    what: 'teardown' | 'work' = 'teardown',
  ) {
    super(
      what === 'teardown'
        ? {
            fact: `The teardown of ${provider} has not ended within ${timeout} ms and was left behind.`,
            remedy:
              'Let it end sooner, or set `teardownTimeout`. If it waits for the end of its own scope or container, it waits for itself: let it go without.',
          }
        : {
            fact: `${provider} was told to stop, has not ended within ${timeout} ms and was left behind.`,
            remedy: 'Let it heed its AbortSignal, or set `teardownTimeout`.',
          },
    );
  }
}

/** The singletons that are made at start took too long. */
export class StartTimeoutError extends TurnoError {
  readonly code = 'TURNO_START_TIMEOUT';

  constructor(
    /** Those that were late; what only waited for them is left out. */
    readonly late: readonly string[],
    /** In milliseconds. */
    readonly timeout: number,
  ) {
    const names = late.map((label) => `"${label}"`).join(' and ');
    super({
      fact: `The container did not start within ${timeout} ms: ${names} ${late.length === 1 ? 'was' : 'were'} not made.`,
      remedy: `Find out what ${late.length === 1 ? 'it waits for, declare it' : 'they wait for, declare them'} with \`lazy: true\`, or set \`startTimeout\`.`,
    });
  }
}

/** One parameter of a request could not be read. */
export interface InputFault {
  /** `Kitchen.order`. */
  readonly owner: string;
  /** Index of the parameter. */
  readonly index: number;
  /** What the reader threw. */
  readonly error: unknown;
}

/** Parameters that are read from a scope value were wrong: all of them, in `faults`. */
export class InputError extends TurnoError {
  readonly code = 'TURNO_INPUT';

  constructor(readonly faults: readonly InputFault[]) {
    super({
      fact: `${faults.length} parameter${faults.length === 1 ? '' : 's'} could not be read: ${faults
        .map(
          ({ owner, error }) =>
            `${owner}: ${error instanceof Error ? error.message : String(error)}`,
        )
        .join('; ')}.`,
    });
  }
}

/** Scope values that were not declared, or declared and not given. */
export class ScopeValueError extends TurnoError {
  readonly code = 'TURNO_SCOPE_VALUE';

  constructor(fact: string, remedy: string) {
    super({ fact, remedy });
  }
}
