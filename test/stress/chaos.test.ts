/** A short run of what `node test/stress/chaos.mjs` does at length. */
import { expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

it('whatever happens in threads, each task settles once, and the threads come back', async () => {
  const script = fileURLToPath(new URL('chaos.mjs', import.meta.url));
  const args = ['--expose-gc', script, '--tasks', '300'];
  // A run that fails ends with another code, which rejects with what it has printed.
  const { stdout } = await promisify(execFile)(process.execPath, args);
  expect(stdout).toMatch(/^chaos: 300 tasks .* 0 wrong$/m);
});
