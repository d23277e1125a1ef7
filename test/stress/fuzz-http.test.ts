/** A short run of what `node --import ./register.mjs test/stress/fuzz-http.mjs` does at length. */
import { expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

it('whatever is done to the bytes of requests, they are served or refused, and the next ones served', async () => {
  const [register, script] = ['../../register.mjs', 'fuzz-http.mjs'].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  ) as [string, string];
  const args = ['--import', register, script, '--cases', '1000', '--seed', '1', '--threads', '0'];
  // A run that fails ends with another code, which rejects with what it has printed.
  const { stdout } = await promisify(execFile)(process.execPath, args);
  expect(stdout).toMatch(/^fuzz-http: 1000 cases, .* 0 wrong$/m);
});
