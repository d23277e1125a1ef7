/** Each suite runs, with turno and what it is compared with. What comes out is not judged. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

const benchmarks = fileURLToPath(new URL('../', import.meta.url));
const compiler = fileURLToPath(import.meta.resolve('typescript/bin/tsc'));
const results = mkdtempSync(join(tmpdir(), 'turno-bench-'));

function node(...args: readonly string[]) {
  // Threads inherit the options of the process that runs the tests; this is another program.
  const env = { ...process.env, NODE_OPTIONS: '' };
  const ended = spawnSync(process.execPath, args, { cwd: benchmarks, env, encoding: 'utf8' });
  if (ended.status !== 0) throw new Error(ended.stdout + ended.stderr);
  return ended.stdout;
}

function run(...args: readonly string[]) {
  return node(
    'dist/main.js',
    ...args,
    '--quick',
    '--rounds',
    '1',
    '--only',
    'turno',
    '--results',
    results,
  );
}

interface Suite {
  suite: string;
  tables: { title: string; candidates: { name: string }[] }[];
}

describe('npm run bench', () => {
  beforeAll(() => void node(compiler, '-b', '.'), 180_000);
  afterAll(() => rmSync(results, { recursive: true }));

  test.each(['containers', 'http', 'mixed', 'hop', 'scale'])(
    'runs the suite %s and keeps numbers and a chart',
    (name) => {
      const [suite] = JSON.parse(run(name, '--json')) as [Suite];
      expect(suite.suite).toBe(name);
      expect(suite.tables.length).toBeGreaterThan(0);
      for (const { candidates } of suite.tables) {
        const measured = candidates.filter(({ name }) => name.startsWith('turno'));
        expect(measured.length).toBeGreaterThan(0);
      }
      expect(JSON.parse(readFileSync(join(results, `${name}.json`), 'utf8'))).toEqual(suite);
      expect(readFileSync(join(results, `${name}.svg`), 'utf8')).toMatch(
        /^<svg[^]*turno[^]*<\/svg>\n$/,
      );
    },
    180_000,
  );

  test('says which suites there are when asked for another', () => {
    expect(() => run('speed')).toThrow('There is no suite "speed". Give some of: containers, http');
    expect(readdirSync(results)).not.toContain('speed.json');
  });
});
