/** Tokens: what is asked for. A class stands for itself; everything else gets a name. */

/**
 * A class that can be constructed. Its parameters are `any` because a class is accepted whatever
 * its constructor takes: the container finds out from metadata, not from this type.
 */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- see above
export type Class<T = unknown> = new (...args: any[]) => T;

/** A class that serves as a token; it may be abstract, since a provider makes the value. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- as for `Class`
export type AbstractClass<T = unknown> = abstract new (...args: any[]) => T;

declare const made: unique symbol;

/** A token for what has no class of its own. Made by {@link token}; its identity is the object. */
export class NamedToken<T> {
  /** Only the compiler sees this: it ties the token to the type of its value. */
  declare readonly [made]: T;

  constructor(readonly name: string) {}

  toString(): string {
    return this.name;
  }
}

/** What a provider provides and a parameter asks for. */
export type Token<T = unknown> = AbstractClass<T> | NamedToken<T>;

/**
 * Makes a token for a value that has no class: `const Port = token<number>('Port')`.
 * The name is for messages only: two calls with one name make two tokens.
 */
export function token<T>(name: string): NamedToken<T> {
  return new NamedToken<T>(name);
}

/** The name of a token as messages show it. */
export function tokenName(of: Token): string {
  return of.name === '' ? '(anonymous class)' : of.name;
}

/** Whether a value is a class by its source: calling it would throw. */
export function isClass(candidate: unknown): boolean {
  return (
    typeof candidate === 'function' && /^class\b/.test(Function.prototype.toString.call(candidate))
  );
}

/** Whether a value can be a token at all. */
export function isToken(candidate: unknown): candidate is Token {
  return candidate instanceof NamedToken || typeof candidate === 'function';
}
