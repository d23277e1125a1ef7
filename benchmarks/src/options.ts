/** What the command line asks for. */
import { parseArgs } from 'node:util';

export const suiteNames = ['containers', 'http', 'mixed', 'hop', 'scale'] as const;

export type SuiteName = (typeof suiteNames)[number];

export interface Options {
  readonly suites: readonly SuiteName[];
  /** The script of its own that is asked for in the place of suites. */
  readonly script: string | undefined;
  /** What is handed to that script. */
  readonly scriptArguments: readonly string[];
  /** Few and short rounds: shows that everything works, not how fast. */
  readonly quick: boolean;
  /** Prints JSON instead of tables. */
  readonly json: boolean;
  /** Candidates whose names contain one of these, or all. The bases of ratios always run. */
  readonly only: readonly string[];
  /** Number of rounds, in the place of that of the suite. */
  readonly rounds: number | undefined;
  /** The folder that numbers and charts are written to, or `benchmarks/results`. */
  readonly results: string | undefined;
}

/** The measurements that are no comparison, each a script beside `src`. */
export const scripts: Readonly<Record<string, { file: string; execArgv: readonly string[] }>> = {
  codec: { file: 'codec.mjs', execArgv: [] },
  'http-bodies': { file: 'http-bodies.mjs', execArgv: [] },
  faults: { file: 'faults.mjs', execArgv: [] },
  'loop-delay': { file: 'loop-delay.mjs', execArgv: [] },
  'scopes-memory': { file: 'scopes-memory.mjs', execArgv: ['--expose-gc'] },
};

/** @throws Error for what is no suite, no script or no option. */
export function readOptions(args: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      only: { type: 'string', default: '' },
      rounds: { type: 'string' },
      results: { type: 'string' },
    },
  });
  const rounds = values.rounds === undefined ? undefined : Number(values.rounds);
  if (rounds !== undefined && !(Number.isInteger(rounds) && rounds > 0)) {
    throw new Error(`--rounds is ${values.rounds}. Give a whole number above 0.`);
  }
  const [first, ...rest] = positionals;
  const isScript = first !== undefined && Object.hasOwn(scripts, first);
  return {
    suites: isScript || first === undefined ? suiteNames : positionals.map(suiteNamed),
    script: isScript ? first : undefined,
    scriptArguments: rest,
    quick: values.quick,
    json: values.json,
    only: values.only.split(',').filter((name) => name !== ''),
    rounds,
    results: values.results,
  };
}

function suiteNamed(name: string): SuiteName {
  const found = suiteNames.find((suite) => suite === name);
  if (found !== undefined) return found;
  const known = [...suiteNames, ...Object.keys(scripts)].join(', ');
  throw new Error(`There is no suite "${name}". Give some of: ${known}.`);
}
