// Removes what a build leaves: stale files of a renamed module would otherwise be published.
import { rmSync } from 'node:fs';

for (const folder of [
  'packages/core/dist',
  'packages/core/bundle',
  'packages/http-adapter/dist',
  'packages/http-adapter/bundle',
  'benchmarks/dist',
  'coverage',
]) {
  rmSync(new URL(`../${folder}`, import.meta.url), { recursive: true, force: true });
}
