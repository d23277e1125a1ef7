/** `provide`: a provider without decorators, made of a function; it writes the records they write. */
import { checkOptions, providerOptionNames, type Provided } from './decorators.js';
import { DeclarationError } from './errors.js';
import { refuseNonToken, refuseUnknownOptions, shown } from './misuse.js';
import type { Provider } from './provider.js';
import { bare } from './own.js';
import { methodRecord, recordOf, type ParameterRecord, type ProviderOptions } from './record.js';
import { ForwardRef } from './request-token.js';
import {
  isClass,
  isToken,
  tokenName,
  type AbstractClass,
  type Class,
  type NamedToken,
  type Token,
} from './token.js';

/** A dependency that may be missing; made by {@link optional}. */
export class OptionalRef<T = unknown> {
  constructor(readonly of: Token<T> | ForwardRef<T>) {}
}

/** What a function given to {@link provide} can ask for. */
export type Dependency<T = unknown> = Token<T> | ForwardRef<T> | OptionalRef<T>;

/** The parameters that a list of dependencies stands for. */
export type Injected<Deps extends readonly Dependency[]> = {
  -readonly [Index in keyof Deps]: Deps[Index] extends OptionalRef<infer T>
    ? T | undefined
    : Deps[Index] extends ForwardRef<infer T> | NamedToken<infer T> | AbstractClass<infer T>
      ? T
      : never;
};

/** Options of {@link provide}. */
export interface ProvideOptions<
  Deps extends readonly Dependency[] = readonly Dependency[],
> extends ProviderOptions {
  /** What the function's parameters get, in their order. */
  readonly deps?: Deps;
}

/**
 * Provides a token by a function, without decorators and without metadata:
 * `provide(Order, { deps: [Tickets], scope: 'request' }, async (tickets) => …)`. The rule of methods
 * holds: an `async` function is awaited on the event loop, any other runs in a worker thread, also
 * one that returns a promise; `on` overrides it. A function for threads must be given at the top
 * level of its module: a thread imports that module and finds the function by this call.
 * @returns an entry for `providers` or `overrides`.
 * @throws DeclarationError for what is no token, no function or no option.
 */
// Not just `make: () => Provided<T>`: only through a type parameter of its own do literals that the
// function returns (a tuple, a `kind`) get the type that the token wants.
/* eslint-disable @typescript-eslint/no-unnecessary-type-parameters */
export function provide<T, Make extends () => Provided<T>>(token: Token<T>, make: Make): Provider;
export function provide<
  T,
  Make extends (...values: Injected<Deps>) => Provided<T>,
  const Deps extends readonly Dependency[] = readonly [],
>(token: Token<T>, options: ProvideOptions<Deps>, make: Make): Provider;
/* eslint-enable @typescript-eslint/no-unnecessary-type-parameters */
export function provide(
  token: Token,
  // JavaScript may leave the function out.
  ...given: readonly unknown[]
): Provider {
  refuseNonToken('provide', token);
  const [all, make] = (given.length < 2 ? [{}, given[0]] : given) as readonly [
    ProvideOptions,
    unknown,
  ];
  const label = labelOf(token, make);
  refuseUnknownOptions(label, all, optionNames);
  const { deps = [], ...others } = bare(all);
  const options = bare(others);
  checkOptions(label, options);
  if (!Array.isArray(deps)) {
    throw new DeclarationError(
      `\`deps\` of ${label} is ${shown(deps)}, which is no array.`,
      'Write deps: [A, B], with the token of each parameter.',
    );
  }
  checkFunction(label, make, deps.length);
  const holder = holderOf(label, make);
  const record = recordOf(holder, provide);
  record.label = label;
  const method = methodRecord(record, 'make', true);
  method.provides = { token, options };
  method.isFixed = true;
  for (const [index, dependency] of deps.entries()) {
    method.parameters.set(index, wantedBy(dependency, `Dependency ${index + 1} of ${label}`));
  }
  return holder;
}

/**
 * Lets a dependency be missing: `deps: [optional(Logger)]` gives undefined where nothing provides it,
 * as `@Optional()` does for a decorated parameter.
 */
export function optional<T>(of: Token<T> | ForwardRef<T>): OptionalRef<T> {
  return new OptionalRef(of);
}

/** As the call reads; a function's own name tells several providers of one token apart. */
function labelOf(token: Token, make: unknown): string {
  const own = typeof make === 'function' && make.name !== '' ? `, ${make.name}` : '';
  return `provide(${tokenName(token)}${own})`;
}

/**
 * A class whose static method is the function: so it is a provider like any other, with the same
 * checks, the same placement and the same way to a thread. Its name makes its id, in which `#` has a
 * meaning; with the label in it, calls for other tokens do not count in the number of this one.
 */
function holderOf(label: string, make: unknown): Class {
  const name = label.replaceAll('#', '%23');
  return {
    [name]: class {
      static readonly make = make;
    },
  }[name] as Class;
}

const optionNames = ['deps', ...providerOptionNames];

/** JavaScript may pass anything. */
function checkFunction(label: string, make: unknown, given: number): void {
  if (typeof make !== 'function') {
    throw new DeclarationError(
      `${label} was given a value of type ${typeof make} for the function that makes the value.`,
      'Write provide(token, { deps: [A, B] }, async (a, b) => …); value(token, v) gives a value.',
    );
  }
  if (isClass(make)) {
    throw new DeclarationError(
      `${label} was given the class ${make.name} for the function that makes the value.`,
      'Write alias(token, TheClass), or list the class itself in `providers`.',
    );
  }
  if (make.length > given) {
    throw new DeclarationError(
      `The function of ${label} takes ${count(make.length, 'parameter')}, but \`deps\` lists ${given}.`,
      'Name the token of each parameter in `deps`, in their order.',
    );
  }
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

function wantedBy(dependency: unknown, where: string): ParameterRecord {
  if (dependency instanceof OptionalRef)
    return bare({ ...wantedBy(dependency.of, where), optional: true });
  if (dependency instanceof ForwardRef || isToken(dependency)) return bare({ token: dependency });
  // Undefined stands for a class that is not there yet: the graph reports it, with the path.
  if (dependency === undefined) return bare({ token: null });
  throw new DeclarationError(
    `${where} is a value of type ${typeof dependency}.`,
    'A token is a class or comes from token(name).',
  );
}
