/** Servers of node:http2 and node:https: the same rules as over plain HTTP/1.1. */
import { once } from 'node:events';
import { createServer as createHttpsServer, type RequestOptions } from 'node:https';
import {
  connect,
  constants,
  createSecureServer,
  createServer,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type SecureServerOptions,
} from 'node:http2';
import { connect as connectSocket } from 'node:net';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { Injectable } from '@turno/core';
import { Body, Controller, file, Get, Path, Post, sse } from '../src/index.js';
import { closeAll, gate, makeApp, type Gate } from './support.js';

const protocolError = constants.NGHTTP2_PROTOCOL_ERROR;
const sessions: ClientHttp2Session[] = [];

afterEach(async () => {
  for (const session of sessions.splice(0)) session.destroy();
  await closeAll();
});

let served = 0;
beforeEach(() => {
  served = 0;
});

@Controller()
class Wire {
  @Get('/') async root() {
    served += 1;
    return 'root';
  }
  @Get('/items/:id') async item(@Path('id') id: string) {
    served += 1;
    return id;
  }
  @Post('/length') async length(@Body() body: string) {
    served += 1;
    return { length: body.length };
  }
  @Get('/fails') async fails() {
    throw new Error('secret');
  }
  @Get('/pieces') async *pieces() {
    yield 'one, ';
    yield 'two';
  }
  @Get('/broken') async *broken() {
    yield 'one';
    throw new Error('half-way');
  }
  @Get('/events') async events() {
    return sse(['one']);
  }
  @Get('/file') async file() {
    return file(fileURLToPath(import.meta.url));
  }
}

/** @param controllers - besides those that all tests have. */
async function start(...controllers: readonly (new () => object)[]) {
  const { app, log } = await makeApp({ controllers: [Wire, ...controllers], bodyLimit: 1000 });
  const server = createServer();
  const { port, url } = await app.listen({ port: 0, server });
  return { app, log, port, url, session: open(url) };
}

function open(url: string, options = {}): ClientHttp2Session {
  const session = connect(url, options);
  session.on('error', () => undefined);
  sessions.push(session);
  return session;
}

interface Result {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** 0 where the stream has ended in order. */
  readonly code: number;
}

async function resultOf(stream: ClientHttp2Stream): Promise<Result> {
  let headers: IncomingHttpHeaders & { ':status'?: number | undefined } = {};
  let body = '';
  stream.on('response', (head) => (headers = head));
  stream.on('error', () => undefined);
  stream.setEncoding('utf8').on('data', (text: string) => (body += text));
  await new Promise((resolve) => stream.once('close', resolve));
  return { status: headers[':status'] ?? 0, headers, body, code: stream.rstCode };
}

function ask(session: ClientHttp2Session, headers: OutgoingHttpHeaders, payload?: string) {
  const stream = session.request(headers, { endStream: payload === undefined });
  if (payload !== undefined) stream.end(payload);
  return resultOf(stream);
}

const json = { 'content-type': 'application/json' };
const post = { ':method': 'POST', ':path': '/length', ...json };

describe('over HTTP/2', () => {
  it.each<[string, OutgoingHttpHeaders, number | number[]]>([
    ['a host that is not the authority', { ':authority': 'a', host: 'b' }, 400],
    ['an authority that is none', { ':authority': 'a/b' }, 0],
    // Later versions of the library refuse it themselves.
    ['an authority with a user', { ':authority': 'user@a' }, [400, 0]],
    ['a host that is none, and no authority', { host: 'a b' }, 0],
    ['a target with a blank', { ':path': '/a b' }, 0],
    ['a target beyond ASCII', { ':path': '/items/\u00e9' }, 400],
    ['a target with a fragment', { ':path': '/#a' }, 400],
    ['a target with a backslash', { ':path': '/items\\a' }, 400],
    ['a target without a slash', { ':path': 'items' }, 0],
    ['a target of another host', { ':path': 'http://b/' }, 0],
    ['the target *', { ':path': '*' }, 0],
    ['half a percent-encoding', { ':path': '/items/%' }, 400],
    ['an encoded NUL', { ':path': '/items/%00' }, 400],
    ['a long target', { ':path': `/items/${'a'.repeat(9000)}` }, 414],
    [
      'many headers',
      Object.fromEntries(Array.from({ length: 101 }, (_, n) => [`x-${n}`, ''])),
      431,
    ],
    ['an unknown expectation', { expect: '200-ok' }, 417],
    ['an absolute target', { ':authority': 'a', ':path': 'http://a/' }, 0],
    ['a length that is not that of the body', { ...post, 'content-length': '1' }, 0],
    ['CONNECT', { ':method': 'CONNECT', ':authority': 'a:80' }, 405],
  ])('%s is refused, and the next request served', async (_what, headers, expected) => {
    const { session, log } = await start();
    const { status, code } = await ask(session, headers);
    expect([expected].flat()).toContain(status);
    // What is not HTTP/2 the library refuses, by a reset.
    expect(code).toBe(status === 0 ? protocolError : 0);
    expect(served).toBe(0);
    expect(await ask(session, { ':path': '/' })).toMatchObject({ status: 200, body: 'root' });
    expect(log.faults).toEqual([]);
  });

  it.each<[string, OutgoingHttpHeaders]>([
    ['a host besides the same authority', { ':authority': 'a', host: 'A' }],
    ['a host and no authority', { host: 'a' }],
    ['te: trailers', { te: 'trailers' }],
  ])('%s is served', async (_what, headers) => {
    const { session } = await start();
    expect(await ask(session, headers)).toMatchObject({ status: 200, body: 'root' });
  });

  it.each<[string, readonly (readonly [string, string])[]]>([
    ['no authority and no host', []],
    [
      'two hosts',
      [
        ['host', 'a'],
        ['host', 'b'],
      ],
    ],
    [
      'two authorities',
      [
        [':authority', 'a'],
        [':authority', 'b'],
      ],
    ],
    [
      'a connection header',
      [
        [':authority', 'a'],
        ['connection', 'close'],
      ],
    ],
    [
      'a transfer coding',
      [
        [':authority', 'a'],
        ['transfer-encoding', 'chunked'],
      ],
    ],
    [
      'te: gzip',
      [
        [':authority', 'a'],
        ['te', 'gzip'],
      ],
    ],
    [
      'a name in upper case',
      [
        [':authority', 'a'],
        ['X-Upper', 'b'],
      ],
    ],
    [
      'an unknown pseudo header',
      [
        [':authority', 'a'],
        [':status', '200'],
      ],
    ],
    [
      'a NUL in the target',
      [
        [':authority', 'a'],
        [':path', '/\0'],
      ],
    ],
    [
      'two lengths',
      [
        [':authority', 'a'],
        ['content-length', '1'],
        ['content-length', '2'],
      ],
    ],
  ])('the frames of %s never reach a handler, and others are served', async (_what, fields) => {
    const { session, port, log } = await start();
    const socket = connectSocket(port, '127.0.0.1');
    socket.on('error', () => undefined);
    const path = fields.some(([name]) => name === ':path') ? [] : [[':path', '/'] as const];
    const head = [[':method', 'GET'] as const, [':scheme', 'http'] as const, ...path, ...fields];
    socket.write(Buffer.concat([preface, frame(settings, 0, 0), headersFrame(1, head)]));
    // Answered, reset, or ended with the whole session: never silence.
    await new Promise<void>((resolve) => {
      let received = Buffer.alloc(0);
      socket.on('close', () => resolve());
      socket.on('data', (chunk: Buffer) => {
        received = Buffer.concat([received, chunk]);
        if (typesIn(received).some((type) => [1, 3, 7].includes(type))) resolve();
      });
    });
    socket.destroy();
    expect(served).toBe(0);
    expect(await ask(session, { ':path': '/' })).toMatchObject({ status: 200, body: 'root' });
    expect(log.faults).toEqual([]);
  });

  it('a handler that fails is a 500 that says nothing of the error', async () => {
    const { session, log } = await start();
    const { status, body, headers } = await ask(session, { ':path': '/fails' });
    expect([status, headers['content-type']]).toEqual([500, 'application/problem+json']);
    expect(body).not.toContain('secret');
    expect(log.faults).toMatchObject([{ fields: { err: { message: 'secret' } } }]);
  });

  it.each([
    ['/pieces', 'one, two', 'text/plain; charset=utf-8'],
    ['/events', 'data: one\n\n', 'text/event-stream'],
    ['/file', 'the same rules as over plain HTTP/1.1', 'video/mp2t'],
  ])('%s is sent', async (path, part, type) => {
    const { session } = await start();
    const { status, body, headers, code } = await ask(session, { ':path': path });
    expect([status, code, headers['content-type']]).toEqual([200, 0, type]);
    expect(body).toContain(part);
    expect((await ask(session, { ':path': path, ':method': 'HEAD' })).body).toBe('');
    const conditional = { ':path': path, 'if-none-match': headers.etag ?? 'none' };
    expect((await ask(session, conditional)).status).toBe(path === '/file' ? 304 : 200);
  });

  it('a large answer is sent whole, and others meanwhile', async () => {
    const text = '\u00e9'.repeat(10_000_000);
    @Controller()
    class Large {
      @Get('/large') async large() {
        return text;
      }
    }
    const { session } = await start(Large);
    const large = session.request({ ':path': '/large' });
    const [head] = (await once(large, 'response')) as [IncomingHttpHeaders];
    // Nothing of it is read yet.
    expect((await ask(session, { ':path': '/' })).body).toBe('root');
    const { body } = await resultOf(large);
    expect([head['content-length'], body === text]).toEqual(['20000000', true]);
  });

  it('events do not pile up for a client that does not read', async () => {
    const [filled, written] = [gate(), gate()];
    let comments = 0;
    @Controller()
    class Quiet {
      @Get('/quiet') async quiet() {
        const events = async function* () {
          yield 'x'.repeat(1_000_000);
          // Only when the client had room for it.
          filled.open();
        };
        return sse(events(), { keepAlive: 1 });
      }
    }
    const { app } = await makeApp({ controllers: [Wire, Quiet] });
    app.use((_request, response, next) => {
      const { write } = response;
      response.write = ((...given: Parameters<typeof write>) => {
        if (String(given[0]).startsWith(':')) comments += 1;
        else written.open();
        return write.apply(response, given);
      }) as typeof write;
      next();
    });
    const { url } = await app.listen({ port: 0, server: createServer() });
    const session = open(url);
    const stream = session.request({ ':path': '/quiet' });
    await written.opened;
    // Timers of one length take turns: each of these comes after one of the comments.
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setTimeout(resolve, 1));
    expect(comments).toBe(0);
    const result = resultOf(stream);
    await filled.opened;
    expect((await result).code).toBe(0);
  });

  it('what fails after its first byte is reset', async () => {
    const { session, log } = await start();
    const { status, body, code } = await ask(session, { ':path': '/broken' });
    expect([status, body]).toEqual([200, 'one']);
    expect(code).not.toBe(0);
    expect(log.faults).toMatchObject([{ message: 'the answer failed after its first byte' }]);
    expect((await ask(session, { ':path': '/' })).body).toBe('root');
  });

  it('a body that grows over the limit is refused, and the session goes on', async () => {
    const { session } = await start();
    expect((await ask(session, post, JSON.stringify('x'.repeat(998)))).body).toBe('{"length":998}');
    expect((await ask(session, post, 'x'.repeat(1_000_000))).status).toBe(413);
    expect((await ask(session, { ':path': '/' })).body).toBe('root');
  });

  it('100 Continue is sent when the body is read', async () => {
    const { session } = await start();
    const stream = session.request({ ...post, expect: '100-continue' }, { endStream: false });
    const result = resultOf(stream);
    await once(stream, 'continue');
    stream.end('"abc"');
    expect(await result).toMatchObject({ status: 200, body: '{"length":3}' });
    const unwanted = { ':method': 'POST', ':path': '/nowhere', expect: '100-continue' };
    const other = session.request(unwanted, { endStream: false });
    other.on('continue', () => (served += 100));
    expect((await resultOf(other)).status).toBe(404);
    expect(served).toBe(1);
  });
});

describe('a client of HTTP/2 that resets its stream', () => {
  it.each(['/waits', '/pieces-for-ever'])(
    'cancels its request to %s, and no other',
    async (path) => {
      const [started, aborted, disposed, proceed] = [gate(), gate(), gate(), gate()];
      @Injectable({ scope: 'request' })
      class Resource {
        [Symbol.dispose]() {
          disposed.open();
        }
      }
      @Controller()
      class Waits {
        @Get('/waits') async waits(signal: AbortSignal, _resource: Resource) {
          signal.addEventListener('abort', () => aborted.open());
          started.open();
          await aborted.opened;
          signal.throwIfAborted();
        }
        @Get('/pieces-for-ever') async *pieces(_resource: Resource) {
          try {
            for (;;) {
              yield 'x'.repeat(10_000);
              started.open();
            }
          } finally {
            aborted.open();
          }
        }
        @Get('/other') async other() {
          await proceed.opened;
          return 'other';
        }
      }
      const { app, session, log } = await start(Waits);
      const other = ask(session, { ':path': '/other' });
      const stream = session.request({ ':path': path });
      const result = resultOf(stream);
      await started.opened;
      stream.close(constants.NGHTTP2_CANCEL);
      await Promise.all([aborted.opened, disposed.opened, result]);
      proceed.open();
      expect((await other).body).toBe('other');
      session.close();
      await app.close();
      expect(log.faults).toEqual([]);
    },
  );

  it('while it sends its body leaves nothing behind', async () => {
    const { app, session, log } = await start();
    const stream = session.request({ ...post, expect: '100-continue' }, { endStream: false });
    const result = resultOf(stream);
    await once(stream, 'continue');
    stream.write('"abc');
    stream.close(constants.NGHTTP2_CANCEL);
    await result;
    expect((await ask(session, { ':path': '/' })).body).toBe('root');
    // It would wait for the request for ever.
    await app.close({ grace: 2 ** 31 - 1 });
    expect(log.faults).toEqual([]);
    expect(served).toBe(1);
  });
});

describe('a client of HTTP/2 that does not read', () => {
  const size = 50_000_000;

  /** Answers of which the client takes too little. */
  function large(disposed: Gate) {
    @Injectable({ scope: 'request' })
    class Resource {
      [Symbol.dispose]() {
        disposed.open();
      }
    }
    @Controller()
    class Large {
      @Get('/bytes') async bytes(_resource: Resource) {
        return new Uint8Array(size);
      }
      @Get('/generator') async *generator(_resource: Resource) {
        for (;;) yield 'x'.repeat(100_000);
      }
      @Get('/events-for-ever') async events(_resource: Resource) {
        return sse(this.generator(_resource), { keepAlive: 1 });
      }
    }
    return Large;
  }

  async function startSlow(controller: new () => object) {
    const { app, log } = await makeApp({ controllers: [Wire, controller], logRequests: true });
    const { port, url } = await app.listen({ port: 0, server: createServer(), writeTimeout: 50 });
    return { app, log, port, session: open(url) };
  }

  it.each(['/bytes', '/generator', '/events-for-ever'])(
    'has its stream of %s reset, and its others served',
    async (path) => {
      const disposed = gate();
      const { app, log, session } = await startSlow(large(disposed));
      // What it does not take of one stream does not use up what it takes of all of them.
      await once(session, 'connect');
      session.setLocalWindowSize(2 ** 24);
      const stream = session.request({ ':path': path });
      stream.on('error', () => undefined);
      const closed = new Promise((resolve) => stream.once('close', resolve));
      await disposed.opened;
      expect((await ask(session, { ':path': '/' })).body).toBe('root');
      stream.resume();
      await closed;
      expect(stream.rstCode).toBe(constants.NGHTTP2_CANCEL);
      session.close();
      await app.close();
      expect(log.faults).toEqual([]);
      const about = log.entries.find(({ fields }) => fields.url === path);
      expect(about?.fields).toMatchObject({ status: 200, aborted: true });
    },
  );

  it('has its others served that came while something held the loop', async () => {
    const disposed = gate();
    const { app, session } = await startSlow(large(disposed));
    await once(session, 'connect');
    session.setLocalWindowSize(2 ** 24);
    const stream = session.request({ ':path': '/bytes' });
    stream.on('error', () => undefined);
    await disposed.opened;
    const asked = ask(session, { ':path': '/' });
    // For longer than the session has: what was asked is there when the loop goes on, and so is its end.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
    expect((await asked).body).toBe('root');
    stream.resume();
    session.close();
    await app.close();
  });

  it('at all has its session ended', async () => {
    const disposed = gate();
    const { port, log } = await startSlow(large(disposed));
    const socket = connectSocket(port, '127.0.0.1');
    socket.on('error', () => undefined).pause();
    const closed = new Promise((resolve) => socket.once('close', resolve));
    // As much as it could take, if it took anything.
    const initialWindow = Buffer.from([0, 4, 0x7f, 0xff, 0xff, 0xff]);
    const more = Buffer.from([0x7f, 0, 0, 0]);
    const head = [
      [':method', 'GET'],
      [':scheme', 'http'],
      [':path', '/bytes'],
      [':authority', 'a'],
    ] as const;
    socket.write(
      Buffer.concat([
        preface,
        frame(settings, 0, 0, initialWindow),
        frame(windowUpdate, 0, 0, more),
      ]),
    );
    socket.write(headersFrame(1, head));
    await disposed.opened;
    // It learns of its end only when it reads: not before the server has ended it.
    socket.resume();
    await closed;
    expect(log.faults).toEqual([]);
  });
});

describe('closing with HTTP/2', () => {
  it('all requests in work are answered, on all sessions, which then end', async () => {
    const [all, proceed] = [gate(), gate()];
    let started = 0;
    @Controller()
    class Slow {
      @Get('/slow') async slow() {
        if (++started === 100) all.open();
        await proceed.opened;
        return 'slow';
      }
    }
    const { app, url, port, log, session: idle } = await start(Slow);
    expect((await ask(idle, { ':path': '/' })).body).toBe('root');
    const silent = connectSocket(port, '127.0.0.1');
    await once(silent.resume(), 'connect');
    const busy = Array.from({ length: 4 }, () => open(url));
    const answers = busy.flatMap((session) =>
      Array.from({ length: 25 }, () => ask(session, { ':path': '/slow' })),
    );
    const ended = [idle, ...busy, silent].map(
      (each) => new Promise((resolve) => each.once('close', resolve)),
    );
    await all.opened;
    const closed = app.close();
    // Of what it has in work a session is told the last.
    await once(busy[0]!, 'goaway');
    proceed.open();
    for (const answer of await Promise.all(answers)) {
      expect(answer).toMatchObject({ status: 200, body: 'slow', code: 0 });
    }
    await closed;
    await Promise.all(ended);
    expect(log.faults).toEqual([]);
  });

  it('a request whose stream is destroyed while its answer is written is over', async () => {
    const ended: string[] = [];
    @Injectable({ scope: 'request' })
    class Held {
      [Symbol.dispose]() {
        ended.push('held');
      }
    }
    @Controller()
    class Cut {
      @Get('/cut') async cut(_held: Held) {
        return 'cut';
      }
    }
    const { app, session } = await start(Cut);
    app.use((_request, response, next) => {
      const { end } = response;
      response.end = (...given: unknown[]) => {
        // The response closes within this call.
        (response as unknown as { stream: { destroy(): void } }).stream.destroy();
        return Reflect.apply(end, response, given) as typeof response;
      };
      next();
    });
    await ask(session, { ':path': '/cut' });
    expect(ended).toEqual(['held']);
    // It would wait for the grace if the request were in work.
    await app.close({ grace: 60_000 });
  });

  it('what is in work after the grace is cut off and cancelled', async () => {
    const [started, aborted] = [gate(), gate()];
    @Controller()
    class Endless {
      @Get('/endless') async endless(signal: AbortSignal) {
        started.open();
        await new Promise<void>((resolve) => {
          signal.addEventListener('abort', () => resolve());
        });
        aborted.open();
      }
    }
    const { app, session, log } = await start(Endless);
    const answer = ask(session, { ':path': '/endless' });
    await started.opened;
    await app.close({ grace: 1 });
    await aborted.opened;
    expect((await answer).status).toBe(0);
    expect(log.faults).toEqual([]);
  });
});

describe('over TLS', () => {
  // Keys that both sides know: no certificate to keep.
  const psk = Buffer.from('0123456789abcdef');
  const how = { ciphers: 'PSK', maxVersion: 'TLSv1.2' } as const;
  const client: ConnectionOptions & RequestOptions = {
    ...how,
    pskCallback: () => ({ psk, identity: 'test' }),
    checkServerIdentity: () => undefined,
  };
  const secret: SecureServerOptions = { ...how, pskCallback: () => psk };
  const noLimits = { headersTimeout: 0, requestTimeout: 0, keepAliveTimeout: 0, writeTimeout: 0 };

  const servers = [
    ['node:https', () => createHttpsServer(secret as object)],
    [
      'node:http2 with HTTP/1.1',
      () => createSecureServer({ ...(secret as object), allowHTTP1: true }),
    ],
  ] as const;

  /** A connection over TLS that speaks HTTP/1.1. */
  async function connect1(port: number): Promise<TlsClient> {
    const socket = connectTls({ ...client, port, host: '127.0.0.1', ALPNProtocols: ['http/1.1'] });
    await once(socket, 'secureConnect');
    return new TlsClient(socket);
  }

  it('of node:http2 both versions are served', async () => {
    const { app, log } = await makeApp({ controllers: [Wire] });
    const server = createSecureServer({ ...(secret as object), allowHTTP1: true });
    const { port, url } = await app.listen({ port: 0, server });
    expect(url).toMatch(/^https:/);
    const session = open(url, client);
    expect((await ask(session, { ':path': '/' })).body).toBe('root');
    const one = await connect1(port);
    one.send('GET / HTTP/1.1', 'Host: a', '', '');
    await one.until(/root$/);
    await app.close();
    await one.closed;
    expect(log.faults).toEqual([]);
  });

  describe.each(servers)('%s', (_name, create) => {
    async function listen(limits = {}) {
      const { app, log } = await makeApp({ controllers: [Wire], bodyLimit: 1000 });
      const server = create();
      const { port } = await app.listen({ port: 0, server, ...noLimits, ...limits });
      return { app, log, port };
    }

    it.each([
      ['no Host', 400, ['GET / HTTP/1.1', '', '']],
      ['two Hosts', 400, ['GET / HTTP/1.1', 'Host: a', 'Host: a', '', '']],
      ['what is no HTTP', 400, ['rubbish', '', '']],
      ['an unknown coding', 501, ['GET / HTTP/1.1', 'Host: a', 'Transfer-Encoding: x', '', '']],
      ['an unknown expectation', 417, ['GET / HTTP/1.1', 'Host: a', 'Expect: x', '', '']],
      ['CONNECT', 405, ['CONNECT a:80 HTTP/1.1', 'Host: a:80', '', '']],
      ['long headers', 431, ['GET / HTTP/1.1', 'Host: a', `X: ${'y'.repeat(30_000)}`, '', '']],
    ])('refuses %s with %d, and ends the connection', async (_what, status, lines) => {
      const { port, log } = await listen();
      const one = await connect1(port);
      one.send(...lines);
      await one.until(new RegExp(`^HTTP/1\\.1 ${status} [^]*}$`));
      await one.closed;
      expect(served).toBe(0);
      expect(log.faults).toEqual([]);
    });

    it('sends 100 Continue when the body is wanted, and refuses one over the limit', async () => {
      const { port } = await listen();
      const lines = ['POST /length HTTP/1.1', 'Host: a', 'Content-Type: application/json'];
      const one = await connect1(port);
      one.send(...lines, 'Content-Length: 4', 'Expect: 100-continue', '', '');
      await one.until(/ 100 Continue\r\n\r\n$/);
      one.send('"ab"');
      await one.until(/{"length":2}$/);
      one.send(...lines, 'Content-Length: 1001', 'Expect: 100-continue', '', '');
      await one.until(/HTTP\/1\.1 413 [^]*}$/);
    });

    it.each([
      ['headers', { headersTimeout: 50 }, ['GET / HTTP/1.1', 'Host: a']],
      [
        'a body',
        { requestTimeout: 50 },
        [
          ...['POST /length HTTP/1.1', 'Host: a', 'Content-Type: application/json'],
          ...['Content-Length: 9', '', '"'],
        ],
      ],
    ])('answers %s that come too slowly with 408', async (_what, limits, lines) => {
      const { port, log } = await listen(limits);
      const one = await connect1(port);
      one.send(...lines);
      await one.until(/^HTTP\/1\.1 408 [^]*}$/);
      await one.closed;
      expect(log.faults).toEqual([]);
    });

    it('closes a connection that waits for its next request', async () => {
      const { port } = await listen({ keepAliveTimeout: 50 });
      const one = await connect1(port);
      one.send('GET / HTTP/1.1', 'Host: a', '', '');
      await one.until(/root$/);
      await one.closed;
    });
  });
});

const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const [settings, windowUpdate] = [4, 8];

function frame(type: number, flags: number, stream: number, payload = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** Each field literally, without an index and Huffman's code. */
function headersFrame(stream: number, fields: readonly (readonly [string, string])[]): Buffer {
  const text = (value: string) => Buffer.concat([Buffer.of(value.length), Buffer.from(value)]);
  const block = fields.map(([name, value]) =>
    Buffer.concat([Buffer.of(0), text(name), text(value)]),
  );
  const [endStream, endHeaders] = [1, 4];
  return frame(1, endStream | endHeaders, stream, Buffer.concat(block));
}

function typesIn(received: Buffer): number[] {
  const types: number[] = [];
  for (let at = 0; at + 9 <= received.length; at += 9 + received.readUIntBE(at, 3)) {
    types.push(received.readUInt8(at + 3));
  }
  return types;
}

/** A connection over TLS on which a test writes lines and waits for text. */
class TlsClient {
  received = '';
  readonly closed: Promise<unknown>;

  constructor(private readonly socket: TLSSocket) {
    this.closed = new Promise((resolve) => socket.once('close', resolve));
    socket.setEncoding('latin1').on('data', (text: string) => (this.received += text));
    socket.on('error', () => undefined);
  }

  send(...lines: readonly string[]): void {
    this.socket.write(lines.join('\r\n'), 'latin1');
  }

  async until(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.received)) {
      const more = await Promise.race([
        once(this.socket, 'data').then(() => true),
        this.closed.then(() => false),
      ]);
      if (!more && !pattern.test(this.received)) throw new Error(`Closed: ${this.received}`);
    }
  }
}
