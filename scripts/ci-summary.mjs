// Ends a CI run: `ci-summary.mjs EXIT-CODE COUNTS-FILE [EXIT-CODE COUNTS-FILE …]`, one pair for each step.
// Prints `N passed, N failed` for all steps together, and exits with 1 if anything failed.
import { existsSync, readFileSync } from 'node:fs';
import process from 'node:process';

const steps = process.argv.slice(2);
const total = { passed: 0, failed: 0, skipped: 0 };
for (let i = 0; i < steps.length; i += 2) {
  const counts = existsSync(steps[i + 1]) ? JSON.parse(readFileSync(steps[i + 1], 'utf8')) : {};
  total.passed += counts.passed ?? 0;
  total.skipped += counts.skipped ?? 0;
  // A step that failed without a failed test (a type error, a lint error) is one failure.
  total.failed += counts.failed || (steps[i] === '0' ? 0 : 1);
}
console.log(
  `${total.passed} passed, ${total.failed} failed` +
    (total.skipped > 0 ? `, ${total.skipped} skipped` : ''),
);
process.exitCode = total.failed > 0 ? 1 : 0;
