/** What README.md and docs/ show works as it is written there. */
import { afterAll, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));
// Inside the repository, so that the packages are found.
const folder = mkdtempSync(`${root}test/readme-`);
afterAll(() => rmSync(folder, { recursive: true }));

/** The code of one fenced block: the first that contains `mark`. */
function snippet(file: string, language: string, mark: string): string {
  const text = readFileSync(root + file, 'utf8');
  const blocks = [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```/gm)];
  const found = blocks.find(([, of, code]) => of === language && (code ?? '').includes(mark))?.[2];
  if (found === undefined) throw new Error(`${file} has no ${language} block with ${mark}`);
  return found;
}

function start(name: string, code: string) {
  const file = `${folder}/${name}.ts`;
  writeFileSync(file, code);
  const child = spawn(process.execPath, ['--import', `${root}register.mjs`, file], {
    env: { ...process.env, PORT: '0', NODE_OPTIONS: '' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  child.stdout.setEncoding('utf8');
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  return { child, ended };
}

/** Runs a program to its end. @returns what it printed. */
async function run(name: string, code: string): Promise<string> {
  const { child, ended } = start(name, code);
  let output = '';
  child.stdout.on('data', (text: string) => (output += text));
  expect(await ended).toBe(0);
  return output;
}

describe('README.md', () => {
  it('shows a server that serves, in one file that also starts it', async () => {
    const { child, ended } = start('server', snippet('README.md', 'ts', '// server.ts'));
    let output = '';
    const url = await new Promise<string>((resolve) => {
      child.stdout.on('data', (text: string) => {
        output += text;
        const [found] = /^http\S+$/m.exec(output) ?? [];
        if (found !== undefined) resolve(found);
      });
    });
    const parallel = (await (await fetch(url)).json()) as Record<string, unknown>;
    const patty = expect.stringMatching(/^[0-9a-f]{32}$/);
    expect(parallel).toMatchObject({ order: 1, patties: [patty, patty, patty] });
    expect(parallel.threadId).not.toBe(0);
    const order = (await (await fetch(url.replace('parallel', 'order'))).json()) as object;
    expect(order).toEqual({ order: 2, burgers: 3, threadId: 0 });
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
    // Workers import the same file, and stop before they would print.
    expect(output.match(/^http/gm)).toHaveLength(1);
  });

  it('shows a container that resolves and explains as it says', async () => {
    const code = snippet('README.md', 'ts', "token<number>('Sum')");
    const explained = snippet('README.md', '', 'Sums.sum: ');
    expect(await run('sums', code)).toBe(`6\n${explained}`);
  });
});

describe('docs/without-decorators.md', () => {
  it('shows functions that provide what it says', async () => {
    const code = snippet('docs/without-decorators.md', 'ts', '// sums.ts');
    expect(await run('functions', code)).toBe('The sum is 6.\n1\n');
  });
});

describe('docs/container.md', () => {
  it.each([
    ['static async *transaction', "no fries\n[ 'burger', 'commit', 'rollback' ]\n"],
    ['forwardRef(() => Owner)', "[ 'salt', 'pepper' ] db://replica report undefined\n"],
    ['original(Greeting)', 'HELLO\nhello\nhola\n'],
    [
      'contextVar<string>',
      "[ '00-4bf9: order', '00-4bf9: receipt' ]\n[ 'nobody: order', 'nobody: receipt' ]\n",
    ],
    ['Offloaded<Hasher>', '3971c4c4 in a thread\n3971c4c4 in a thread\n'],
  ])('shows code with %s that prints what it says', async (mark, printed) => {
    const name = `container-${mark.replace(/\W/g, '')}`;
    expect(await run(name, snippet('docs/container.md', 'ts', mark))).toBe(printed);
  });
});

describe('packages/core/README.md', () => {
  it('shows a container that resolves as it says', async () => {
    expect(await run('kitchen', snippet('packages/core/README.md', 'ts', '// kitchen.ts'))).toBe(
      '300 g\n',
    );
  });
});

describe('docs/testing.md', () => {
  it.each([
    ['overrides', 'It is 0.\n'],
    ["executor: 'inline'", '42\n'],
  ])('shows code with %s that prints what it says', async (mark, printed) => {
    const name = mark.replace(/\W/g, '');
    expect(await run(name, snippet('docs/testing.md', 'ts', mark))).toBe(printed);
  });
});

describe('docs/threads.md', () => {
  it.each([
    ['groups: {', 'a long report\n2\n'],
    [
      'throwIfAborted',
      'Numbers.count has not ended within its deadline of 50 ms. Let it do less, stop by itself (it may ask for an AbortSignal), or raise `deadline`.\n0\n',
    ],
  ])('shows code with %s that prints what it says', async (mark, printed) => {
    const name = `threads-${mark.replace(/\W/g, '')}`;
    expect(await run(name, snippet('docs/threads.md', 'ts', mark))).toBe(printed);
  });
});

describe('docs/introspection.md', () => {
  it.each([
    ['toMermaid', 'flowchart LR'],
    ['explain()', 'start: 2 singletons'],
    ['asyncEnd', 'Grill.beef for'],
    ['turno.hop', 'a thread: ready'],
  ])('shows code with %s that prints what it says', async (mark, printed) => {
    const file = 'docs/introspection.md';
    const output = await run(mark.replace(/\W/g, ''), snippet(file, 'ts', mark));
    // `console.log` ends what `toMermaid` has ended with a line of its own.
    expect(output.replace(/\n+$/, '\n')).toBe(snippet(file, '', printed));
  });
});
