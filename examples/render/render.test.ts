/** The studio, in-process and as the server that `npm run example -- render` runs. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { value } from '@turno/core';
import type { App } from '@turno/http-adapter';
import { startExample } from '../support/run-example.js';
import type { Chart } from './chart.js';
import { createStudio } from './app.js';
import { Hold, Latch } from './hold.js';
import { Health } from './routes.js';
import { Charts, render, Studio } from './studio.js';

const points = [
  { label: 'Mo', value: 3 },
  { label: 'Tu', value: -5 },
];

/** Width and height of a PNG, which its first chunk begins with. */
function sizeOf(png: Uint8Array): { width: number; height: number } {
  const bytes = Buffer.from(png);
  expect(bytes.subarray(0, 8)).toEqual(Buffer.from('89504e470d0a1a0a', 'hex'));
  return { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
}

describe('the studio', () => {
  let app: App;
  beforeAll(async () => {
    app = await createStudio({ logger: false });
  });
  afterAll(() => app.close());

  const draw = (chart: object) =>
    app.inject({ method: 'POST', url: '/charts', payload: chart as never });

  it('draws a chart of 800 by 450 pixels where nothing else is said', async () => {
    const { statusCode, headers, rawPayload } = await draw({ title: 'Burgers', points });
    expect(statusCode).toBe(200);
    expect(headers['content-type']).toBe('image/png');
    expect(sizeOf(rawPayload)).toEqual({ width: 800, height: 450 });
  });

  it('draws it as large as is wanted, in bars or as a line', async () => {
    const chart: Partial<Chart> = { title: 'Burgers', width: 300, height: 200, points };
    const [bars, line] = await Promise.all([draw(chart), draw({ ...chart, kind: 'line' })]);
    expect(sizeOf(bars.rawPayload)).toEqual({ width: 300, height: 200 });
    expect(sizeOf(line.rawPayload)).toEqual({ width: 300, height: 200 });
    expect(bars.rawPayload.equals(line.rawPayload)).toBe(false);
  });

  it('writes whatever a title is made of', async () => {
    const { statusCode, rawPayload } = await draw({ title: '</text><script>"& 🍔', points });
    expect(statusCode).toBe(200);
    expect(sizeOf(rawPayload)).toEqual({ width: 800, height: 450 });
  });

  it.each([
    ['title', { points }],
    ['title', { title: 'a bell \u0007', points }],
    ['points', { title: 'none', points: [] }],
    ['points', { title: 'many', points: Array.from({ length: 501 }, () => points[0]) }],
    ['points.0.value', { title: 'text', points: [{ label: 'x', value: 'y' }] }],
    ['width', { title: 'wide', points, width: 2_001 }],
    ['height', { title: 'low', points, height: 99 }],
    ['kind', { title: 'round', points, kind: 'pie' }],
  ])('refuses a chart whose %s is wrong, and says so', async (path, chart) => {
    const response = await draw(chart);
    expect(response.statusCode).toBe(422);
    expect(response.json()).toMatchObject({ errors: [{ location: 'body', path }] });
  });

  it('refuses a body that is too long', async () => {
    const { statusCode } = await draw({ title: 'x'.repeat(100_001), points });
    expect(statusCode).toBe(413);
  });

  it('needs one trip to a thread for all of it', async () => {
    const before = app.container.threads.hops;
    await draw({ title: 'Burgers', points });
    expect(app.container.threads.hops - before).toBe(1);
  });

  it.each([
    ['/', 'text/html'],
    ['/page/page.css', 'text/css'],
    ['/page/page.js', 'text/javascript'],
  ])('has a page: %s', async (path, type) => {
    const { statusCode, headers } = await app.inject(path);
    expect(statusCode).toBe(200);
    expect(headers['content-type']).toContain(type);
  });
});

it('answers 503 when too many charts wait, is well meanwhile, and forgets who leaves', async () => {
  const latch = new Int32Array(new SharedArrayBuffer(4));
  await using app = await createStudio({
    controllers: [Charts, Health, Hold],
    logger: false,
    threads: { groups: { [render]: { size: 1, queue: 1 } } },
    providers: [Studio, value(Latch, latch)],
  });
  const { url } = await app.listen({ port: 0 });
  const health = async () => (await (await fetch(`${url}/health`)).json()) as object;
  const becomes = async (expected: object) => {
    while (JSON.stringify(await health()) !== JSON.stringify({ status: 'ok', ...expected }));
  };
  const chart = (signal?: AbortSignal) =>
    fetch(`${url}/charts`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ title: 'Burgers', points }),
      ...(signal === undefined ? {} : { signal }),
    });

  const held = fetch(`${url}/hold`);
  await becomes({ drawing: 1, waiting: 0 });
  const leave = new AbortController();
  const left = chart(leave.signal).catch((error: unknown) => (error as Error).name);
  await becomes({ drawing: 1, waiting: 1 });

  const refused = await chart();
  expect(refused.status).toBe(503);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);

  leave.abort();
  expect(await left).toBe('AbortError');
  await becomes({ drawing: 1, waiting: 0 });
  const drawn = chart();
  await becomes({ drawing: 1, waiting: 1 });

  Atomics.store(latch, 0, 1);
  Atomics.notify(latch, 0);
  expect(await (await held).text()).toBe('let go');
  expect((await drawn).status).toBe(200);
  expect(app.container.threads.providers['Charts.draw']).toMatchObject({ runs: 1 });
});

it('starts as a server that prints its URL, draws, and ends by a signal with code 0', async () => {
  const { url, end } = await startExample('render');
  const response = await fetch(`${url}/charts`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ title: 'Burgers', points }),
  });
  expect(sizeOf(new Uint8Array(await response.arrayBuffer()))).toEqual({ width: 800, height: 450 });
  expect(await end()).toBe(0);
});
