/** Dependencies of a level: what is made before handlers, for its effect. */
import { DeclarationError, NamedToken, type AbstractClass, type Token } from '@turno/core';
import { refuseStandardDecorator } from './misuse.js';
import { recordOf } from './record.js';

/**
 * Has tokens made before the handlers of a controller (and of those below it), or before one handler:
 * for their effect, in this order, before the body is read and the parameters of the handler are. What
 * throws ends the request. Those of the app come first, then those of the controllers from the outermost
 * in, then those of the route; one that is listed twice is made once.
 */
export function Depends(...tokens: readonly [Token, ...Token[]]) {
  tokens.forEach((token, position) => checkToken(token, position));
  if (tokens.length === 0) {
    throw new DeclarationError('@Depends was given nothing.', 'Write @Depends(TheClass).');
  }
  return (target: object, name?: string | symbol, at?: PropertyDescriptor): void => {
    refuseStandardDecorator('Depends', name);
    if (typeof at === 'number') {
      throw new DeclarationError(
        '@Depends stands at a parameter.',
        'A parameter gets what its type or @Inject(token) says: put @Depends on the method or the class.',
      );
    }
    const owner = (typeof target === 'function' ? target : target.constructor) as AbstractClass;
    const { depends, methodDepends } = recordOf(owner);
    // Decorators are applied from the last one up.
    if (name === undefined) depends.unshift(...tokens);
    else methodDepends.set(name, [...tokens, ...(methodDepends.get(name) ?? [])]);
  };
}

function checkToken(candidate: unknown, position: number): void {
  if (isToken(candidate)) return;
  throw new DeclarationError(
    `@Depends was given ${candidate === undefined ? 'undefined' : `a ${typeof candidate}`} for token ${position + 1}.`,
    candidate === undefined
      ? 'Two modules import each other, or a name is misspelt.'
      : 'A token is a class or comes from token(name).',
  );
}

/** Whether a value can be asked for. */
export function isToken(candidate: unknown): candidate is Token {
  return typeof candidate === 'function' || candidate instanceof NamedToken;
}
