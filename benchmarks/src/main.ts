/** `npm run bench`: runs the suites that are asked for, prints what they find and keeps it in `results/`. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Measurements } from './measurements.js';
import { readOptions, scripts, type Options, type SuiteName } from './options.js';
import { chartOf } from './report/chart.js';
import { dataOf, type ResultData } from './report/data.js';
import { describeMachine } from './report/machine.js';
import { textOf } from './report/text.js';
import { tell, type Suite } from './suite.js';

const home = new URL('../', import.meta.url);

const suites: Readonly<Record<SuiteName, () => Promise<Suite>>> = {
  containers: async () => (await import('./containers/suite.js')).containers,
  http: async () => (await import('./http/suite.js')).http,
  mixed: async () => (await import('./mixed/suite.js')).mixed,
  hop: async () => (await import('./hop/suite.js')).hop,
  scale: async () => (await import('./scale/suite.js')).scale,
};

async function runSuite(name: SuiteName, options: Options, results: string): Promise<ResultData> {
  const started = performance.now();
  tell(`${name} …`);
  const machine = describeMachine();
  const measurements = new Measurements();
  const suite = await suites[name]();
  await suite(measurements, options);
  const data = dataOf(name, options.quick, machine, measurements);
  writeFileSync(join(results, `${name}.json`), `${JSON.stringify(data, null, 2)}\n`);
  writeFileSync(join(results, `${name}.svg`), chartOf(data));
  tell(`${name}: ${((performance.now() - started) / 1_000).toFixed(0)} s`);
  if (!options.json) console.log(textOf(name, measurements));
  return data;
}

function runScript(name: string, args: readonly string[]): number {
  const { file, execArgv } = scripts[name]!;
  const command = [...execArgv, fileURLToPath(new URL(file, home)), ...args];
  return spawnSync(process.execPath, command, { stdio: 'inherit' }).status ?? 1;
}

function optionsGiven(): Options {
  try {
    return readOptions(process.argv.slice(2));
  } catch (error) {
    tell(`npm run bench: ${(error as Error).message}`);
    process.exit(2);
  }
}

const options = optionsGiven();
if (options.script !== undefined) {
  process.exitCode = runScript(options.script, options.scriptArguments);
} else {
  const results = resolve(options.results ?? fileURLToPath(new URL('results', home)));
  mkdirSync(results, { recursive: true });
  const data: ResultData[] = [];
  for (const name of options.suites) data.push(await runSuite(name, options, results));
  if (options.json) console.log(JSON.stringify(data, null, 2));
  else tell(`Numbers and charts are in ${results}.`);
}
