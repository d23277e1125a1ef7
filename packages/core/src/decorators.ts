/** The decorators: they write records and do nothing else. */
import { DeclarationError } from './errors.js';
import { refuseBareDecorator, refuseUnknownOptions, shown } from './misuse.js';
import { bare } from './own.js';
import {
  methodRecord,
  parameterRecord,
  recordOf,
  type Finish,
  type ParameterSource,
  type ProviderOptions,
} from './record.js';
import { ForwardRef } from './request-token.js';
import { scopes, type Scope } from './scope.js';
import { isToken, NamedToken, type AbstractClass, type Token } from './token.js';

/** What a method may return to provide a `T`. */
export type Provided<T> = T | PromiseLike<T> | Generator<T, unknown> | AsyncGenerator<T, unknown>;

/** Options of `@Injectable`. A class runs where its consumer runs, so there is no `on`. */
export type InjectableOptions = Pick<ProviderOptions, 'scope' | 'lazy'>;

/** Names of {@link ProviderOptions}. */
export const providerOptionNames = [
  'scope',
  'on',
  'lazy',
  'many',
  'threads',
  'deadline',
] as const satisfies (keyof ProviderOptions)[];

/** A method as a decorator sees it; parameters are `any` because every signature is accepted. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- see above
type Method<R = unknown> = (...args: any[]) => R;

/**
 * Makes a class provide itself; no registration is needed. Its constructor's parameters are
 * injected.
 */
export function Injectable(options: InjectableOptions = {}) {
  if (typeof options === 'function') refuseBareDecorator('Injectable', '@Injectable()');
  return function injectable(target: AbstractClass, context?: unknown): void {
    refuseStandardDecorator('Injectable', context);
    const label = `@Injectable on ${target.name}`;
    refuseUnknownOptions(label, options, ['scope', 'lazy']);
    const given = bare(options);
    checkOptions(label, given);
    recordOf(target, injectable).injectable = given;
  };
}

/**
 * Makes a method provide `token`: its parameters are injected, what it returns is the value. An
 * `async` method is awaited on the event loop, any other runs in a worker thread.
 */
export function Provides<T>(provided: Token<T>, options: ProviderOptions = {}) {
  // Without parentheses the name of the method stands there.
  if (typeof options !== 'object') refuseBareDecorator('Provides', '@Provides(theToken)');
  return function provides<M extends Method<Provided<T>>>(
    target: object,
    name: string | symbol,
    _descriptor: TypedPropertyDescriptor<M>,
  ): void {
    refuseStandardDecorator('Provides', name);
    const { owner, isStatic } = ownerOf(target);
    const label = `@Provides on ${owner.name}.${String(name)}`;
    refuseUnknownOptions(label, options, providerOptionNames);
    const given = bare(options);
    checkOptions(label, given);
    const method = methodRecord(recordOf(owner, provides), name, isStatic);
    if (method.provides !== undefined) {
      throw new DeclarationError(
        `@Provides stands twice on ${owner.name}.${String(name)}: one method provides one token.`,
        'Remove one of them; alias(token, other) gives a value a second name.',
      );
    }
    method.provides = { token: tokenOrNull(label, provided), options: given };
  };
}

/** Says which token a parameter wants, where its class alone does not. */
export function Inject(wanted: Token | ForwardRef): ParameterDecorator;
export function Inject(...given: readonly unknown[]): ParameterDecorator {
  const [wanted] = given;
  if (given.length > 1) refuseBareDecorator('Inject', '@Inject(theToken)');
  return function inject(target: object, name: string | symbol | undefined, index: number): void {
    refuseStandardDecorator('Inject', name);
    const parameters = parametersOf(target, name, inject);
    parameterRecord(parameters, index).token =
      wanted instanceof ForwardRef
        ? wanted
        : tokenOrNull(`@Inject at ${placeOf(target, name, index)}`, wanted);
  };
}

/** Gives a parameter undefined where nothing provides what it wants, instead of an error at start. */
export function Optional(): ParameterDecorator;
export function Optional(...given: readonly unknown[]): ParameterDecorator {
  if (given.length > 0) refuseBareDecorator('Optional', '@Optional()');
  return function optional(target: object, name: string | symbol | undefined, index: number): void {
    refuseStandardDecorator('Optional', name);
    parameterRecord(parametersOf(target, name, optional), index).optional = true;
  };
}

/**
 * Lets instances of a data class cross between loop and thread: their own fields are copied, and
 * the prototype (so the methods) restored. `encode` and `decode` say it by hand, for a class with
 * private `#fields` or resources. With `merge` an instance that a thread was given, and has written to,
 * comes back at the end of the trip: what was written there is put into the original.
 */
export function Portable<T, Data>(options?: {
  readonly encode: (instance: T) => Data;
  readonly decode: (data: Data) => T;
  readonly merge?: (original: T, returned: T) => void;
}) {
  if (typeof options === 'function') refuseBareDecorator('Portable', '@Portable()');
  return function portable(target: AbstractClass<T>, context?: unknown): void {
    refuseStandardDecorator('Portable', context);
    refuseUnknownOptions(`@Portable on ${target.name}`, options ?? {}, [
      'encode',
      'decode',
      'merge',
    ]);
    recordOf(target, portable).portable = bare(options ?? {});
  };
}

/** Options of {@link declareHandler}; the deadline counts from the start of `resolve`. */
export type HandlerOptions = {
  readonly [Name in 'on' | 'threads' | 'deadline']?: ProviderOptions[Name] | undefined;
} & {
  /** For a handler that runs in a thread: makes there what crosses in the place of its result. */
  readonly finish?: Finish | undefined;
  /**
   * For a handler that runs on the loop: makes there what `resolve` returns in the place of its result,
   * before the call ends. What it throws is an error of the handler; it returns no promise.
   */
  readonly finishOnLoop?: Finish | undefined;
  /** For messages: how a parameter is declared that the adapter reads, `Write @Query(name) …`. */
  readonly hint?: string | undefined;
};

/**
 * For adapters: declares a method as the root of plans, as `@Get` does. List its class in
 * `providers` and resolve `handlerToken(Class, name)` from a scope to run it.
 */
export function declareHandler(
  target: object,
  name: string | symbol,
  options: HandlerOptions = {},
): void {
  const { owner, isStatic } = ownerOf(target);
  checkOptions(`The handler ${owner.name}.${String(name)}`, bare(options));
  const said = Object.entries(options).filter(([, option]) => option !== undefined);
  methodRecord(recordOf(owner, declareHandler), name, isStatic).handler = bare(
    Object.fromEntries(said),
  );
}

/**
 * For adapters: notes where a class stands, as `@Controller` does, so that threads find the methods
 * that it inherits.
 */
export function declareClass(target: AbstractClass): void {
  recordOf(target, declareClass).isDeclared = true;
}

/** For adapters: declares that a parameter is read from a scope value, as `@Query` does. */
export function declareParameter<From>(
  target: object,
  name: string | symbol | undefined,
  index: number,
  source: ParameterSource<From>,
): void {
  const parameters = parametersOf(target, name, declareParameter);
  parameterRecord(parameters, index).source = source as ParameterSource;
}

const handlerTokens = new WeakMap<AbstractClass, Map<string | symbol, NamedToken<unknown>>>();

/** For adapters: the token under which a handler of a listed class can be resolved. */
export function handlerToken(owner: AbstractClass, name: string | symbol): Token {
  let tokens = handlerTokens.get(owner);
  if (tokens === undefined) {
    tokens = new Map<string | symbol, NamedToken<unknown>>();
    handlerTokens.set(owner, tokens);
  }
  let found = tokens.get(name);
  if (found === undefined) {
    tokens.set(name, (found = new NamedToken(`${owner.name}.${String(name)}`)));
  }
  return found;
}

/** A decorator on a static method gets the class, on any other its prototype. */
function ownerOf(target: object): { owner: AbstractClass; isStatic: boolean } {
  return typeof target === 'function'
    ? { owner: target as AbstractClass, isStatic: true }
    : { owner: target.constructor as AbstractClass, isStatic: false };
}

function parametersOf(
  target: object,
  name: string | symbol | undefined,
  entry: (...args: never[]) => unknown,
) {
  // A constructor's parameter is the only one without a method name.
  if (name === undefined) return recordOf(target as AbstractClass, entry).parameters;
  const { owner, isStatic } = ownerOf(target);
  return methodRecord(recordOf(owner, entry), name, isStatic).parameters;
}

/** A parameter as messages name it. */
function placeOf(target: object, name: string | symbol | undefined, index: number): string {
  const { owner } = ownerOf(target);
  const callable = name === undefined ? 'the constructor' : String(name);
  return `parameter ${index + 1} of ${name === undefined ? `${callable} of ${owner.name}` : `${owner.name}.${callable}`}`;
}

/** Null stands for a class that is not there yet: the graph reports it, with the path. */
function tokenOrNull(where: string, candidate: unknown): Token | null {
  if (isToken(candidate)) return candidate;
  if (candidate === undefined) return null;
  throw new DeclarationError(
    `${where} was given ${shown(candidate)} for a token.`,
    'A token is a class or comes from token(name).',
  );
}

/** @throws DeclarationError for a scope or a placement that does not exist. */
export function checkOptions(
  where: string,
  options: { readonly [Name in keyof ProviderOptions]: ProviderOptions[Name] | undefined },
): void {
  // JavaScript may pass anything.
  const { scope, on, threads, deadline } = options as {
    scope?: Scope;
    on?: string;
    threads?: unknown;
    deadline?: unknown;
  };
  if (scope !== undefined && !scopes.includes(scope)) {
    throw new DeclarationError(
      `${where} has the unknown scope '${scope}'.`,
      `Scopes are ${scopes.map((known) => `'${known}'`).join(', ')}.`,
    );
  }
  if (scope === 'thread' && on === 'loop') {
    throw new DeclarationError(
      `${where} has scope 'thread' and \`on: 'loop'\`.`,
      'What has that scope lives in worker threads only: leave `on` out, or choose another scope.',
    );
  }
  if (on !== undefined && on !== 'loop' && on !== 'thread') {
    throw new DeclarationError(
      `${where} has the unknown placement '${on}'.`,
      `\`on\` is 'loop' or 'thread'.`,
    );
  }
  if (threads !== undefined) checkGroup(where, threads, scope, on);
  if (deadline !== undefined) checkDeadline(`${where} has`, deadline);
}

function checkGroup(where: string, threads: unknown, scope?: Scope, on?: string): void {
  if (typeof threads !== 'string' || threads === '') {
    throw new DeclarationError(
      `${where} has ${shown(threads)} for \`threads\`.`,
      'Give the name of a group: Container.create({ threads: { groups: { reports: {} } } }).',
    );
  }
  if (scope === 'thread') {
    throw new DeclarationError(
      `${where} has scope 'thread' and names the group '${threads}'.`,
      'Leave `threads` out: what has that scope is made in whichever thread needs it.',
    );
  }
  if (on === 'loop') {
    throw new DeclarationError(
      `${where} says on: 'loop' and names the group of threads '${threads}'.`,
      'Leave one of them out.',
    );
  }
}

/** @throws DeclarationError for what is no deadline. @param whose - `The container has`. */
export function checkDeadline(whose: string, deadline: unknown): void {
  // Longer ones would make timers of Node fire at once.
  if (typeof deadline === 'number' && deadline > 0 && deadline <= 2 ** 31 - 1) return;
  throw new DeclarationError(
    `${whose} the deadline ${shown(deadline)}.`,
    'It is a number of milliseconds, above 0 and up to 2,147,483,647.',
  );
}

/** Standard (stage 3) decorators get a context object; they know no parameters and no types. */
function refuseStandardDecorator(name: string, context: unknown): void {
  if (typeof context !== 'object' || context === null || !('kind' in context)) return;
  throw new DeclarationError(
    `@${name} was applied as a standard decorator.`,
    'Set "experimentalDecorators": true in tsconfig.json: only these decorators see parameters.',
  );
}
