/** Clients that are too slow. Each limit under test is short, all others are none. */
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { Inject, Injectable, Provides, token, type TurnoError } from '@turno/core';
import {
  Body,
  configureServer,
  Controller,
  Get,
  Post,
  type OptionsError,
  type ServerLimits,
} from '../src/index.js';
import { closeAll, gate, makeApp, RawClient, type Gate } from './support.js';

afterEach(closeAll);

const noLimits = { headersTimeout: 0, requestTimeout: 0, keepAliveTimeout: 0, writeTimeout: 0 };
const short = 50;
/** More than the system takes for a client that does not read. */
const size = 50_000_000;
const large = new Uint8Array(size);

@Controller()
class Wire {
  @Get('/') async root() {
    return 'root';
  }
  @Post('/length') async length(@Body() body: string) {
    return { length: body.length };
  }
  @Get('/large') async large() {
    return large;
  }
}

async function start(limits: ServerLimits, controller: new () => object = Wire) {
  const { app, log } = await makeApp({ controllers: [controller] });
  const { port } = await app.listen({ port: 0, ...noLimits, ...limits });
  return { app, log, port };
}

const slow =
  /^HTTP\/1\.1 408 Request Timeout\r\n[^]*application\/problem\+json[^]*connection: close[^]*}$/i;

it.each([
  ['nothing', ''],
  ['half a request line', 'GET /'],
  ['half its headers', 'GET / HTTP/1.1\r\nHost: a\r\n'],
])('a client that sends %s is answered with 408', async (_what, bytes) => {
  const { port, log } = await start({ headersTimeout: short });
  const client = await RawClient.connect(port);
  client.send(bytes);
  await client.until(slow);
  client.end();
  await client.closed;
  expect(log.faults).toEqual([]);
});

it('a client that sends half a body is answered with 408, once', async () => {
  const { app, port, log } = await start({ requestTimeout: short });
  const client = await RawClient.connect(port);
  client.send(
    ...['POST /length HTTP/1.1', 'Host: a', 'Content-Type: application/json'],
    ...['Content-Length: 10', '', '"1234'],
  );
  await client.until(slow);
  client.end();
  await client.closed;
  expect(client.received.match(/HTTP\/1\.1 \d/g)).toHaveLength(1);
  await app.close();
  expect(log.faults).toEqual([]);
});

it('200 slow headers, 200 slow bodies and 200 slow readers do not keep another client from being served', async () => {
  const server = createServer();
  const { app } = await makeApp({ controllers: [Wire] });
  const { port } = await app.listen({ port: 0, server, ...noLimits });
  const post = 'POST /length HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n';
  const slowHeaders = await connectAll(port, 'GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ');
  const slowBodies = await connectAll(port, `${post}Content-Length: 1000\r\n\r\n"`);
  const slowReaders = await connectAll(port, 'GET /large HTTP/1.1\r\nHost: a\r\n\r\n', true);
  const slow = [...slowHeaders, ...slowBodies, ...slowReaders];
  expect(slow).toHaveLength(600);
  for (let count = 0; count < 20; count++) {
    for (const client of [...slowHeaders, ...slowBodies]) client.send('x');
    const client = await RawClient.connect(port);
    client.send('GET / HTTP/1.1', 'Host: a', '', '');
    await client.until(/root$/);
    client.send(post + 'Content-Length: 4\r\n\r\n"ab"');
    await client.until(/{"length":2}$/);
    client.destroy();
  }
  // They are all still there: nobody has made room by turning them away.
  const connections = await promisify(server.getConnections.bind(server))();
  expect(connections).toBeGreaterThanOrEqual(600);
  expect(slow.map(({ received }) => received).join('')).not.toMatch(/ 4\d\d /);
});

/** @param isDeaf - they read nothing. */
async function connectAll(port: number, bytes: string, isDeaf = false): Promise<RawClient[]> {
  const clients = await Promise.all(Array.from({ length: 200 }, () => RawClient.connect(port)));
  for (const client of clients) {
    if (isDeaf) client.pause();
    client.send(bytes);
  }
  return clients;
}

it('a connection that waits for its next request is closed', async () => {
  const { port } = await start({ keepAliveTimeout: short });
  const client = await RawClient.connect(port);
  client.send('GET / HTTP/1.1', 'Host: a', '', '');
  await client.until(/root$/);
  await client.closed;
});

describe('a client that does not read', () => {
  it('is cut off, and its request ends', async () => {
    const disposed = gate();
    @Injectable({ scope: 'request' })
    class Resource {
      [Symbol.dispose]() {
        disposed.open();
      }
    }
    @Controller()
    class Large {
      @Get('/large') async large(_resource: Resource) {
        return large;
      }
    }
    const { port, log } = await start({ writeTimeout: short }, Large);
    const client = await RawClient.connect(port);
    client.pause();
    client.send('GET /large HTTP/1.1', 'Host: a', '', '');
    await disposed.opened;
    client.resume();
    await client.closed;
    expect(client.received.length).toBeLessThan(size);
    expect(log.faults).toEqual([]);
  });
});

it('a handler that takes its time is no slow client', async () => {
  // What ends connections looks at this one several times before the handler goes on.
  const cutOff = gate();
  const { port } = await start({ writeTimeout: 1 }, patient(cutOff));
  const client = await RawClient.connect(port);
  client.send('GET /patient HTTP/1.1', 'Host: a', '', '');
  const slowReader = await RawClient.connect(port);
  slowReader.pause();
  slowReader.send('GET /large HTTP/1.1', 'Host: a', '', '');
  await cutOff.opened;
  await client.until(/patient$/);
});

/** A handler that waits until another client, which does not read, is cut off. */
function patient(cutOff: Gate) {
  @Injectable({ scope: 'request' })
  class Resource {
    [Symbol.dispose]() {
      cutOff.open();
    }
  }
  @Controller()
  class Patient {
    @Get('/patient') async patient() {
      await cutOff.opened;
      return 'patient';
    }
    @Get('/large') async large(_resource: Resource) {
      return large;
    }
  }
  return Patient;
}

describe('a server of the user', () => {
  async function listen(limits: ServerLimits, listener: RequestListener) {
    const server = configureServer(createServer(listener), limits);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return { server, port: (server.address() as AddressInfo).port };
  }

  it('has the same limits and answers', async () => {
    const { app } = await makeApp({ controllers: [Wire] });
    const { server, port } = await listen({ ...noLimits, headersTimeout: short }, app.handler);
    const client = await RawClient.connect(port);
    client.send('POST / HTTP/1.1', 'Host: a', 'Expect: 100-continue', '', '');
    await client.until(/^HTTP\/1\.1 405 /);
    const other = await RawClient.connect(port);
    await other.until(slow);
    server.closeAllConnections();
    server.close();
  });

  it('has safe limits where nothing is said', () => {
    const server = configureServer(createServer());
    expect(server.headersTimeout).toBe(10_000);
    expect(server.requestTimeout).toBe(30_000);
    expect(server.keepAliveTimeout).toBe(5_000);
    expect(server.maxConnections).toBe(10_000);
  });

  it.each([
    [{ headersTimeout: -1 }, 'configureServer was given the `headersTimeout` -1.'],
    [{ writeTimeout: 1.5 }, 'configureServer was given the `writeTimeout` 1.5.'],
    [{ keepAliveTimeout: Infinity }, 'configureServer was given the `keepAliveTimeout` Infinity.'],
    [{ maxConnections: 0 }, 'configureServer was given the `maxConnections` 0.'],
  ])('%j is refused', (limits, message) => {
    const configure = () => configureServer(createServer(), limits);
    expect(configure).toThrow(expect.objectContaining({ code: 'TURNO_OPTIONS' }) as OptionsError);
    expect(configure).toThrow(message);
  });
});

describe('a deadline', () => {
  it('is answered for with a 503, once; what comes too late is torn down', async () => {
    const [late, disposed] = [gate(), gate()];
    const events: string[] = [];
    @Injectable({ scope: 'request' })
    class Resource {
      [Symbol.dispose]() {
        events.push('disposed');
        disposed.open();
      }
    }
    @Controller()
    class Slow {
      @Get('/slow', { deadline: 10 }) async slow(resource: Resource, signal: AbortSignal) {
        signal.addEventListener('abort', () => events.push('aborted'));
        await late.opened;
        events.push('late');
        return resource;
      }
      @Get('/quick') async quick() {
        return 'quick';
      }
    }
    const { port } = await start({}, Slow);
    const client = await RawClient.connect(port);
    client.send('GET /slow HTTP/1.1', 'Host: a', '', '');
    await client.until(/^HTTP\/1\.1 503 [^]*The server has taken too long[^]*}$/);
    late.open();
    await disposed.opened;
    client.send('GET /quick HTTP/1.1', 'Host: a', '', '');
    await client.until(/quick$/);
    expect(client.received.match(/HTTP\/1\.1 \d/g)).toHaveLength(2);
    expect([...events].sort()).toEqual(['aborted', 'disposed', 'late']);
  });

  it.each(['request', 'call'] as const)(
    'is answered before generators (%s) see it, for nobody waits for what may never end',
    async (scope) => {
      const [late, seen] = [gate(), gate()];
      const events: string[] = [];
      const Transaction = token<string>('Transaction');
      class Transactions {
        @Provides(Transaction, { scope }) static async *transaction() {
          try {
            yield 'transaction';
            events.push('commit');
          } catch (error) {
            events.push((error as TurnoError).code);
            seen.open();
            throw new Error('no rollback');
          }
        }
      }
      @Controller()
      class Slow {
        @Get('/slow', { deadline: 10 }) async slow(@Inject(Transaction) transaction: string) {
          await late.opened;
          return transaction;
        }
      }
      const { app, log } = await makeApp({ controllers: [Slow], providers: [Transactions] });
      expect((await app.inject('/slow')).statusCode).toBe(503);
      expect(events).toEqual([]);
      late.open();
      await seen.opened;
      await app.close();
      expect(events).toEqual(['TURNO_DEADLINE']);
      expect(log.faults).toMatchObject([
        { fields: { err: { code: 'TURNO_DEADLINE' } } },
        {
          fields: { err: { message: 'no rollback' } },
          message: 'request failed after its deadline',
        },
      ]);
    },
  );

  it('of the app is that of all routes that say none', async () => {
    const late = gate();
    @Controller()
    class Slow {
      @Get('/slow') async slow() {
        await late.opened;
      }
      @Get('/own', { deadline: 60_000 }) async own() {
        return 'own';
      }
    }
    const { app } = await makeApp({ controllers: [Slow], deadline: 10 });
    expect((await app.inject('/slow')).statusCode).toBe(503);
    late.open();
    expect((await app.inject('/own')).payload).toBe('own');
  });
});
