import { EventEmitter, on } from 'node:events';
import { Injectable, Provides, token, Inject } from '@turno/core';
import {
  Controller,
  createApp,
  Depends,
  Get,
  Header,
  NotFound,
  Reply,
  sse,
  redirect,
  type ServerSentEvent,
} from '../src/index.js';
import { closeAll, gate, RawClient, serve, type Gate } from './support.js';

afterEach(closeAll);

const get = (path: string) => [`GET ${path} HTTP/1.1`, 'Host: localhost', '', ''];
const Session = token<string>('Session');

describe('a generator', () => {
  it('is sent piece by piece, each when it comes', async () => {
    const gates = [gate(), gate()];
    @Controller()
    class Pieces {
      @Get('/') async *pieces() {
        yield 'first';
        await gates[0]?.opened;
        yield 'second';
      }
    }
    const { port } = await serve({ controllers: [Pieces] });
    const client = await RawClient.connect(port);
    client.send(...get('/'));
    await client.until(/transfer-encoding: chunked[^]*5\r\nfirst\r\n$/i);
    gates[0]?.open();
    await client.until(/6\r\nsecond\r\n0\r\n\r\n$/);
    // The connection goes on.
    client.received = '';
    client.send(...get('/'));
    await client.until(/second/);
  });

  it('does not start where it gets what is torn down before it begins', async () => {
    const Transaction = token<string>('Transaction');
    const Cursor = token<string>('Cursor');
    class Storage {
      @Provides(Transaction, { scope: 'call' }) async *transaction() {
        yield 'open';
      }
      @Provides(Cursor, { scope: 'transient' }) async *cursor() {
        yield 'open';
      }
    }
    @Injectable({ scope: 'transient' })
    class Rows {
      constructor(@Inject(Transaction) readonly transaction: string) {}
    }
    @Controller()
    class Exports {
      @Get('/direct') async *direct(@Inject(Transaction) transaction: string) {
        yield transaction;
      }
      @Get('/behind') async *behind(rows: Rows, @Inject(Cursor) cursor: string) {
        yield rows.transaction + cursor;
      }
      // Collected before the end of the call.
      @Get('/thread') *inThread(@Inject(Transaction) transaction: string) {
        yield transaction;
      }
      // Made before it, for its effect.
      @Depends(Transaction)
      @Get('/effect')
      async *effect() {
        yield 'x';
      }
    }
    const inline = { executor: 'inline' } as const;
    const options = { controllers: [Exports], providers: [Storage], threads: inline };
    const failed = await createApp({ ...options, logger: false }).catch((error: unknown) => error);
    expect(failed).toMatchObject({ errors: [{ code: 'TURNO_ROUTE' }, { code: 'TURNO_ROUTE' }] });
    expect(String(failed)).toContain(
      `Exports.direct is a generator that sends its answer piece by piece, after the end of its call, but it gets "Storage.transaction", torn down at that end. Give "Storage.transaction" the scope 'request', which ends after the answer, or write Exports.direct without * and return the whole.`,
    );
    expect(String(failed)).toContain(
      'Exports.behind is a generator that sends its answer piece by piece, after the end of its call, but it gets "Storage.cursor" and "Storage.transaction", torn down',
    );
  });

  it('is asked for no more than the client takes, and returned when it goes', async () => {
    let asked = 0;
    const events: string[] = [];
    const returned = gate();
    const torn = gate();
    class Resources {
      @Provides(Session, { scope: 'request' }) async *session() {
        try {
          yield 'open';
        } catch (error) {
          events.push((error as Error).name);
          throw error;
        } finally {
          events.push('torn down');
          torn.open();
        }
      }
    }
    @Controller()
    class Endless {
      @Get('/') async *endless(@Inject(Session) _session: string) {
        try {
          for (;;) {
            asked += 1;
            yield 'x'.repeat(100_000);
          }
        } finally {
          await Promise.resolve();
          events.push('returned');
          returned.open();
        }
      }
    }
    const { app, port, log } = await serve({ controllers: [Endless], providers: [Resources] });
    const client = await RawClient.connect(port);
    client.pause();
    client.send(...get('/'));
    // Each turn would bring some more, if nothing held it back.
    let before = -1;
    for (let still = 0; still < 50; still++) {
      await new Promise(setImmediate);
      if (asked !== before) still = 0;
      before = asked;
    }
    expect(asked).toBeLessThan(1000);
    client.destroy();
    await Promise.all([returned.opened, torn.opened]);
    expect(events).toEqual(['returned', 'AbortError', 'torn down']);
    await app.close();
    expect(log.faults).toEqual([]);
  });

  it('that fails after its first byte ends the connection, is logged, and torn down', async () => {
    const torn: unknown[] = [];
    const arrived = gate();
    class Resources {
      @Provides(Session, { scope: 'request' }) async *session() {
        try {
          yield 'open';
        } catch (error) {
          torn.push(error);
        }
      }
    }
    @Controller()
    class Broken {
      @Get('/') async *broken(@Inject(Session) _session: string) {
        yield 'first';
        await arrived.opened;
        throw new Error('half-way');
      }
    }
    const { app, port, log } = await serve({ controllers: [Broken], providers: [Resources] });
    const client = await RawClient.connect(port);
    client.send(...get('/'));
    await client.until(/^HTTP\/1.1 200 OK[^]*first/);
    arrived.open();
    await client.closed;
    expect(client.received).not.toMatch(/\r\n0\r\n/);
    await app.close();
    expect(torn).toMatchObject([{ message: 'half-way' }]);
    expect(log.faults).toMatchObject([
      {
        message: 'the answer failed after its first byte',
        fields: { err: { message: 'half-way' } },
      },
    ]);
  });

  it('that waits is told by its signal that the client has gone', async () => {
    const emitter = new EventEmitter();
    const waiting = gate();
    const ended = gate();
    @Controller()
    class Waits {
      @Get('/') async *waits(signal: AbortSignal) {
        yield 'first';
        waiting.open();
        try {
          for await (const [text] of on(emitter, 'text', { signal })) yield String(text);
        } finally {
          ended.open();
        }
      }
    }
    const { app, port, log } = await serve({ controllers: [Waits] });
    const client = await RawClient.connect(port);
    client.send(...get('/'));
    await waiting.opened;
    client.destroy();
    await ended.opened;
    await app.close();
    expect(log.faults).toEqual([]);
  });
});

describe('events', () => {
  async function eventsOf(events: (id?: string) => AsyncIterable<ServerSentEvent | string>) {
    @Controller()
    class Events {
      @Get('/') async events(@Header('last-event-id', { optional: true }) id?: string) {
        return sse(events(id));
      }
    }
    return serve({ controllers: [Events] });
  }

  it('are sent with their fields; whatever is in their data, they stay one', async () => {
    const { url } = await eventsOf(async function* () {
      yield 'text\r\ndata: more\rand\n\nmore';
      yield { id: 7, event: 'order', retry: 100, data: { burgers: 2 }, comment: 'a\nb' };
    });
    const response = await fetch(url);
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    expect(response.headers.get('cache-control')).toBe('no-cache');
    expect(await response.text()).toBe(
      'data: text\ndata: data: more\ndata: and\ndata: \ndata: more\n\n' +
        ': a\n: b\nevent: order\nid: 7\nretry: 100\ndata: {"burgers":2}\n\n',
    );
  });

  it('go on after the last one that a client has seen', async () => {
    const { url } = await eventsOf(async function* (id = '0') {
      yield { id: Number(id) + 1, data: 'next' };
    });
    const response = await fetch(url, { headers: { 'last-event-id': '41' } });
    expect(await response.text()).toBe('id: 42\ndata: next\n\n');
  });

  it.each([{ id: '1\n2' }, { event: 'a\r\ndata: b' }, { id: '\0' }, { retry: 1.5 }])(
    'with a broken field end the connection: %j',
    async (event) => {
      const [arrived, returned] = [gate(), gate()];
      const { app, port, log } = await eventsOf(async function* () {
        yield 'first';
        await arrived.opened;
        try {
          yield event;
        } finally {
          returned.open();
        }
      });
      const client = await RawClient.connect(port);
      client.send(...get('/'));
      await client.until(/data: first/);
      arrived.open();
      await client.closed;
      expect(client.received).toMatch(/data: first\n\n\r\n$/);
      await returned.opened;
      await app.close();
      expect(log.faults).toMatchObject([{ fields: { err: { code: 'TURNO_REPLY' } } }]);
    },
  );

  it('that fail before the first one are answered as any other error', async () => {
    const { url, log } = await eventsOf(async function* () {
      await Promise.resolve();
      if (url !== '') throw new NotFound('There is no such channel.');
      yield '';
    });
    const response = await fetch(url);
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ detail: 'There is no such channel.' });
    expect(log.faults).toEqual([]);
  });

  it('that are quiet have their head all the same', async () => {
    const end = gate();
    const { url } = await eventsOf(async function* () {
      await end.opened;
      yield 'last';
    });
    const response = await fetch(url);
    end.open();
    expect(await response.text()).toBe('data: last\n\n');
  });

  it.each([NaN, -1, Infinity, 2 ** 31, '1' as never])('refuse to keep alive by %p', (keepAlive) => {
    expect(() => sse([], { keepAlive })).toThrow(
      expect.objectContaining({ code: 'TURNO_REPLY' }) as Error,
    );
  });

  it('are kept alive by nothing where that is 0, as where it is false', () => {
    const events = ['only'];
    expect(sse(events, { keepAlive: 0 })).toEqual(sse(events, { keepAlive: false }));
    expect(sse(events, { keepAlive: 0 })).not.toEqual(sse(events));
  });

  it('have comments while there is nothing to say', async () => {
    const end: Gate = gate();
    @Controller()
    class Quiet {
      @Get('/') async quiet() {
        const events = async function* () {
          await end.opened;
          yield 'last';
        };
        return sse(events(), { keepAlive: 1 });
      }
      @Get('/silent') async silent() {
        return sse([], { keepAlive: false });
      }
    }
    const { port, url } = await serve({ controllers: [Quiet] });
    const client = await RawClient.connect(port);
    client.send(...get('/'));
    await client.until(/text\/event-stream[^]*3\r\n:\n\n\r\n3\r\n:\n\n/);
    end.open();
    await client.until(/data: last[^]*\r\n0\r\n\r\n$/);
    expect(await (await fetch(`${url}/silent`)).text()).toBe('');
  });
});

describe('a Reply refuses', () => {
  it.each<[string, (reply: Reply) => unknown]>([
    ['a line break in a header', (reply) => reply.header('x-a', 'b\r\nset-cookie: c=d')],
    ['one in a list', (reply) => reply.header('x-a', ['b', 'c\n'])],
    ['one in the name of a header', (reply) => reply.header('x\r\n', 'b')],
    ['what frames the body', (reply) => reply.header('Content-Length', 5)],
    ['Transfer-Encoding', (reply) => reply.header('transfer-encoding', 'chunked')],
    ['a line break in Set-Cookie', (reply) => reply.header('set-cookie', 'a=b\r\nx: y')],
    ['a name of a cookie', (reply) => reply.cookie('a=b; c', 'd')],
    [
      'an encoding of a cookie that is none',
      (reply) => reply.cookie('a', 'b\r\nc', { encode: String }),
    ],
    ['a domain with more in it', (reply) => reply.cookie('a', 'b', { domain: 'c; path=/' })],
    ['a path with more in it', (reply) => reply.cookie('a', 'b', { path: '/\r\nx: y' })],
    ['a status of no answer', (reply) => reply.status(101)],
    ['a status that is none', (reply) => reply.status(200.5)],
    ['a redirect without its status', () => redirect('/', 200 as 302)],
  ])('%s', (_, say) => {
    expect(() => say(new Reply())).toThrow(
      expect.objectContaining({ code: 'TURNO_REPLY' }) as Error,
    );
  });
});

it('a disposable stream is not disposed before it is sent', async () => {
  @Injectable({ scope: 'call' })
  class Call {}
  @Controller()
  class Files {
    @Get('/') async read(_call: Call) {
      const { Readable } = await import('node:stream');
      return Readable.from(['whole']);
    }
  }
  const { url } = await serve({ controllers: [Files] });
  expect(await (await fetch(url)).text()).toBe('whole');
});
