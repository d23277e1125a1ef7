/** @jest-config-loader-options {"transpileOnly":true,"compilerOptions":{"module":"commonjs","moduleResolution":"bundler","rewriteRelativeImportExtensions":false,"verbatimModuleSyntax":false}} */
import type { Config } from 'jest';

/** Set by .ci/run: where to leave the numbers of tests that passed, failed and were skipped. */
const counts = process.env.TURNO_JEST_COUNTS;

const config: Config = {
  testEnvironment: 'node',
  // A hang must fail, a busy machine must not: starting threads with ts-node takes a while there.
  testTimeout: 60_000,
  testMatch: [
    '<rootDir>/packages/*/test/**/*.test.ts',
    '<rootDir>/{examples,benchmarks,test}/**/*.test.ts',
  ],
  testPathIgnorePatterns: ['/node_modules/', '/dist/', '/bundle/'],
  // Jest's default leaves one core to a watch mode: half of them, on a machine with two.
  maxWorkers: '100%',
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: {
    // Types are checked by `npm run typecheck`.
    '\\.ts$': [
      'ts-jest',
      { useESM: true, transpilation: true, tsconfig: '<rootDir>/tsconfig.json' },
    ],
  },
  reporters: counts
    ? ['default', ['<rootDir>/scripts/jest-counts.mjs', { file: counts }]]
    : ['default'],
};

export default config;
