/** Programs run under each way to run TypeScript, with threads, and end by themselves. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const fixtures = fileURLToPath(new URL('fixtures/loaders/', import.meta.url));
// Inside the repository, so that the packages are found.
const folder = mkdtempSync(fileURLToPath(new URL('loaders-', import.meta.url)));
afterAll(() => rmSync(folder, { recursive: true }));

/** Processes start slowly while other tests use all cores. */
const patience = 60_000;

interface Ended {
  readonly code: number;
  readonly output: string;
  readonly errors: string;
}

/** Runs Node to its end; one that does not end by itself fails by its code. */
function node(cwd: string, args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const options = {
      cwd,
      env: { ...process.env, NODE_OPTIONS: '' },
      timeout: patience / 2,
      killSignal: 'SIGKILL' as const,
    };
    execFile(process.execPath, args, options, (error, output, errors) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), output, errors });
    });
  });
}

async function succeed(cwd: string, args: readonly string[]): Promise<string> {
  const { code, output, errors } = await node(cwd, args);
  if (code !== 0) throw new Error(`node ${args.join(' ')} ended with ${code}: ${output}${errors}`);
  return output;
}

/** A folder with the programs, as a user would have it. */
function project(name: string, type: 'module' | 'commonjs'): string {
  const cwd = join(folder, name);
  mkdirSync(cwd);
  cpSync(fixtures, cwd, { recursive: true });
  writeFileSync(join(cwd, 'package.json'), JSON.stringify({ type }));
  const compilerOptions = {
    target: 'ES2022',
    lib: ['ES2023', 'ESNext.Disposable'],
    types: ['node'],
    module: 'nodenext',
    strict: true,
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
    rootDir: '.',
    outDir: 'out',
  };
  const files = ['decorated.ts', 'functions.ts', 'by-type.ts'];
  writeFileSync(join(cwd, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
  return cwd;
}

const compile = (cwd: string) =>
  succeed(cwd, [`${root}node_modules/typescript/bin/tsc`, '-p', '.']);

function bundle(cwd: string, options: object): Promise<string> {
  const given = { bundle: true, platform: 'node', packages: 'external', ...options };
  const code = 'require("esbuild").buildSync(JSON.parse(process.argv[1]))';
  return succeed(cwd, ['-e', code, JSON.stringify(given)]);
}

/** The file that docs/without-decorators.md tells users of tsx to write. */
function writeTsxFile(cwd: string): Promise<void> {
  const text = readFileSync(`${root}docs/without-decorators.md`, 'utf8');
  const [, code = ''] = /^```js\n(\/\/ tsx\.mjs\n[\s\S]*?)^```/m.exec(text) ?? [];
  writeFileSync(join(cwd, 'tsx.mjs'), code);
  return Promise.resolve();
}

interface Loader {
  readonly type: 'module' | 'commonjs';
  readonly prepare?: (cwd: string) => Promise<unknown>;
  /** Arguments of Node for a program. */
  readonly run: (program: string) => readonly string[];
  readonly metadata: boolean;
}

const entryPoints = ['decorated.ts', 'functions.ts', 'by-type.ts'];

const loaders: Readonly<Record<string, Loader>> = {
  'tsc to ES modules': {
    type: 'module',
    prepare: compile,
    run: (program) => [`out/${program}.js`],
    metadata: true,
  },
  'tsc to CommonJS': {
    type: 'commonjs',
    prepare: compile,
    run: (program) => [`out/${program}.js`],
    metadata: true,
  },
  'ts-node': {
    type: 'module',
    run: (program) => ['--import', `${root}register.mjs`, `${program}.ts`],
    metadata: true,
  },
  swc: {
    type: 'module',
    run: (program) => ['--import', '@swc-node/register/esm-register', `${program}.ts`],
    metadata: true,
  },
  tsx: {
    type: 'module',
    prepare: writeTsxFile,
    run: (program) => ['--import', './tsx.mjs', `${program}.ts`],
    metadata: false,
  },
  'tsx to CommonJS': {
    type: 'commonjs',
    prepare: writeTsxFile,
    run: (program) => ['--import', './tsx.mjs', `${program}.ts`],
    metadata: false,
  },
  esbuild: {
    type: 'module',
    prepare: (cwd) => bundle(cwd, { entryPoints, format: 'esm', outdir: 'out' }),
    run: (program) => [`out/${program}.js`],
    metadata: false,
  },
  'esbuild to CommonJS, minified': {
    type: 'commonjs',
    prepare: (cwd) => bundle(cwd, { entryPoints, format: 'cjs', minify: true, outdir: 'out' }),
    run: (program) => [`out/${program}.js`],
    metadata: false,
  },
};

const served = 'order 1: 4 burgers, thread other\n';

describe.each(Object.entries(loaders))('%s', (name, { type, prepare, run, metadata }) => {
  let cwd: string;
  beforeAll(async () => {
    cwd = project(name.replace(/\W+/g, '-'), type);
    await prepare?.(cwd);
  }, patience);

  it.each([
    ['decorators and explicit tokens', 'decorated'],
    ['functions', 'functions'],
  ])(
    'runs a program of %s',
    async (_what, program) => {
      expect(await succeed(cwd, run(program))).toBe(served);
    },
    patience,
  );

  it(
    metadata ? 'leaves the types of parameters' : 'leaves no types, and the start says what to do',
    async () => {
      const output = await succeed(cwd, run('by-type'));
      if (metadata) expect(output).toBe('ticket 1\n');
      else {
        expect(output).toMatch(
          /^There is 1 problem .*\n.*\[TURNO_NO_METADATA\] The constructor of \w+ takes 1 parameter, .*put @Inject\(TheToken\) in front of each parameter\.\n$/,
        );
      }
    },
    patience,
  );
});

// Where Node can strip types, by a flag or without.
if (process.allowedNodeEnvironmentFlags.has('--experimental-strip-types')) {
  it(
    'Node alone runs a program of functions',
    async () => {
      const cwd = project('node', 'module');
      expect(await succeed(cwd, ['--experimental-strip-types', 'functions.ts'])).toBe(served);
    },
    patience,
  );
}

describe('a bundle', () => {
  let cwd: string;
  const options = { entryPoints: ['bundled.ts'], format: 'esm', outfile: 'bundled.mjs' };
  beforeAll(() => {
    cwd = project('bundle', 'module');
  });

  it(
    'of several modules names itself to the threads',
    async () => {
      await bundle(cwd, { ...options, minify: true });
      expect(await succeed(cwd, ['bundled.mjs'])).toBe(served);
    },
    patience,
  );

  it(
    'that swallows turno itself cannot start threads, and says so',
    async () => {
      await bundle(cwd, { ...options, packages: 'bundle', outfile: 'swallowed.mjs' });
      const { code, errors } = await node(cwd, ['swallowed.mjs']);
      expect(code).toBe(1);
      expect(errors).toContain(
        'ThreadStartError: The worker threads did not start: @turno/core is part of a bundle, and the file that threads run is not there. Leave @turno/core out of the bundle',
      );
    },
    patience,
  );
});

describe('a thread', () => {
  it(
    'that cannot load TypeScript is named with the reason',
    async () => {
      const cwd = project('register', 'commonjs');
      // It serves `require` only.
      const { code, errors } = await node(cwd, ['-r', '@swc-node/register', 'decorated.ts']);
      expect(code).toBe(1);
      expect(errors).toMatch(
        /\[TURNO_UNREACHABLE\] Kitchen\.grind .* its module \(.*\) could not be imported: /,
      );
    },
    patience,
  );

  it(
    'keeps a class that its module does not export',
    async () => {
      const cwd = project('collected', 'module');
      expect(await succeed(cwd, ['collected.mjs'])).toBe('42\n');
    },
    patience,
  );
});
