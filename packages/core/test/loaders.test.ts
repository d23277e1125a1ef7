/** Programs run under each way to run TypeScript, with threads, and end by themselves. */
import { afterAll, describe, expect, it } from '@jest/globals';
import {
  documented,
  documentedLoaders,
  faultIn,
  loaders,
  runNode,
  succeed,
  Workshop,
} from './support/loaders.js';

/** Processes start slowly while other tests use all cores. */
const patience = 60_000;

const workshop = new Workshop();
afterAll(() => workshop.close());

const major = Number(process.versions.node.split('.')[0]);
/** What each fixture shows. */
const shows: Readonly<Record<string, string>> = {
  decorated: 'decorators and explicit tokens',
  'one-file': 'decorators in one file',
  functions: 'functions',
  plain: 'functions and decorators by hand',
  bundled: 'several modules that names itself to the threads',
  'order.test': 'a test',
};

/** Each takes a process or two, and shows nothing of turno that others do not. */
const leftToScript: ReadonlySet<string> = new Set([
  'tsx without tsx.mjs',
  'Node alone, with decorators',
  '-r @swc-node/register',
  'the ts-node command',
  'Jest in CommonJS mode',
]);

describe.each(Object.entries(loaders).filter(([name]) => !leftToScript.has(name)))(
  '%s',
  (name, loader) => {
    const { programs, metadata, refusal, run } = loader;
    let made: Promise<string> | undefined;
    const project = () => (made ??= workshop.project(name, loader));
    const isOk = documented(name, major) === 'ok';

    it.each(programs.map((program) => [shows[program], program] as const))(
      isOk ? 'runs a program of %s' : 'refuses a program of %s with the remedy',
      async (_what, program) => {
        const ended = await runNode(await project(), run(program));
        if (isOk) expect(faultIn(loader, ended)).toBeUndefined();
        else {
          expect(ended.code).not.toBe(0);
          expect(ended.output + ended.errors).toMatch(refusal!);
        }
      },
      patience,
    );

    if (metadata === undefined) return;
    it(
      metadata
        ? 'leaves the types of parameters'
        : 'leaves no types, and the start says what to do',
      async () => {
        const output = await succeed(await project(), run('by-type'));
        if (metadata) expect(output).toBe('ticket 1\n');
        else {
          expect(output).toMatch(
            /^There is 1 problem .*\n.*\[TURNO_NO_METADATA\] The constructor of \w+ takes 1 parameter, .*put @Inject\(TheToken\) in front of each parameter\.\n$/,
          );
        }
      },
      patience,
    );
  },
);

describe('a thread', () => {
  it(
    'keeps a class that its module does not export',
    async () => {
      const cwd = await workshop.project('collected', { type: 'module' });
      expect(await succeed(cwd, ['collected.mjs'])).toBe('42\n');
    },
    patience,
  );
});

describe('docs/loaders.md', () => {
  it('has a row for each way to run programs, and no other', () => {
    expect(documentedLoaders()).toEqual(Object.keys(loaders));
  });
});
