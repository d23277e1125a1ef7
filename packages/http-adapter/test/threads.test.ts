import { createApp, type App, type Logger } from '@turno/http-adapter';
import { Kitchen, Threads } from './fixtures/counter.js';
import { Works } from './fixtures/worker-controller.js';

let app: App;
const faults: { err?: unknown; path?: string }[] = [];
const logger: Logger = {
  error: (fields) => faults.push(fields),
  warn: (fields) => faults.push(fields),
  info: () => undefined,
};

beforeAll(async () => {
  app = await createApp({
    controllers: [Threads, Works],
    providers: [Kitchen],
    threads: { size: 1, groups: { elsewhere: {} } },
    logger,
  });
});
afterAll(() => app.close());
beforeEach(() => {
  faults.length = 0;
});

it('a sync handler runs in a thread, an async one on the loop, `on` says otherwise', async () => {
  const where = (await app.inject('/threads/where')).json<{ threadId: number }>();
  expect(where).toEqual({ isMainThread: false, threadId: expect.any(Number) as number });
  expect(where.threadId).toBeGreaterThan(0);
  expect((await app.inject('/threads/loop')).json()).toEqual({ isMainThread: true });
  expect((await app.inject('/threads/pinned')).json()).toEqual({ isMainThread: false });
});

it('a handler that takes longer than its deadline is answered for with a 503, once', async () => {
  const response = await app.inject('/threads/slow');
  expect(response.statusCode).toBe(503);
  expect(response.json()).toMatchObject({ detail: 'The server has taken too long.' });
  expect(faults).toMatchObject([{ err: { code: 'TURNO_DEADLINE', provider: 'Threads.slow' } }]);
  expect((await app.inject('/work?n=21')).json()).toEqual({ work: 42 });
});

it('a route may name the group of threads that runs its handler', async () => {
  const { threadId } = (await app.inject('/threads/elsewhere')).json<{ threadId: number }>();
  const where = (await app.inject('/threads/where')).json<{ threadId: number }>();
  expect(threadId).not.toBe(where.threadId);
});

it('parameters and results cross', async () => {
  const sum = await app.inject({ method: 'POST', url: '/threads/sum', payload: [1, 2, 3] });
  expect(sum.json()).toBe(6);
  const bytes = await app.inject('/threads/bytes');
  expect(bytes.headers['content-type']).toBe('application/octet-stream');
  expect([...bytes.rawPayload]).toEqual([1, 2, 3]);
  expect((await app.inject('/threads/nothing')).statusCode).toBe(204);
  expect((await app.inject('/work?n=21')).json()).toEqual({ work: 42 });
});

it('faults of parameters are found before anything crosses', async () => {
  const response = await app.inject('/work?n=x');
  expect(response.statusCode).toBe(422);
  expect(response.json()).toMatchObject({
    errors: [{ location: 'query', path: 'n', message: 'must be a number' }],
  });
});

it('an HttpError arrives with its status', async () => {
  const response = await app.inject('/threads/missing');
  expect(response.statusCode).toBe(404);
  expect(response.json()).toMatchObject({ detail: 'There is no burger 7.' });
  expect((await app.inject('/work?n=101')).json()).toMatchObject({
    status: 409,
    detail: 'Too much work.',
  });
  expect(faults).toEqual([]);
});

it('a @Portable subclass of the user arrives with its fields', async () => {
  const response = await app.inject('/threads/buns');
  expect(response.headers['x-buns']).toBe('3');
  expect(response.json()).toEqual({
    title: 'Conflict',
    status: 409,
    detail: 'Only 3 buns are left.',
    buns: 3,
  });
});

it('everything else that is thrown there is a 500, logged with the stack of the thread', async () => {
  const response = await app.inject('/threads/broken');
  expect(response.statusCode).toBe(500);
  expect(response.json()).toEqual({
    title: 'Internal Server Error',
    status: 500,
    requestId: expect.any(String) as string,
  });
  expect(faults).toHaveLength(1);
  expect(faults[0]).toMatchObject({
    err: {
      name: 'TypeError',
      message: 'secret',
      stack: expect.stringContaining('counter.ts') as string,
    },
    path: 'Threads.broken',
  });
  expect((await app.inject('/threads/null')).statusCode).toBe(500);
});

it('a thread that exits fails its request only', async () => {
  expect((await app.inject('/threads/exit')).statusCode).toBe(500);
  expect(faults[0]).toMatchObject({ err: { code: 'TURNO_THREAD_DIED' } });
  expect((await app.inject('/threads/where')).statusCode).toBe(200);
});

it('more work than the threads can take is a 503 at once, and the rest is done', async () => {
  const small = await createApp({
    controllers: [Threads],
    threads: { size: 1, queue: 0, groups: { elsewhere: {} } },
    logger,
  });
  try {
    const both = await Promise.all([
      small.inject('/threads/where'),
      small.inject('/threads/where'),
    ]);
    expect(both.map(({ statusCode }) => statusCode)).toEqual([200, 503]);
    expect(both[1].headers['retry-after']).toBe('1');
    expect(faults).toMatchObject([{ err: { code: 'TURNO_QUEUE_FULL' } }]);
  } finally {
    await small.close();
  }
});

it('inline, sync handlers run on the loop', async () => {
  const inline = await createApp({
    controllers: [Threads],
    threads: { executor: 'inline', groups: { elsewhere: {} } },
    logger,
  });
  try {
    expect((await inline.inject('/threads/where')).json()).toMatchObject({ isMainThread: true });
    expect((await inline.inject('/threads/missing')).statusCode).toBe(404);
    expect((await inline.inject('/threads/buns')).headers['x-buns']).toBe('3');
  } finally {
    await inline.close();
  }
});
