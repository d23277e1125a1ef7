/** Providers that are not written as a class or a method: given values and aliases. */
import { refuseNonToken } from './misuse.js';
import type { Class, Token } from './token.js';

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
  { many }: GivenOptions = {},
): ValueProvider<T> {
  refuseNonToken('value', token);
  return new ValueProvider(token, given, many);
}

/** Lets `token` stand for `target`: `alias(Repository, PostgresRepository)`. */
export function alias<T>(
  token: Token<T>,
  target: Token<NoInfer<T>>,
  { many }: GivenOptions = {},
): AliasProvider<T> {
  refuseNonToken('alias', token);
  refuseNonToken('alias', target);
  return new AliasProvider<T>(token, target, many);
}
