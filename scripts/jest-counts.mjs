// A Jest reporter that writes { passed, failed, skipped } to the file named by its option `file`.
import { writeFileSync } from 'node:fs';

export default class JestCounts {
  #file;

  constructor(_config, { file }) {
    this.#file = file;
  }

  onRunComplete(_contexts, results) {
    const counts = {
      passed: results.numPassedTests,
      // A file that could not be run holds tests that nobody counted: it is one failure.
      failed: results.numFailedTests + results.numRuntimeErrorTestSuites,
      skipped: results.numPendingTests + results.numTodoTests,
    };
    writeFileSync(this.#file, JSON.stringify(counts));
  }
}
