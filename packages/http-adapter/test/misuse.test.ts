/** What is refused by name rather than sent, logged as nothing, or lost. */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Inject, provide, token } from '@turno/core';
import compression from 'compression';
import {
  configureServer,
  Controller,
  file,
  Get,
  NotFound,
  redirect,
  Reply,
  sse,
} from '../src/index.js';
import { closeAll, gate, Log, makeApp, RawClient, serve } from './support.js';

afterEach(closeAll);

describe('events', () => {
  const eventsOf = async (event: unknown) => {
    @Controller()
    class Feed {
      @Get('/feed') async feed() {
        return sse([event] as never);
      }
    }
    const { app, log } = await makeApp({ controllers: [Feed] });
    const { statusCode } = await app.inject('/feed');
    expect(statusCode).toBe(500);
    return (log.faults[0]?.fields.err as Error).message;
  };

  it('with a field that no event has are refused, which would be lost', async () => {
    expect(await eventsOf({ id: 7, name: 'x' })).toBe(
      'An event has the field "name", which no event has, and no `data`. Its fields are id, event, retry, data, comment; what it shall carry goes into `data`: { data: … }.',
    );
  });

  it.each([
    [null, 'null'],
    [1, '1'],
  ])('that are %p are refused', async (event, text) => {
    expect(await eventsOf(event)).toBe(
      `An event is ${text}. It is a string, or an object with the fields of events: { data: … }.`,
    );
  });

  it.each([
    [undefined, 'undefined', 'Give it what events can be taken from'],
    ['text', '"text"', 'Give it what events can be taken from'],
    [async function* () {}, 'a function', 'Call it: sse(events()).'],
  ])('are taken out of something: %p is refused', (events, text, remedy) => {
    expect(() => sse(events as never)).toThrow(
      `sse was given ${text}, which holds no events. ${remedy}`,
    );
  });

  it('come one by one, also where a middleware compresses them', async () => {
    const more = gate();
    @Controller()
    class Feed {
      @Get('/feed') async feed() {
        return sse(
          (async function* () {
            yield 'first';
            await more.opened;
            yield 'second';
          })(),
        );
      }
    }
    const { app } = await makeApp({ controllers: [Feed] });
    app.use(compression());
    const { url } = await app.listen({ port: 0 });
    const response = await fetch(`${url}/feed`);
    expect(response.headers.get('content-encoding')).toBe('gzip');
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    const texts: string[] = [];
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      texts.push(new TextDecoder().decode(next.value));
      more.open();
    }
    expect(texts).toEqual(['data: first\n\n', 'data: second\n\n']);
  });
});

describe('what is said of an answer', () => {
  const reply = new Reply();

  it.each([
    [
      'an option of a cookie',
      () => reply.cookie('a', 'b', { httponly: true } as never),
      'httponly',
    ],
    [
      'no text for a cookie',
      () => reply.cookie('a', undefined as never),
      'The value of the cookie "a" is undefined. It is a string.',
    ],
    [
      'a part of a second',
      () => reply.cookie('a', 'b', { maxAge: 0.5 }),
      '`maxAge` is a whole number of seconds',
    ],
    [
      'no text for a header',
      () => reply.header('X-A', null as never),
      'The value of the header "x-a" is null. It is a string.',
    ],
    [
      'an object for a header',
      () => reply.append('x-a', {} as never),
      'The value of the header "x-a" is an object. It is a string.',
    ],
    [
      'no URL for a redirect',
      () => redirect(undefined as never),
      'redirect was given undefined for its URL.',
    ],
    [
      'no path for a file',
      () => file(undefined as never),
      'file was given undefined for its path.',
    ],
    [
      'no name for a download',
      () => file('a', { download: true as never }),
      'file was given the `download` true. It is a string: the name to save it under.',
    ],
  ])('is refused where it is %s', (_, say, message) => {
    expect(say).toThrow(message);
  });
});

describe('the log', () => {
  @Controller()
  class Failing {
    @Get('/class') async class() {
      throw NotFound;
    }
    @Get('/nothing') async nothing() {
      throw undefined;
    }
  }

  it('says of what is no error what it was', async () => {
    const { app, log } = await makeApp({ controllers: [Failing] });
    await app.inject('/class');
    await app.inject('/nothing');
    expect(log.faults.map(({ fields }) => fields.err)).toEqual([
      'the function or class NotFound was thrown itself: write throw new …',
      'undefined was thrown',
    ]);
  });

  it('says which singleton has failed at start', async () => {
    const Db = token<string>('Db');
    const failure = new Error('connect ECONNREFUSED');
    @Controller()
    class Reading {
      constructor(@Inject(Db) readonly db: string) {}
      @Get('/') async read() {
        return this.db;
      }
    }
    const db = provide(Db, {}, async (): Promise<string> => {
      throw failure;
    });
    const log = new Log();
    const failed = makeApp({ controllers: [Reading], providers: [db], logger: log });
    await expect(failed).rejects.toBe(failure);
    expect(log.faults).toEqual([
      {
        level: 'error',
        message: 'the app cannot start',
        fields: { err: failure, path: expect.stringMatching(/provide\(Db\)$/) as unknown },
      },
    ]);
  });

  it('has one line for many requests that are refused for overload', async () => {
    @Controller()
    class Busy {
      @Get('/') busy() {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
        return 'done';
      }
    }
    const { app, log } = await makeApp({
      controllers: [Busy],
      threads: { executor: 'inline', queue: 1 },
    });
    const answers = await Promise.all(Array.from({ length: 12 }, () => app.inject('/')));
    const refused = answers.filter(({ statusCode }) => statusCode === 503);
    expect(refused.length).toBeGreaterThan(2);
    expect(log.faults).toMatchObject([{ level: 'warn', message: 'request refused' }]);
  });
});

it('headers may take no longer than their request', () => {
  const shorter = configureServer(createServer(), { requestTimeout: 1500 });
  expect(shorter).toMatchObject({ requestTimeout: 1500, headersTimeout: 1500 });
  const longer = configureServer(createServer(), { headersTimeout: 60_000 });
  expect(longer).toMatchObject({ requestTimeout: 30_000, headersTimeout: 30_000 });
  const none = configureServer(createServer(), { requestTimeout: 0 });
  expect(none).toMatchObject({ requestTimeout: 0, headersTimeout: 10_000 });
});

describe('a response that says twice that it has closed', () => {
  @Controller()
  class Answering {
    @Get('/') async answer() {
      return 'answer';
    }
  }

  it('counts as one request, so that the app closes when none is in work', async () => {
    const { app } = await makeApp({ controllers: [Answering] });
    const responses: ServerResponse[] = [];
    const server = createServer((request, response) => {
      responses.push(response);
      app.handler(request, response);
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    const client = await RawClient.connect(port);
    client.send('GET / HTTP/1.1', 'host: x', 'connection: close', '', '');
    await client.closed;
    responses[0]?.emit('close');
    await app.close();
    server.close();
    await once(server, 'close');
  });

  it('likewise one that waits behind another one whose client leaves', async () => {
    const [begun, held] = [gate(), gate()];
    @Controller()
    class Slow {
      @Get('/slow') async slow() {
        begun.open();
        await held.opened;
        return 'slow';
      }
      @Get('/') async answer() {
        return 'answer';
      }
    }
    const { app, port } = await serve({ controllers: [Slow] });
    const client = await RawClient.connect(port);
    client.send('GET /slow HTTP/1.1', 'host: x', '', 'GET / HTTP/1.1', 'host: x', '', '');
    await begun.opened;
    client.destroy();
    held.open();
    await app.close();
  });
});
