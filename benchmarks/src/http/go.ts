/** Go's net/http, of Debian's package golang-go. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startProgram } from './other-program.js';
import type { Server, Skipped } from './server.js';

export async function start(): Promise<Server | Skipped> {
  try {
    execFileSync('go', ['version'], { stdio: 'pipe' });
  } catch {
    return { skipped: 'apt-get install golang-go brings it' };
  }
  const folder = mkdtempSync(join(tmpdir(), 'turno-bench-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const program = join(folder, 'server');
  // Not compiled by tsc, so it stands in the folder of the sources.
  const source = fileURLToPath(new URL('../../src/http/server.go', import.meta.url));
  execFileSync('go', ['build', '-o', program, source], {
    stdio: 'pipe',
    env: { ...process.env, GO111MODULE: 'off', GOFLAGS: '', GOTOOLCHAIN: 'local' },
  });
  return startProgram(program, (port) => [port]);
}
