/** Runs examples as `npm run example` does, for tests of their programs. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

type Environment = Readonly<Record<string, string>>;

function spawnExample(words: readonly string[], env: Environment) {
  const flags = ['--enable-source-maps', '--import', `${root}register.mjs`];
  const child = spawn(process.execPath, [...flags, `${root}scripts/example.mjs`, ...words], {
    env: { ...process.env, NODE_OPTIONS: '', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const program = { child, output: '', ended: once(child, 'close') };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (program.output += text));
  return program;
}

/**
 * Runs a program of an example to its end.
 * @param words - what follows `npm run example --`: `['notes', 'drive', '500']`.
 * @param env - what it gets of the environment besides.
 */
export async function runExample(
  words: readonly string[],
  env: Environment = {},
): Promise<{ code: number | null; output: string }> {
  const program = spawnExample(words, env);
  const [code] = (await program.ended) as [number | null];
  return { code, output: program.output };
}

/**
 * Starts the server of an example on a free port.
 * @returns when it has printed its URL.
 */
export async function startExample(
  name: string,
  env: Environment = {},
): Promise<{ url: string; end(signal?: NodeJS.Signals): Promise<number | null> }> {
  const program = spawnExample([name], { PORT: '0', ...env });
  const { child, ended } = program;
  let url: string | undefined;
  while ((url = /(http:\/\/[\d.]+:\d+)\b.*\n/.exec(program.output)?.[1]) === undefined) {
    await Promise.race([once(child.stdout, 'data'), ended]);
    if ((child.exitCode ?? child.signalCode) !== null)
      throw new Error(`It has ended: ${program.output}`);
  }
  return {
    url,
    /** @returns the code with which it has ended; null if the signal has ended it. */
    end: async (signal = 'SIGINT') => {
      child.kill(signal);
      return ((await ended) as [number | null])[0];
    },
  };
}
