// Runs Jest in ESM mode. `npm run jest -- packages/core/test/token.test.ts -t 'a name'` runs a part.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';

const flags = [
  '--experimental-vm-modules',
  '--disable-warning=ExperimentalWarning',
  // Inherited by Jest's child processes and by the worker threads that tests start: these load .ts files too.
  `--import=${new URL('../register.mjs', import.meta.url).href}`,
];
const jest = createRequire(import.meta.url).resolve('jest/bin/jest.js');
const { status } = spawnSync(process.execPath, [...flags, jest, ...process.argv.slice(2)], {
  stdio: 'inherit',
});
process.exitCode = status ?? 1;
