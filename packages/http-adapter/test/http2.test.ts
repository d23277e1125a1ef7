/** Servers of node:http2 and node:https: the same rules as over plain HTTP/1.1. */
import { once } from 'node:events';
import { get as httpsGet, type RequestOptions } from 'node:https';
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
  let headers: IncomingHttpHeaders & { ':status'?: number } = {};
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
  it.each<[string, OutgoingHttpHeaders, number]>([
    ['a host that is not the authority', { ':authority': 'a', host: 'b' }, 400],
    ['an authority that is none', { ':authority': 'a/b' }, 0],
    ['an authority with a user', { ':authority': 'user@a' }, 400],
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
  ])('%s is refused, and the next request served', async (_what, headers, status) => {
    const { session, log } = await start();
    const result = await ask(session, headers);
    // What is not HTTP/2 the library refuses, by a reset.
    expect(result).toMatchObject({ status, code: status === 0 ? protocolError : 0 });
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

const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const settings = 4;

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
