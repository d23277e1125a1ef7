/** What the README of each example says about adding a route works as it is written there. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { startExample } from './support/run-example.js';

const examples = import.meta.dirname;
let folder: string | undefined;
let end: (() => Promise<unknown>) | undefined;
afterEach(async () => {
  await end?.();
  if (folder !== undefined) rmSync(folder, { recursive: true });
  [folder, end] = [undefined, undefined];
});

/**
 * Does in a copy of an example what its README says, and starts it.
 * @returns its URL.
 */
async function follow(name: string): Promise<string> {
  // Beside the others, so that it can be started as they are.
  folder = mkdtempSync(join(examples, `${name}-recipe-`));
  const filter = (path: string) => !/\.(?:test|browser)\.ts$/.test(path);
  cpSync(join(examples, name), folder, { recursive: true, filter });
  const readme = readFileSync(join(folder, 'README.md'), 'utf8');
  const recipe = readme.slice(readme.indexOf('# To add a route'));
  const [, code, file] = /```ts\n(\/\/ (\S+)\.ts\n[\s\S]*?)```/.exec(recipe)!;
  writeFileSync(join(folder, `${file}.ts`), code!);

  const [, provider, controller] =
    /list `(\w+)` among\s+its\s+`providers`,\s+`(\w+)` among\s+its\s+`controllers`/.exec(recipe)!;
  const app = readFileSync(join(folder, 'app.ts'), 'utf8')
    .replace('\nimport', `\nimport { ${provider}, ${controller} } from './${file}.js';\nimport`)
    .replace('controllers: [', `controllers: [${controller}, `)
    .replace('providers: [', `providers: [${provider}, `);
  writeFileSync(join(folder, 'app.ts'), app);

  const server = await startExample(basename(folder), { NOTES_TOKEN: 'cheese' });
  ({ end } = server);
  return server.url;
}

const json = { 'content-type': 'application/json' };

describe('to add a route', () => {
  it('to the burgers', async () => {
    const url = await follow('burgers');
    const special = (await (await fetch(`${url}/special?day=2`)).json()) as object;
    expect(special).toMatchObject({ name: 'fish', chosen: { placement: 'thread' } });
  });

  it('to the notes', async () => {
    const url = await follow('notes');
    const authorization = 'Bearer cheese';
    const body = JSON.stringify({ title: 'Buns', text: 'Ask the baker' });
    await fetch(`${url}/notes`, { method: 'POST', headers: { ...json, authorization }, body });
    const get = (path: string, method = 'GET') =>
      fetch(`${url}${path}`, { method, headers: { authorization } });
    expect(await (await get('/notes/1/words')).json()).toEqual({ words: 3 });
    const copy = await get('/notes/1/copy', 'POST');
    expect(copy.status).toBe(201);
    expect(await copy.json()).toMatchObject({ id: 2, title: 'Buns', text: 'Ask the baker' });
    expect((await fetch(`${url}/notes/1/words`)).status).toBe(401);
  });

  it('to the charts', async () => {
    const url = await follow('render');
    const draw = async (path: string, title: string) => {
      const body = JSON.stringify({ title, points: [{ label: 'Monday', value: 21 }] });
      const response = await fetch(`${url}${path}`, { method: 'POST', headers: json, body });
      expect(response.headers.get('content-type')).toBe('image/png');
      return Buffer.from(await response.arrayBuffer());
    };
    const wanted = await draw('/charts', 'Burgers Sold On Monday');
    const titled = await draw('/titled-charts', 'burgers sold on monday');
    expect(titled.equals(wanted)).toBe(true);
  });

  it('to the digits', async () => {
    const url = await follow('classify');
    const body = readFileSync(join(examples, 'classify/seven.json'), 'utf8');
    const parity = await fetch(`${url}/parity`, { method: 'POST', headers: json, body });
    expect(await parity.json()).toEqual({ isEven: false });
  });
});
