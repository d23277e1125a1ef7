// Packs both packages, installs the tarballs into two empty projects (one ESM, one CommonJS), compiles and runs these.
// Prints each check and a total; with a file name as argument, writes { passed, failed } to it. Exits with 1 on a failure.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const packages = ['@turno/core', '@turno/http-adapter'];
const { devDependencies } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));

const work = mkdtempSync(path.join(tmpdir(), 'turno-pack-check-'));
const removeWork = () => rmSync(work, { recursive: true, force: true });
process.on('exit', removeWork);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1));

let passed = 0;
let failed = 0;

/** Runs one check; what depends on a check that failed is not tried. */
function check(name, run) {
  const start = performance.now();
  try {
    const result = run() ?? true;
    passed++;
    console.log(`  ok      ${name} (${((performance.now() - start) / 1000).toFixed(1)} s)`);
    return result;
  } catch (error) {
    failed++;
    console.log(`  FAILED  ${name}\n${error.stdout ?? ''}${error.stderr ?? ''}${error.message}`);
    return undefined;
  }
}

function run(cwd, command, ...args) {
  return execFileSync(command, args, {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 120_000,
    killSignal: 'SIGKILL',
  });
}

/** What npm tells of the packages that it packed: `[{ name, filename, files }]`. */
function pack() {
  const workspaces = packages.map((name) => `--workspace=${name}`);
  run(root, 'npm', 'run', '--silent', 'build');
  const told = JSON.parse(
    run(
      root,
      'npm',
      'pack',
      '--json',
      '--ignore-scripts',
      `--pack-destination=${work}`,
      ...workspaces,
    ),
  );
  // npm 12 tells an object by name instead of an array.
  return Array.isArray(told) ? told : Object.values(told);
}

function checkContents({ name, files }) {
  const paths = files.map((file) => file.path);
  for (const needed of [
    'package.json',
    'README.md',
    'LICENSE',
    'bundle/index.js',
    'dist/index.d.ts',
  ]) {
    if (!paths.includes(needed)) throw new Error(`${name} lacks ${needed}`);
  }
  const strange = paths.filter(
    (file) => /\.tsbuildinfo$|\.test\./.test(file) || !/^(bundle|dist|src)\/|^[^/]+$/.test(file),
  );
  if (strange.length > 0) throw new Error(`${name} holds ${strange.join(', ')}`);
  for (const file of paths.filter((file) => /^dist\/.*(?<!\.d)\.ts$/.test(file))) {
    throw new Error(`${name} holds ${file}`);
  }
}

function checkApplication(kind, tarballs) {
  const app = path.join(work, kind);
  cpSync(path.join(root, 'scripts/pack-check', kind), app, { recursive: true });
  const installed = check(`${kind}: npm install of the tarballs`, () => {
    const tools = ['typescript', '@types/node'].map((name) => `${name}@${devDependencies[name]}`);
    const flags = ['--no-audit', '--no-fund', '--prefer-offline'];
    run(app, 'npm', 'install', ...flags, ...tarballs, ...tools);
  });
  const compiled =
    installed &&
    check(`${kind}: tsc, with the packages' declarations checked`, () => {
      run(app, process.execPath, 'node_modules/typescript/bin/tsc', '-p', '.');
    });
  if (compiled) {
    check(`${kind}: runs and exits by itself`, () => {
      run(app, process.execPath, 'dist/main.js');
    });
  }
}

console.log('Checking the packed packages:');
const packed = check('npm pack', pack);
if (packed) {
  for (const one of packed) check(`${one.name}: contents`, () => checkContents(one));
  const tarballs = packed.map(({ filename }) => path.join(work, filename));
  for (const kind of ['esm', 'cjs']) checkApplication(kind, tarballs);
}
console.log(`Packages: ${passed} checks passed, ${failed} failed`);
if (process.argv[2]) writeFileSync(process.argv[2], JSON.stringify({ passed, failed }));
process.exitCode = failed > 0 ? 1 : 0;
