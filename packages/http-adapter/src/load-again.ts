/** Packages that are loaded when a request needs them first: not at start, whose time counts. */
import { createRequire } from 'node:module';

/**
 * Loads a package of CommonJS whose import has failed, as it does without a free file descriptor: Node 20 does not
 * try that again for as long as the process lives.
 * @returns what an import gives.
 */
export function loadAgain(name: string): { readonly default: unknown } {
  return { default: createRequire(import.meta.url)(name) as unknown };
}
