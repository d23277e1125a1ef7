/** Finds the file that threads run. It stands where `bundle/` has its files too, so that the address is the same there. */
import { existsSync } from 'node:fs';

import { ThreadStartError } from './errors.js';

/**
 * What tinypool loads in each thread. Built, it is JavaScript; when this file itself runs as
 * TypeScript, then threads inherit what makes that possible.
 * @throws ThreadStartError where a bundler has taken this file away from its neighbours.
 */
export function workerEntry(): URL {
  // Undefined where a bundler has made CommonJS of this file.
  const here = import.meta.url as string | undefined;
  if (here !== undefined) {
    // A name that nobody else has: in a bundle there may be a `worker/` of the program's own.
    const name = here.endsWith('.ts') ? 'turno-worker.ts' : 'turno-worker.js';
    const entry = new URL(`./worker/${name}`, here);
    if (existsSync(entry)) return entry;
  }
  throw new ThreadStartError(
    '@turno/core is part of a bundle, and the file that threads run is not there',
    undefined,
    'Leave @turno/core out of the bundle: with esbuild by --external:@turno/core or --packages=external.',
  );
}
