/** The ways to run a program that uses turno; loaders.test.ts and scripts/loader-matrix.mjs try them. */
import { execFile } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../../', import.meta.url));
const fixtures = fileURLToPath(new URL('../fixtures/loaders/', import.meta.url));

/** What programs print that use decorators, threads, portable classes, errors and thread scope. */
export const served = 'order 2: 4 burgers, grilled as number 2 in another thread; no fries';

/** How a process has ended. */
export interface Ended {
  readonly code: number;
  readonly output: string;
  readonly errors: string;
}

/** A way to run programs. */
export interface Loader {
  readonly type: 'module' | 'commonjs';
  /** Compiles or bundles the programs of a folder, or adds what the loader needs. */
  readonly prepare?: (cwd: string) => Promise<unknown> | undefined;
  /** Arguments of Node for a program. */
  readonly run: (program: string) => readonly string[];
  /** Names of files in fixtures/loaders, without their ends. */
  readonly programs: readonly string[];
  /** What is printed where all is well. */
  readonly success: string | RegExp;
  /** What the user sees where docs/loaders.md says `no`: it names the remedy, or Node's fault. */
  readonly refusal?: RegExp;
  /** Whether the types of parameters are left; not set where that is not asked. */
  readonly metadata?: boolean;
}

/** Folders in which programs are put, with the packages that they import, as if installed. */
export class Workshop {
  readonly #folder = mkdtempSync(join(tmpdir(), 'turno-loaders-'));

  constructor() {
    const modules = join(this.#folder, 'node_modules');
    const installed = `${root}node_modules/`;
    mkdirSync(join(modules, '@turno/core'), { recursive: true });
    for (const name of readdirSync(installed)) {
      if (name !== '@turno') symlinkSync(installed + name, join(modules, name));
    }
    // Copied: a link would lead out of node_modules, which loaders leave alone.
    for (const part of ['package.json', 'bundle', 'dist']) {
      const from = `${root}packages/core/${part}`;
      cpSync(from, join(modules, '@turno/core', part), { recursive: true });
    }
  }

  /** A folder with the programs, ready to run. */
  async project(
    name: string,
    { type, prepare }: Pick<Loader, 'type' | 'prepare'>,
  ): Promise<string> {
    const cwd = join(this.#folder, name.replace(/\W+/g, '-'));
    cpSync(fixtures, cwd, { recursive: true });
    writeFileSync(join(cwd, 'package.json'), JSON.stringify({ type }));
    writeFileSync(join(cwd, 'tsconfig.json'), JSON.stringify(tsconfig));
    await prepare?.(cwd);
    return cwd;
  }

  /** Removes all folders. */
  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

const tsconfig = {
  compilerOptions: {
    target: 'ES2022',
    lib: ['ES2023', 'ESNext.Disposable'],
    types: ['node'],
    module: 'nodenext',
    strict: true,
    isolatedModules: true,
    skipLibCheck: true,
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
    rootDir: '.',
    outDir: 'out',
  },
  'ts-node': { transpileOnly: true, esm: true },
  include: ['*.ts'],
  // It awaits at its top level, which CommonJS cannot.
  exclude: ['bundled.ts'],
};

/** Runs Node to its end; a program that does not end by itself fails by its code. */
export function runNode(
  cwd: string,
  args: readonly string[],
  node = process.execPath,
): Promise<Ended> {
  return new Promise((resolve) => {
    const options = {
      cwd,
      env: { ...process.env, NODE_OPTIONS: '', NO_COLOR: '1', FORCE_COLOR: undefined },
      timeout: 30_000,
      killSignal: 'SIGKILL' as const,
    };
    execFile(node, args, options, (error, output, errors) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), output, errors });
    });
  });
}

/** @throws Error if Node ends with another code than 0. */
export async function succeed(cwd: string, args: readonly string[]): Promise<string> {
  const { code, output, errors } = await runNode(cwd, args);
  if (code !== 0) throw new Error(`node ${args.join(' ')} ended with ${code}: ${output}${errors}`);
  return output;
}

/** What is wrong with how a program has ended: one line; undefined where all is well. */
export function faultIn({ success }: Loader, { code, output, errors }: Ended): string | undefined {
  const isServed =
    typeof success === 'string' ? output === `${success}\n` : success.test(output + errors);
  if (code === 0 && isServed) return undefined;
  const lines = `${errors}\n${output}`.split('\n').map((line) => line.trim());
  const line =
    lines.find((each) => /^(?:1\. )?\[TURNO_/.test(each)) ??
    lines.find((each) => /^(?:Uncaught )?\w*Error\b.*: |^Must use import/.test(each)) ??
    lines.find((each) => each !== '');
  return line ?? `It ended with ${code}.`;
}

/** The table of docs/loaders.md whose columns are versions of Node, cell by cell. */
function documentedTable(): string[][] {
  const text = readFileSync(`${root}docs/loaders.md`, 'utf8');
  const [table = ''] = /^\| Started by [^]*?(?=\n\n)/m.exec(text) ?? [];
  return table.split('\n').map((line) => {
    const cells = line.slice(1, -1).split('|');
    return cells.map((cell) => cell.trim());
  });
}

/** The loaders that docs/loaders.md speaks of, in its order. */
export function documentedLoaders(): string[] {
  return documentedTable().flatMap(([name = ''], row) => (row < 2 ? [] : [name]));
}

/**
 * What docs/loaders.md says of a loader under a version of Node, or under the last one before that
 * it speaks of. @throws Error if it says nothing.
 */
export function documented(name: string, major: number): 'ok' | 'no' {
  const [head = [], ...rows] = documentedTable();
  const column = head.findLastIndex((title) => Number(title.replace('Node ', '')) <= major);
  const cell = rows.find(([title]) => title === name)?.[column];
  if (cell === 'ok' || cell === 'no') return cell;
  throw new Error(`docs/loaders.md does not say whether "${name}" works with Node ${major}.`);
}

/** Writes a file as a document shows it, in the block that begins with its name. */
export function writeFromDocs(cwd: string, file: string, document: string): void {
  const text = readFileSync(`${root}docs/${document}`, 'utf8');
  const blocks = [...text.matchAll(/^```\w+\n\/\/ (\S+)\n([\s\S]*?)^```/gm)];
  const code = blocks.find(([, name]) => name === file)?.[2];
  if (code === undefined) throw new Error(`docs/${document} does not show ${file}.`);
  writeFileSync(join(cwd, file), code);
}

function addFromDocs(...files: readonly string[]): (cwd: string) => undefined {
  return (cwd) => {
    for (const file of files) writeFromDocs(cwd, file, 'loaders.md');
  };
}

const compile = (cwd: string) =>
  succeed(cwd, [`${root}node_modules/typescript/bin/tsc`, '-p', '.']);

/** Runs esbuild, with packages left outside. */
export function bundle(cwd: string, options: object): Promise<string> {
  const given = { bundle: true, platform: 'node', packages: 'external', ...options };
  const code = 'require("esbuild").buildSync(JSON.parse(process.argv[1]))';
  return succeed(cwd, ['-e', code, JSON.stringify(given)]);
}

/** A test of the kitchen, with the configuration that docs/testing.md shows. */
function addTest(from: string, ...configurations: readonly string[]): (cwd: string) => undefined {
  const code = `import { expect, test } from '${from}';
import { serve } from './kitchen.js';

test('serves', async () => expect(await serve()).toBe('${served}'));
`;
  return (cwd) => {
    writeFileSync(join(cwd, 'order.test.ts'), code);
    writeFromDocs(cwd, 'tsx.mjs', 'loaders.md');
    for (const file of configurations) writeFromDocs(cwd, file, 'testing.md');
  };
}

const jest = [
  '--experimental-vm-modules',
  `${root}node_modules/jest/bin/jest.js`,
  // They would fill a folder that is never emptied.
  '--no-cache',
];
const vitest = [`${root}node_modules/vitest/vitest.mjs`, 'run'];
const entryPoints = ['decorated.ts', 'functions.ts', 'by-type.ts'];
const both = ['decorated', 'functions'];
const passed = /Tests:?\s+1 passed/;
/** How turno says that threads need a loader. */
const startWithLoader = /Start Node with a loader that threads inherit/;

/** By the names that docs/loaders.md calls them. */
export const loaders: Readonly<Record<string, Loader>> = {
  'tsc to ES modules': {
    type: 'module',
    prepare: compile,
    run: (program) => [`out/${program}.js`],
    programs: both,
    success: served,
    metadata: true,
  },
  'tsc to CommonJS': {
    type: 'commonjs',
    prepare: compile,
    run: (program) => [`out/${program}.js`],
    programs: both,
    success: served,
    metadata: true,
  },
  'CommonJS without a compiler': {
    type: 'commonjs',
    run: (program) => [`${program}.cjs`],
    programs: ['plain'],
    success: served,
  },
  'ts-node': {
    type: 'module',
    prepare: addFromDocs('ts-node.mjs'),
    run: (program) => ['--import', './ts-node.mjs', `${program}.ts`],
    programs: both,
    success: served,
    metadata: true,
  },
  swc: {
    type: 'module',
    run: (program) => ['--import', '@swc-node/register/esm-register', `${program}.ts`],
    programs: both,
    success: served,
    metadata: true,
  },
  tsx: {
    type: 'module',
    prepare: addFromDocs('tsx.mjs'),
    run: (program) => ['--import', './tsx.mjs', `${program}.ts`],
    programs: both,
    success: served,
    metadata: false,
  },
  'tsx to CommonJS': {
    type: 'commonjs',
    prepare: addFromDocs('tsx.mjs'),
    run: (program) => ['--import', './tsx.mjs', `${program}.ts`],
    programs: both,
    success: served,
    metadata: false,
  },
  'tsx without tsx.mjs': {
    type: 'module',
    run: (program) => ['--import', 'tsx', `${program}.ts`],
    programs: both,
    success: served,
    refusal: startWithLoader,
  },
  esbuild: {
    type: 'module',
    prepare: (cwd) => bundle(cwd, { entryPoints, format: 'esm', outdir: 'out' }),
    run: (program) => [`out/${program}.js`],
    programs: both,
    success: served,
    metadata: false,
  },
  'esbuild to CommonJS, minified': {
    type: 'commonjs',
    prepare: (cwd) => bundle(cwd, { entryPoints, format: 'cjs', minify: true, outdir: 'out' }),
    run: (program) => [`out/${program}.js`],
    programs: both,
    success: served,
    metadata: false,
  },
  'esbuild, with `modules`': {
    type: 'module',
    prepare: (cwd) => {
      const options = { entryPoints: ['bundled.ts'], format: 'esm', outfile: 'bundled.mjs' };
      return bundle(cwd, { ...options, minify: true });
    },
    run: (program) => [`${program}.mjs`],
    programs: ['bundled'],
    success: served,
  },
  'esbuild, with turno inside': {
    type: 'module',
    prepare: (cwd) => {
      const options = { entryPoints: ['bundled.ts'], format: 'esm', outfile: 'bundled.mjs' };
      return bundle(cwd, { ...options, packages: 'bundle' });
    },
    run: (program) => [`${program}.mjs`],
    programs: ['bundled'],
    success: served,
    refusal:
      /ThreadStartError: The worker threads did not start: @turno\/core is part of a bundle, and the file that threads run is not there\. Leave @turno\/core out of the bundle/,
  },
  'Node alone': {
    type: 'module',
    run: (program) => [`${program}.ts`],
    programs: ['functions'],
    success: served,
    refusal: /Unknown file extension "\.ts"/,
  },
  'Node alone, with decorators': {
    type: 'module',
    run: (program) => [`${program}.ts`],
    programs: ['one-file'],
    success: 'another',
    refusal: /Unknown file extension "\.ts"|SyntaxError: Invalid or unexpected token/,
  },
  '-r ts-node/register': {
    type: 'commonjs',
    run: (program) => ['-r', 'ts-node/register', `${program}.ts`],
    programs: ['one-file', 'functions'],
    success: /^(?:another|order 2: .*; no fries)\n/,
    refusal: startWithLoader,
  },
  '-r @swc-node/register': {
    type: 'commonjs',
    run: (program) => ['-r', '@swc-node/register', `${program}.ts`],
    programs: ['one-file', 'functions'],
    success: /^(?:another|order 2: .*; no fries)\n/,
    refusal: startWithLoader,
  },
  'the ts-node command': {
    type: 'commonjs',
    prepare: (cwd) => {
      const text = JSON.stringify({ ...tsconfig, 'ts-node': { transpileOnly: true } });
      writeFileSync(join(cwd, 'tsconfig.json'), text);
      return undefined;
    },
    run: (program) => [`${root}node_modules/ts-node/dist/bin.js`, `${program}.ts`],
    programs: ['functions'],
    success: served,
    refusal: startWithLoader,
  },
  'Jest in ESM mode': {
    type: 'module',
    prepare: addTest('@jest/globals', 'jest.config.mjs'),
    run: () => ['--import', './tsx.mjs', ...jest],
    programs: ['order.test'],
    success: passed,
  },
  'Jest in CommonJS mode': {
    type: 'commonjs',
    prepare: addTest('@jest/globals', 'jest.config.cjs'),
    run: () => ['--import', './tsx.mjs', ...jest],
    programs: ['order.test'],
    success: passed,
    refusal: /Must use import to load ES Module: .*@turno\/core[^]*Use Node v24\.9\+/,
  },
  'Jest without a loader': {
    type: 'module',
    prepare: addTest('@jest/globals', 'jest.config.mjs'),
    run: () => jest,
    programs: ['order.test'],
    success: passed,
    refusal: /Let threads load TypeScript: start Jest by node --import \.\/tsx\.mjs/,
  },
  Vitest: {
    type: 'module',
    prepare: addTest('vitest', 'vitest.config.mjs'),
    run: () => vitest,
    programs: ['order.test'],
    success: passed,
  },
  'Vitest without a loader': {
    type: 'module',
    prepare: addTest('vitest'),
    run: () => vitest,
    programs: ['order.test'],
    success: passed,
    refusal: /Let threads load TypeScript: set test: \{ execArgv: /,
  },
};
