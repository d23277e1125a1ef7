/** Says what lets threads load TypeScript, where this program runs. */
import { availableParallelism } from 'node:os';

/** The option by which threads inherit a loader. */
const flag = '--import';

/**
 * What to do where a thread cannot load the TypeScript that the main thread runs; the beginning of
 * a sentence. Under a test runner that loads TypeScript by itself threads do not: they are plain
 * Node.
 */
export function loaderRemedy(): string {
  // Not by the environment alone: programs that a test starts inherit that.
  if ('__vitest_worker__' in globalThis) {
    return `Let threads load TypeScript: set test: { execArgv: ['${flag}', './tsx.mjs'] } in the configuration of Vitest (docs/testing.md)`;
  }
  if (process.env.JEST_WORKER_ID !== undefined && isForeignRealm()) {
    return `Let threads load TypeScript: start Jest by node ${flag} ./tsx.mjs --experimental-vm-modules node_modules/jest/bin/jest.js (docs/testing.md)`;
  }
  return `Start Node with a loader that threads inherit (${flag} ./tsx.mjs or others: docs/loaders.md)`;
}

/** Whether this file runs in a vm context, as all modules do under Jest. */
function isForeignRealm(): boolean {
  return !(availableParallelism instanceof Function);
}
