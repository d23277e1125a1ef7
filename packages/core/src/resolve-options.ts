/** How a scope is asked for a value. */
import { DeclarationError } from './errors.js';
import { refuseUnknownOptions } from './misuse.js';
import type { Between } from './run-scope.js';

export interface ResolveOptions {
  /** Gives up when it is aborted: rejects with its reason at once. */
  readonly signal?: AbortSignal;
  /**
   * For adapters: is called, and awaited, when what is made `before` a handler is there, if parameters are
   * read after that: it may get what they are read from. Deadlines do not run meanwhile; what it throws
   * ends the plan as an error of the handler does.
   */
  readonly between?: Between;
}

/** @throws DeclarationError for an option that does not exist. */
export function checkResolveOptions(options: ResolveOptions): void {
  if (options instanceof AbortSignal) {
    throw new DeclarationError(
      'resolve was given an AbortSignal for its options.',
      'Write resolve(theToken, { signal }).',
    );
  }
  refuseUnknownOptions('resolve', options, ['signal', 'between']);
}
