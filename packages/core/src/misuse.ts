/** Refuses what JavaScript passes although the types forbid it. */
import { DeclarationError } from './errors.js';
import { isToken } from './token.js';

/**
 * @param instead - for undefined, which circular imports leave: what names the token later.
 * @throws DeclarationError for what is no token.
 */
export function refuseNonToken(caller: string, candidate: unknown, instead?: string): void {
  if (isToken(candidate)) return;
  const later =
    instead === undefined || candidate !== undefined ? '' : `: name it later, by ${instead}`;
  throw new DeclarationError(
    `${caller}() was given ${shown(candidate)} for a token.`,
    `A token is a class or comes from token(name)${candidate === undefined ? `; undefined means that two modules import each other${later}` : ''}.`,
  );
}

/**
 * @param where - whose options they are, as the message begins.
 * @throws DeclarationError for what is no object, and for options that do not exist.
 */
export function refuseUnknownOptions(
  where: string,
  options: unknown,
  names: readonly string[],
): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new DeclarationError(
      `${where} was given ${Array.isArray(options) ? 'an array' : shown(options)} for its options.`,
      `Write an object: { ${names[0] ?? ''}: … }.`,
    );
  }
  const unknown = Object.keys(options).find((name) => !names.includes(name));
  if (unknown === undefined) return;
  throw new DeclarationError(
    `${where} has no option "${unknown}".`,
    `Its options are ${names.join(', ')}.`,
  );
}

/** @throws DeclarationError: a decorator was given what it decorates. */
export function refuseBareDecorator(name: string, example: string): never {
  throw new DeclarationError(`@${name} was applied without parentheses.`, `Write ${example}.`);
}

/** A value as code would write it, as far as it is short. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'function') return `the function ${value.name}`;
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}
