/** FastAPI with uvicorn, of Debian's packages python3-fastapi and python3-uvicorn. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { startProgram } from './other-program.js';
import type { Server, Skipped } from './server.js';

const python = '/usr/bin/python3';

export async function start(): Promise<Server | Skipped> {
  try {
    execFileSync(python, ['-c', 'import fastapi, uvicorn'], { stdio: 'pipe' });
  } catch {
    return { skipped: 'apt-get install python3-fastapi python3-uvicorn brings it' };
  }
  // Not compiled, so it stands in the folder of the sources.
  const folder = fileURLToPath(new URL('../../src/http/', import.meta.url));
  return startProgram(
    python,
    (port) => [
      '-m',
      'uvicorn',
      'fastapi_server:app',
      '--port',
      port,
      '--log-level',
      'error',
      '--no-access-log',
    ],
    folder,
  );
}
