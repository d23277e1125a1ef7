/** Runs an example as its command does, for tests of the server. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

/**
 * Starts the program of an example on a free port.
 * @param ready - what it prints when it listens, with its URL as the first group.
 * @param env - what it gets of the environment besides.
 */
export async function runExample(
  name: string,
  ready: RegExp,
  env: Readonly<Record<string, string>> = {},
): Promise<{ url: string; end(signal?: NodeJS.Signals): Promise<number | null> }> {
  const main = `${root}examples/${name}/main.ts`;
  const child = spawn(process.execPath, ['--import', `${root}register.mjs`, main], {
    env: { ...process.env, PORT: '0', NODE_OPTIONS: '', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  child.stdout.setEncoding('utf8');
  let output = '';
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (text: string) => {
      output += text;
      const found = ready.exec(output)?.[1];
      if (found !== undefined) resolve(found);
    });
    void ended.then((code) => reject(new Error(`It ended with code ${code}: ${output}`)));
  });
  return {
    url,
    /** @returns the code with which it has ended; null if the signal has ended it. */
    end: (signal = 'SIGINT') => {
      child.kill(signal);
      return ended;
    },
  };
}
