/** The classifier's HTTP interface, in-process and as the server that `npm run example -- classify` runs. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { App } from '@turno/http-adapter';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runExample, startExample } from '../support/run-example.js';
import { createClassifier } from './app.js';
import { digits } from './digits.js';
import { features, side } from './drawing.js';

const textOf = (file: string) => readFileSync(new URL(file, import.meta.url), 'utf8');
const blank = Array.from({ length: side * side }, () => 0);

describe('the classifier', () => {
  let app: App;
  beforeAll(async () => {
    app = await createClassifier({ logger: false, threads: { size: 2 } });
  });
  afterAll(() => app.close());

  const post = async (url: string, payload: object) => {
    const response = await app.inject({ method: 'POST', url, payload });
    return { status: response.statusCode, body: response.json() };
  };

  it('tells which digit is drawn, in a thread', async () => {
    const { status, body } = await post('/digits', JSON.parse(textOf('seven.json')) as object);
    expect({ status, body }).toEqual({
      status: 200,
      body: { digit: 7, thread: expect.any(Number) },
    });
    expect(body.thread).toBeGreaterThan(0);
  });

  it('is right for most drawings of a batch that it has not learned from', async () => {
    const { examples } = (await app.inject('/digits/examples?each=25&seed=77')).json();
    const drawings = examples.map(({ drawing }: { drawing: number[] }) => drawing);
    const { body } = await post('/digits/batch', { drawings });
    const isRight = (digit: number, index: number) => digit === examples[index].digit;
    expect(body.digits).toHaveLength(250);
    expect(body.digits.filter(isRight).length).toBeGreaterThan(225);
  });

  it('sees the same digit wherever on the paper it is', async () => {
    const { drawing } = digits(1, 5)[7]!;
    const ofColumn = (x: number) => drawing.filter((_, at) => at % side === x);
    const free = [...blank.keys()]
      .slice(0, side)
      .findIndex((x) => ofColumn(x).some((pixel) => pixel > 0));
    expect(free).toBeGreaterThan(0);
    const moved = drawing.map((_, at) => (at % side < side - free ? drawing[at + free]! : 0));
    expect(moved).not.toEqual(drawing);
    expect(features(moved)).toEqual(features(drawing));
  });

  it.each([
    ['nothing', {}, 'drawing'],
    ['an empty paper', { drawing: blank }, 'drawing'],
    ['a paper of another size', { drawing: [255, 0, 255] }, 'drawing'],
    ['what is no pixel', { drawing: [256, ...blank.slice(1)] }, 'drawing.0'],
  ])('refuses %s, and says where', async (_what, payload, path) => {
    const { status, body } = await post('/digits', payload);
    expect(status).toBe(422);
    expect(body.errors[0]).toMatchObject({ location: 'body', path });
  });

  it('refuses a batch that is empty, too large, or has an empty paper', async () => {
    const { drawing } = digits(1, 1)[0]!;
    for (const drawings of [[], Array.from({ length: 251 }, () => drawing), [drawing, blank]]) {
      expect((await post('/digits/batch', { drawings })).status).toBe(422);
    }
  });

  it('has a page, with all that it refers to', async () => {
    const page = await app.inject('/');
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
    const parts = [...page.body.matchAll(/(?:src|href)="(page\/[^"]+)"/g)].map(
      ([, path]) => `/${path!}`,
    );
    expect(parts.sort()).toEqual(['/page/page.css', '/page/page.js']);
    const [style, script] = await Promise.all(parts.map((path) => app.inject(path)));
    expect(style!.headers['content-type']).toBe('text/css; charset=utf-8');
    expect(script!.headers['content-type']).toMatch(/javascript/);
    const ids = new Set([...page.body.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id));
    const wanted = [...script!.body.matchAll(/byId\('([^']+)'\)/g)].map(([, id]) => id);
    expect(wanted.length).toBeGreaterThan(2);
    expect(wanted.filter((id) => !ids.has(id))).toEqual([]);
  });

  it('gives nothing away but the page', async () => {
    for (const path of ['/page/..%2Froutes.ts', '/page/missing.js', '/routes.ts']) {
      expect((await app.inject(path)).statusCode).toBeGreaterThanOrEqual(403);
    }
  });
});

// In a process of its own, since Jest makes arithmetic slow.
it('is trained as train.ts trains it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'classify-test-'));
  const file = join(folder, 'model.json');
  const { code, output } = await runExample(['classify', 'train'], { MODEL_FILE: file });
  expect(code).toBe(0);
  expect(output).toMatch(/^Trained with 1200 drawings, right for 9\d\d of 1000 others\.$/m);
  expect(readFileSync(file, 'utf8') === textOf('model.json')).toBe(true);
  rmSync(folder, { recursive: true });
});

it('answers over a socket, and ends by a signal with code 0', async () => {
  const { url, end } = await startExample('classify');
  const request = { method: 'POST', headers: { 'content-type': 'application/json' } };
  const seven = await fetch(`${url}/digits`, { ...request, body: textOf('seven.json') });
  expect(await seven.json()).toMatchObject({ digit: 7 });
  expect(await end()).toBe(0);
});
