/** The burger shop's HTTP interface, in-process and as the server that `npm start` runs. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { App } from '@turno/http-adapter';
import { startExample } from '../support/run-example.js';
import { createShop } from './app.js';
import type { StepNews } from './feed.js';

const loop = { placement: 'loop', threadId: 0 };

describe('the burger shop', () => {
  let app: App;
  beforeAll(async () => {
    app = await createShop({ threads: { size: 2 }, logger: false });
  });
  afterAll(() => app.close());

  const get = async (path: string) => {
    const response = await app.inject(path);
    return { status: response.statusCode, body: response.json() };
  };

  it('is well', async () => {
    expect(await get('/health')).toEqual({ status: 200, body: { status: 'ok' } });
  });

  it('serves concurrent burgers on the loop', async () => {
    const { body } = await get('/burgers/concurrent?burgers=20');
    expect(body).toEqual({ order: expect.any(Number), burgers: 20, handler: loop, kitchen: loop });
  });

  it('serves parallel burgers from one thread, in one trip', async () => {
    const before = app.container.threads.hops;
    const { body } = await get('/burgers/parallel?burgers=2');
    expect(body).toMatchObject({ burgers: 2, handler: { placement: 'thread' } });
    expect(body.kitchen).toEqual(body.handler);
    expect(body.handler.threadId).toBeGreaterThan(0);
    expect(app.container.threads.hops - before).toBe(1);
  });

  it('serves mixed burgers: handler on the loop, kitchen in a thread', async () => {
    const { body } = await get('/burgers/mixed?burgers=2');
    expect(body).toMatchObject({ burgers: 2, handler: loop, kitchen: { placement: 'thread' } });
    expect(body.kitchen.threadId).toBeGreaterThan(0);
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

  it('tells what it is at, where, from start to end', async () => {
    const { url } = await app.listen({ port: 0 });
    const leave = new AbortController();
    const { body } = await fetch(`${url}/events`, { signal: leave.signal });
    const lines = body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    const hear = async (what: RegExp): Promise<void> => {
      while (!what.test(text)) text += (await lines.read()).value ?? '';
    };
    await hear(/event: clock/);
    await get('/burgers/parallel');
    await hear(/"Burgers.parallel".*"ended"/);
    leave.abort();
    const steps = [...text.matchAll(/^data: (.*"label".*)$/gm)].map(
      ([, data]) => JSON.parse(data!) as StepNews,
    );
    const of = (label: string) => steps.filter((step) => step.label === label);
    expect(of('Kitchen.grill').map(({ state }) => state)).toEqual(['started', 'ended']);
    const [grill] = of('Kitchen.grill');
    expect(grill?.threadId).toBeGreaterThan(0);
    expect(of('Burgers.parallel')[0]).toMatchObject({
      threadId: grill?.threadId,
      hop: grill?.hop,
    });
    expect(of('Kitchen.order')[0]).toMatchObject({ threadId: 0 });
  });

  it('says for how long it has blocked the loop', async () => {
    const { body } = await app.inject({ method: 'POST', url: '/block' }).then(({ payload }) => ({
      body: JSON.parse(payload) as object,
    }));
    expect(body).toEqual({ blocked: expect.any(Number) });
  });

  it('makes one burger by default', async () => {
    for (const kind of ['concurrent', 'parallel', 'mixed']) {
      expect((await get(`/burgers/${kind}`)).body.burgers).toBe(1);
    }
  });

  it.each(['0', '21', '-1', '1.5', 'two', '', '%201', '01', '1e1', '1&burgers=2'])(
    'refuses %p burgers, and names the parameter',
    async (burgers) => {
      for (const kind of ['concurrent', 'parallel', 'mixed']) {
        const { status, body } = await get(`/burgers/${kind}?burgers=${burgers}`);
        expect(status).toBe(422);
        expect(body.errors).toMatchObject([{ location: 'query', path: 'burgers' }]);
      }
    },
  );

  it('never gives an order number twice', async () => {
    const kinds = ['concurrent', 'parallel', 'mixed'];
    const paths = Array.from({ length: 12 }, (_, index) => `/burgers/${kinds[index % 3]!}`);
    const orders = await Promise.all(paths.map(async (path) => (await get(path)).body.order));
    expect(new Set(orders).size).toBe(orders.length);
  });

  it('answers for its health while all threads are busy and more wait', async () => {
    const parallel = Array.from({ length: 8 }, () => get('/burgers/parallel?burgers=2'));
    let served = 0;
    for (const each of parallel) void each.then(() => (served += 1));
    // The first hops are in their threads once the loop has had a few turns.
    while (app.container.threads.busy < 2) await new Promise(setImmediate);
    expect((await get('/health')).body).toEqual({ status: 'ok' });
    expect(served).toBe(0);
    expect(app.container.threads.queued).toBe(6);
    const bodies = (await Promise.all(parallel)).map(({ body }) => body.handler.threadId as number);
    expect(new Set(bodies).size).toBe(2);
  });
});

it('starts as a server that prints its URL, and ends by a signal with code 0', async () => {
  const { url, end } = await startExample('burgers');
  expect(await (await fetch(`${url}/health`)).json()).toEqual({ status: 'ok' });
  const mixed = (await (await fetch(`${url}/burgers/mixed`)).json()) as object;
  expect(mixed).toMatchObject({ order: 1, kitchen: { placement: 'thread' } });
  expect(await end()).toBe(0);
});
