/** Imports run one way: a stage knows only what stands to its left. */
import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const source = fileURLToPath(new URL('../src/', import.meta.url));

function importsOf(root: string): Map<string, string[]> {
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' });
  return new Map(
    files
      .filter((file) => file.endsWith('.ts'))
      .map((file) => {
        const text = readFileSync(join(root, file), 'utf8');
        const specifiers = [...text.matchAll(/(?:from|import)\s*\(?\s*'([^'\n]+)'/g)].map(
          ([, specifier = '']) => specifier,
        );
        return [
          file,
          specifiers.map((specifier) =>
            specifier.startsWith('.')
              ? relative(root, join(root, dirname(file), specifier)).replace(/\.js$/, '.ts')
              : specifier,
          ),
        ];
      }),
  );
}

/** A cycle among files, as a path; undefined where there is none. */
function cycleIn(imports: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): string[] | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return undefined;
    for (const next of imports.get(file) ?? []) {
      const cycle = visit(next, [...path, file]);
      if (cycle !== undefined) return cycle;
    }
    done.add(file);
    return undefined;
  };
  for (const file of imports.keys()) {
    const cycle = visit(file, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

/** The pipeline of core, left to right; a file may import only files of its stage and before. */
const stages = [
  [
    'token.ts',
    'offloaded.ts',
    'request-token.ts',
    'scope.ts',
    'errors.ts',
    'misuse.ts',
    'own.ts',
    'timing.ts',
    'linked-list.ts',
    'context.ts',
    'ownership.ts',
    'stop-signal.ts',
    'disposal.ts',
  ],
  ['call-site.ts', 'record.ts', 'metadata.ts'],
  [
    'decorators.ts',
    'provider.ts',
    'provide.ts',
    'near-name.ts',
    'parameter.ts',
    'thread-context.ts',
    'context-var.ts',
  ],
  ['portable/'],
  ['node.ts', 'declaration.ts', 'graph.ts'],
  ['placement.ts', 'call-bound.ts', 'validate.ts', 'crossing.ts', 'check.ts'],
  ['graph-data.ts', 'graph-drawing.ts'],
  ['worker-entry.ts', 'threads/'],
  [
    'step.ts',
    'written-code.ts',
    'teardown-look.ts',
    'hop.ts',
    'split.ts',
    'splitter.ts',
    'step-times.ts',
    'advice.ts',
    'constructs-itself.ts',
    'make.ts',
    'pass.ts',
    'held-values.ts',
    'straight-code.ts',
    'straight.ts',
    'plan.ts',
    'manifest.ts',
    'trace.ts',
    'explain.ts',
  ],
  [
    'cell.ts',
    'countdown.ts',
    'deadlock.ts',
    'on-abort.ts',
    'error-path.ts',
    'inputs.ts',
    'settling.ts',
    'run-scope.ts',
    'flight.ts',
    'trips.ts',
    'run.ts',
    'straight-wait.ts',
    'straight-pass.ts',
    'offload.ts',
  ],
  [
    'loader-remedy.ts',
    'engine.ts',
    'inheritance.ts',
    'singletons.ts',
    'level.ts',
    'resolve-options.ts',
    'scope-values.ts',
    'scope-instance.ts',
    'container.ts',
  ],
  ['index.ts'],
];

const stageOf = (file: string): number =>
  stages.findIndex((files) =>
    files.some((each) => (each.endsWith('/') ? file.startsWith(each) : file === each)),
  );

describe('the files of core', () => {
  const imports = importsOf(source);

  it('each have a stage', () => {
    const homeless = [...imports.keys()].filter(
      (file) => stageOf(file) < 0 && !file.startsWith('worker/'),
    );
    expect(homeless).toEqual([]);
  });

  it('take no step back, and have no cycle', () => {
    const back = [...imports].flatMap(([file, of]) =>
      of
        .filter((other) => imports.has(other) && !file.startsWith('worker/'))
        .filter((other) => stageOf(other) > stageOf(file))
        .map((other) => `${file} -> ${other}`),
    );
    expect(back).toEqual([]);
    expect(cycleIn(imports)).toBeUndefined();
  });

  it('import nothing of the worker on the main side', () => {
    const offenders = [...imports].filter(
      ([file, of]) => !file.startsWith('worker/') && of.some((each) => each.startsWith('worker/')),
    );
    expect(offenders).toEqual([]);
  });

  it('use reflect-metadata in one place, and no other package than that and tinypool', () => {
    const packageImports = [...imports].flatMap(([file, of]) =>
      of
        .filter((each) => !imports.has(each) && !each.startsWith('node:'))
        .map((each) => `${file} ${each}`),
    );
    const reflect = packageImports.filter((each) => each.endsWith(' reflect-metadata'));
    expect(reflect).toEqual(['metadata.ts reflect-metadata']);
    const others = packageImports.filter((each) => !reflect.includes(each));
    expect(others.filter((each) => !each.endsWith(' tinypool'))).toEqual([]);
  });
});
