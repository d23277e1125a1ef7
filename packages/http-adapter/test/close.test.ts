import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:http';
import type { Duplex } from 'node:stream';
import { Injectable } from '@turno/core';
import {
  Body,
  Catch,
  Controller,
  createApp,
  file,
  Get,
  NotFound,
  Post,
  Reply,
  sse,
} from '../src/index.js';
import { closeAll, gate, makeApp, RawClient, serve, type Gate } from './support.js';

afterEach(closeAll);

/** A controller whose `/slow` waits for the test. */
function slowController(started: Gate, proceed: Gate) {
  @Controller()
  class Slow {
    @Get('/quick') async quick() {
      return 'quick';
    }
    @Get('/slow') async slow() {
      started.open();
      await proceed.opened;
      return 'slow';
    }
    @Post('/echo') async echo(@Body() body: string) {
      return body;
    }
  }
  return Slow;
}

it('a request in work is answered, and its connection ends with it', async () => {
  const [started, proceed] = [gate(), gate()];
  const { app, port } = await serve({ controllers: [slowController(started, proceed)] });
  const client = await RawClient.connect(port);
  client.send('GET /slow HTTP/1.1', 'Host: a', '', '');
  await started.opened;
  const closed = app.close();
  await expect(RawClient.connect(port)).rejects.toThrow('ECONNREFUSED');
  proceed.open();
  await client.until(/HTTP\/1\.1 200 [^]*connection: close[^]*\r\n\r\nslow$/i);
  await client.closed;
  await closed;
});

it('a request that is still arriving is served, and is the last of its connection', async () => {
  const [started, proceed] = [gate(), gate()];
  const { app, port } = await serve({ controllers: [slowController(started, proceed)] });
  const [slow, arriving] = [await RawClient.connect(port), await RawClient.connect(port)];
  arriving.send(
    ...['POST /echo HTTP/1.1', 'Host: a', 'Content-Type: application/json'],
    ...['Content-Length: 7', 'Expect: 100-continue', '', ''],
  );
  // Node has its head, so that the connection is not idle.
  await arriving.until(/100 Continue/);
  slow.send('GET /slow HTTP/1.1', 'Host: a', '', '');
  await started.opened;
  const closed = app.close();
  arriving.send('"quick"');
  await arriving.until(/HTTP\/1\.1 200 [^]*connection: close[^]*\r\n\r\nquick$/i);
  await arriving.closed;
  proceed.open();
  await slow.until(/slow$/);
  await closed;
});

it('a request that nobody has read yet is served', async () => {
  const { app, port } = await serve({ controllers: [slowController(gate(), gate())] });
  const clients = [await RawClient.connect(port), await RawClient.connect(port)];
  const [busy, silent] = clients as [RawClient, RawClient];
  busy.send('GET /quick HTTP/1.1', 'Host: a', '', '');
  await busy.until(/quick$/);
  // The loop has no time to read them before it closes.
  for (const client of clients) client.send('GET /quick HTTP/1.1', 'Host: a', '', '');
  const closed = app.close();
  await busy.until(/quickHTTP\/1\.1 200 [^]*connection: close[^]*\r\n\r\nquick$/i);
  await silent.until(/HTTP\/1\.1 200 [^]*connection: close[^]*\r\n\r\nquick$/i);
  await closed;
});

it('what middleware answers is the last of its connection, when it came before as well', async () => {
  const [started, proceed] = [gate(), gate()];
  const { app, port } = await serve({ controllers: [slowController(gate(), gate())] });
  app.use(async (request, response, next) => {
    if (request.url !== '/own') return next();
    started.open();
    await proceed.opened;
    response.end('own');
  });
  const clients = [await RawClient.connect(port), await RawClient.connect(port)];
  const [before, after] = clients as [RawClient, RawClient];
  before.send('GET /own HTTP/1.1', 'Host: a', '', '');
  await started.opened;
  const closed = app.close();
  after.send('GET /own HTTP/1.1', 'Host: a', '', '');
  proceed.open();
  for (const client of clients) {
    await client.until(/HTTP\/1\.1 200 [^]*connection: close[^]*own/i);
    await client.closed;
  }
  await closed;
});

it('a connection that was upgraded is left to whoever has done that', async () => {
  const server = createServer();
  const upgraded = new Promise<Duplex>((resolve) => {
    server.once('upgrade', (_request: unknown, socket: Duplex) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\n');
      resolve(socket);
    });
  });
  const { app } = await makeApp({ controllers: [slowController(gate(), gate())] });
  const { port } = await app.listen({ port: 0, server });
  const client = await RawClient.connect(port);
  client.send('GET / HTTP/1.1', 'Host: a', 'Connection: Upgrade', 'Upgrade: own', '', '');
  const socket = await upgraded;
  await app.close();
  socket.write('bye');
  await client.until(/bye$/);
  socket.destroy();
  await client.closed;
});

it('idle and silent connections do not delay it', async () => {
  const { app, port } = await serve({ controllers: [slowController(gate(), gate())] });
  const [idle, silent] = [await RawClient.connect(port), await RawClient.connect(port)];
  idle.send('GET /quick HTTP/1.1', 'Host: a', '', '');
  await idle.until(/quick$/);
  await app.close();
  await Promise.all([idle.closed, silent.closed]);
});

it('what is in work after the grace is cut off and cancelled', async () => {
  const started = gate();
  const cancelled = gate();
  @Controller()
  class Endless {
    @Get('/endless') async endless(signal: AbortSignal) {
      started.open();
      await new Promise<void>((resolve) => {
        signal.addEventListener('abort', () => resolve());
      });
      cancelled.open();
      return 'never seen';
    }
  }
  const { app, port, log } = await serve({ controllers: [Endless] });
  const client = await RawClient.connect(port);
  client.send('GET /endless HTTP/1.1', 'Host: a', '', '');
  await started.opened;
  await app.close({ grace: 1 });
  await cancelled.opened;
  await client.closed;
  expect(client.received).toBe('');
  expect(log.faults).toEqual([]);
});

it('the container is disposed after the last answer', async () => {
  const [started, proceed] = [gate(), gate()];
  const events: string[] = [];
  @Injectable()
  class Database {
    [Symbol.dispose]() {
      events.push('database closed');
    }
  }
  @Controller()
  class Slow {
    constructor(readonly database: Database) {}
    @Get('/slow') async slow() {
      started.open();
      await proceed.opened;
      events.push('answering');
      return 'slow';
    }
  }
  const { app, url } = await serve({ controllers: [Slow] });
  const response = fetch(`${url}/slow`);
  await started.opened;
  const closed = app.close();
  proceed.open();
  expect(await (await response).text()).toBe('slow');
  await closed;
  expect(events).toEqual(['answering', 'database closed']);
});

it('works without a server, once for all callers', async () => {
  const [started, proceed] = [gate(), gate()];
  const { app } = await makeApp({ controllers: [slowController(started, proceed)] });
  const response = app.inject('/slow');
  await started.opened;
  const closed = app.close();
  expect(app.close()).toBe(closed);
  proceed.open();
  expect((await response).payload).toBe('slow');
  await closed;
  const refused = await app.inject('/quick');
  expect(refused.statusCode).toBe(503);
  expect(refused.headers['retry-after']).toBe('1');
});

it('is what `await using` does', async () => {
  const { app } = await makeApp({ controllers: [] });
  await app[Symbol.asyncDispose]();
  expect((await app.inject('/')).statusCode).toBe(503);
});

it('takes back a server that is about to open', async () => {
  const { app } = await makeApp({ controllers: [] });
  const listening = app.listen({ port: 0 });
  await app.close();
  const { port } = await listening;
  await expect(RawClient.connect(port)).rejects.toThrow('ECONNREFUSED');
});

it('rejects with what a teardown has thrown, once everything else is over', async () => {
  const error = new Error('teardown');
  @Injectable()
  class Database {
    [Symbol.dispose]() {
      throw error;
    }
  }
  @Controller()
  class Users {
    constructor(readonly database: Database) {}
    @Get() async list() {
      return [];
    }
  }
  const app = await createApp({ controllers: [Users], logger: false });
  const { port } = await app.listen({ port: 0 });
  await expect(app.close()).rejects.toBe(error);
  await expect(RawClient.connect(port)).rejects.toThrow('ECONNREFUSED');
});

it.each(['/route', '/nowhere'])(
  'a client that has left while a catch handler was busy does not delay it: %s',
  async (path) => {
    const [started, gone, proceed] = [gate(), gate(), gate()];
    const reasons: unknown[] = [];
    class Errors {
      @Catch(NotFound) async notFound(_error: NotFound, signal: AbortSignal) {
        started.open();
        await proceed.opened;
        reasons.push((signal.reason as Error | undefined)?.name);
        return file('close.test.ts', { root: import.meta.dirname });
      }
    }
    @Controller()
    class Missing {
      @Get('/route') async route() {
        throw new NotFound();
      }
    }
    const { app, port, log } = await serve({ controllers: [Missing], catch: [Errors] });
    app.use((_request, response, next) => {
      response.once('close', gone.open);
      next();
    });
    const client = await RawClient.connect(port);
    client.send(`GET ${path} HTTP/1.1`, 'Host: a', '', '');
    await started.opened;
    client.destroy();
    await gone.opened;
    proceed.open();
    await app.close({ grace: 60_000 });
    expect(reasons).toEqual(['AbortError']);
    expect(log.faults).toEqual([]);
  },
);

describe('events', () => {
  it.each(['/sse', '/own'])('%s end in order when it begins, with their signal', async (path) => {
    const ended: unknown[] = [];
    async function* ticks(signal: AbortSignal) {
      try {
        yield 'data: tick\n\n';
        await once(new EventEmitter(), 'never', { signal });
      } finally {
        ended.push((signal.reason as Error).message);
      }
    }
    @Controller()
    class Events {
      @Get('/sse') async sse(signal: AbortSignal) {
        return sse(ticks(signal));
      }
      @Get('/own') async own(signal: AbortSignal, reply: Reply) {
        reply.header('content-type', 'text/event-stream');
        return ticks(signal);
      }
    }
    const { app, port, log } = await serve({ controllers: [Events] });
    const client = await RawClient.connect(port);
    client.send(`GET ${path} HTTP/1.1`, 'Host: a', '', '');
    await client.until(/tick/);
    await app.close({ grace: 60_000 });
    await client.closed;
    expect(client.received).toMatch(/\r\n0\r\n\r\n$/);
    expect(ended).toEqual(['The server is closing.']);
    expect(log.faults).toEqual([]);
  });

  it('that begin while it closes end at once', async () => {
    const [started, proceed] = [gate(), gate()];
    @Controller()
    class Events {
      @Get('/') async sse() {
        started.open();
        await proceed.opened;
        return sse(never());
      }
    }
    async function* never() {
      yield await new Promise<string>(() => undefined);
    }
    const { app, port } = await serve({ controllers: [Events] });
    const client = await RawClient.connect(port);
    client.send('GET / HTTP/1.1', 'Host: a', '', '');
    await started.opened;
    const closed = app.close({ grace: 1 });
    proceed.open();
    await client.until(/event-stream[^]*\r\n0\r\n\r\n$/);
    await closed;
  });
});

it('another stream may end by itself: half of it would look like the whole', async () => {
  const proceed = gate();
  const aborted: boolean[] = [];
  @Controller()
  class Export {
    @Get('/') async *rows(signal: AbortSignal) {
      yield 'one,';
      await proceed.opened;
      aborted.push(signal.aborted);
      yield 'two';
    }
  }
  const { app, port } = await serve({ controllers: [Export] });
  const client = await RawClient.connect(port);
  client.send('GET / HTTP/1.1', 'Host: a', '', '');
  await client.until(/one,/);
  const closed = app.close();
  await new Promise(setImmediate);
  proceed.open();
  await client.until(/two\r\n0\r\n\r\n$/);
  await closed;
  expect(aborted).toEqual([false]);
});
