/** Providers that are not written as a class or a method: given values and aliases. */
import { refuseNonToken, refuseUnknownOptions } from './misuse.js';
import { bare } from './own.js';
import { tokenName, type Class, type Token } from './token.js';

/** A token with the value that was given for it; the container never disposes it. */
export class ValueProvider<T = unknown> {
  constructor(
    readonly token: Token<T>,
    readonly value: T,
    /** One of several providers of the token. */
    readonly many = false,
  ) {}
}

/** A token that stands for another one. */
export class AliasProvider<T = unknown> {
  constructor(
    readonly token: Token<T>,
    readonly target: Token<T>,
    /** One of several providers of the token. */
    readonly many = false,
  ) {}
}

/**
 * What `providers` lists: a class (that holds `@Provides` methods, or is `@Injectable` itself), a
 * given value, an alias.
 */
export type Provider = Class | ValueProvider | AliasProvider;

/** Options of {@link value} and {@link alias}. */
export interface GivenOptions {
  /** One of several providers of its token, which are asked for together: `all(token)`. */
  readonly many?: boolean;
}

/** Provides a value that exists already: `value(Port, 8000)`. A function is a value, never called. */
export function value<T>(
  token: Token<T>,
  given: NoInfer<T>,
  options?: GivenOptions,
): ValueProvider<T> {
  refuseNonToken('value', token);
  // Each request gives some: nothing is done for options that are not there.
  if (options === undefined) return new ValueProvider(token, given);
  const { many } = checked(`value(${tokenName(token)})`, options);
  return new ValueProvider(token, given, many);
}

/** Lets `token` stand for `target`: `alias(Repository, PostgresRepository)`. */
export function alias<T>(
  token: Token<T>,
  target: Token<NoInfer<T>>,
  options: GivenOptions = {},
): AliasProvider<T> {
  refuseNonToken('alias', token);
  refuseNonToken('alias', target);
  const { many } = checked(`alias(${tokenName(token)}, ${tokenName(target)})`, options);
  return new AliasProvider<T>(token, target, many);
}

/** @throws DeclarationError for an option that does not exist. */
function checked(where: string, options: GivenOptions): GivenOptions {
  refuseUnknownOptions(where, options, ['many']);
  return bare(options);
}
