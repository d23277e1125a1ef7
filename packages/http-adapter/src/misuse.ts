/** Refuses what decorators cannot work with. */
import { DeclarationError } from '@turno/core';
import { OptionsError } from './errors.js';

/** Also catches `@Get` without parentheses, which gets the class or its prototype here. */
export function refuseNonText(decorator: string, what: string, given: unknown): void {
  if (typeof given === 'string') return;
  throw new DeclarationError(
    `The ${what} of @${decorator} is not a string.`,
    what === 'name'
      ? `Names are not known at run time: write @${decorator}('id').`
      : `Write @${decorator}() or @${decorator}('/burgers').`,
  );
}

/** @throws DeclarationError for options that a decorator does not know. */
export function checkOptions(decorator: string, options: unknown, known: readonly string[]): void {
  const list = known.map((name) => `\`${name}\``).join(', ');
  if (typeof options !== 'object' || options === null) {
    throw new DeclarationError(
      `@${decorator} was given ${String(options)} for its options.`,
      `They are an object with ${list}.`,
    );
  }
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new DeclarationError(
      `@${decorator} has no option "${unknown}".`,
      `It knows ${list}${known.includes('optional') ? ', or takes a Standard Schema instead' : ''}.`,
    );
  }
}

/** Standard (stage 3) decorators get a context object; they know no parameters and no types. */
export function refuseStandardDecorator(name: string, context: unknown): void {
  if (typeof context !== 'object' || context === null || !('kind' in context)) return;
  throw new DeclarationError(
    `@${name} was applied as a standard decorator.`,
    'Set "experimentalDecorators": true in tsconfig.json: only these decorators see parameters.',
  );
}

/** The remedy for a handler's parameter whose type names no provider. */
export const parameterHint =
  'Say where it is read from: @Path(name), @Query(name), @Body() and the like';

/** @throws OptionsError for what is no object, and for options that do not exist. */
export function refuseUnknownOptions(
  caller: string,
  options: unknown,
  names: readonly string[],
): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new OptionsError(
      `${caller} was given ${Array.isArray(options) ? 'an array' : String(options)} for its options.`,
      `Write an object: { ${names[0] ?? ''}: … }.`,
    );
  }
  const unknown = Object.keys(options).find((name) => !names.includes(name));
  if (unknown === undefined) return;
  throw new OptionsError(
    `${caller} has no option "${unknown}".`,
    `Its options are ${names.join(', ')}.`,
  );
}

/** @throws OptionsError for what is no app: most often the promise of one. */
export function refuseNonApp(caller: string, app: unknown): void {
  const given = (app ?? {}) as { readonly listen?: unknown; readonly then?: unknown };
  if (typeof given.listen === 'function') return;
  const isPromise = typeof given.then === 'function';
  throw new OptionsError(
    `${caller} was given ${isPromise ? 'a promise' : `a value of type ${typeof app}, which is no app`}.`,
    `Write ${caller}(await createApp({ … })).`,
  );
}
