import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import {
  Catch,
  Controller,
  file,
  Get,
  NotFound,
  redirect,
  Reply,
  type App,
} from '@turno/http-adapter';
import { closeBuilt, makeApp } from './built.js';
import {
  folder,
  Guarded,
  Guards,
  Kinds,
  Marks,
  Objects,
  Redirects,
  Replies,
} from './fixtures/answers.js';
import type { Log } from './support.js';

let app: App;
let log: Log;
beforeAll(async () => {
  const options = {
    controllers: [Replies, Kinds, Objects],
    providers: [Marks],
    threads: { size: 1 },
  };
  ({ app, log } = await makeApp(options));
});
beforeEach(() => {
  log.entries.length = 0;
});
afterAll(closeBuilt);

describe('a Reply', () => {
  it('sets status, headers and cookies from wherever they are set; the last one wins', async () => {
    const { statusCode, headers, body } = await app.inject('/replies/loop');
    expect({ statusCode, body }).toEqual({ statusCode: 201, body: 'loop thread' });
    expect(headers).toMatchObject({
      'x-loop': 'provider',
      'x-thread': 'provider',
      'x-last': 'handler',
      link: ['<a>', '<b>'],
      'set-cookie': [
        'loop=1; Path=/',
        'thread=1; Path=/',
        'handler=a%20b; Max-Age=60; Path=/; HttpOnly; SameSite=Lax',
      ],
    });
  });

  it('of a handler in a thread arrives, once', async () => {
    const { statusCode, headers, body } = await app.inject('/replies/thread');
    expect({ statusCode, body }).toEqual({ statusCode: 202, body: 'loop thread' });
    expect(headers).toMatchObject({
      'content-type': 'text/csv',
      link: ['<a>', '<b>', '<c>'],
      'x-thread': 'provider',
      'x-last': 'handler',
      'set-cookie': [
        'loop=1; Path=/',
        'thread=1; Path=/',
        'old=; Max-Age=0; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT',
      ],
    });
  });

  it('says nothing of the answer to an error', async () => {
    const { statusCode, headers } = await app.inject('/replies/fails');
    expect(statusCode).toBe(404);
    expect(headers).not.toHaveProperty('x-last');
    expect(headers).not.toHaveProperty('set-cookie');
  });
});

describe('a redirect', () => {
  it('goes where it says, encoded, on the loop and in a thread', async () => {
    const there = await app.inject('/kinds/redirect');
    expect(there.statusCode).toBe(303);
    expect(there.headers).toMatchObject({
      location: '/a%20b/%C3%BC?x=%20%0D%0Ax:%20y',
      'x-more': 'yes',
      'content-length': '0',
    });
    const thread = await app.inject('/kinds/redirect-thread');
    expect(thread.statusCode).toBe(308);
    expect(thread.headers.location).toBe('https://example.com/');
  });
});

it('a redirect or a web Response that is thrown is the answer', async () => {
  const { app, log } = await makeApp({
    controllers: [Guarded],
    providers: [Guards],
    catch: [Redirects],
    threads: { size: 1 },
  });
  const loop = await app.inject('/guarded/loop');
  expect(loop.statusCode).toBe(303);
  expect(loop.headers).toMatchObject({ location: '/login', 'set-cookie': ['back=1; Path=/'] });
  const thread = await app.inject('/guarded/thread');
  expect(thread.statusCode).toBe(302);
  expect(thread.headers.location).toBe('/login');
  const response = await app.inject('/guarded/response');
  expect(response).toMatchObject({ statusCode: 451, body: 'no entry' });
  expect(response.headers['x-why']).toBe('law');
  expect((await app.inject('/guarded/caught')).headers.location).toBe('/range');
  app.use(() => {
    throw redirect('/elsewhere');
  });
  expect((await app.inject('/nowhere')).headers.location).toBe('/elsewhere');
  await app.close();
  expect(log.faults).toEqual([]);
  expect(Guards.events).toEqual([]);
});

describe('a file', () => {
  const { size } = statSync(join(folder, 'answers.ts'));
  const url = '/kinds/file?path=answers.ts';

  it('is sent with length, type, ETag and what the reply says', async () => {
    const { statusCode, headers, rawPayload } = await app.inject(url);
    expect(statusCode).toBe(200);
    expect(rawPayload).toHaveLength(size);
    expect(headers).toMatchObject({
      'content-length': String(size),
      'accept-ranges': 'bytes',
      etag: expect.stringMatching(/^W\//) as string,
      'last-modified': expect.any(String) as string,
      'x-more': 'yes',
    });
    expect((await app.inject({ method: 'HEAD', url })).body).toBe('');
  });

  it('is not sent again to who has it', async () => {
    const { etag } = (await app.inject(url)).headers;
    const again = await app.inject({ url, headers: { 'if-none-match': String(etag) } });
    expect(again.statusCode).toBe(304);
    const other = await app.inject({ url, headers: { 'if-match': '"other"' } });
    expect(other.statusCode).toBe(412);
    expect(other.headers['content-type']).toBe('application/problem+json');
  });

  it('is sent in part', async () => {
    const part = await app.inject({ url, headers: { range: 'bytes=0-3' } });
    expect(part.statusCode).toBe(206);
    expect(part.body).toBe('/** ');
    expect(part.headers['content-range']).toBe(`bytes 0-3/${size}`);
    const beyond = await app.inject({ url, headers: { range: `bytes=${size}-` } });
    expect(beyond.statusCode).toBe(416);
    expect(beyond.headers).toMatchObject({ 'content-range': `bytes */${size}` });
    expect(beyond.headers).not.toHaveProperty('x-more');
  });

  it.each([
    ['%2e%2e/package.json', 403],
    ['..%2f..%2fpackage.json', 403],
    ['missing', 404],
    ['%2ehidden', 404],
    ['.', 404],
    ['%00', 400],
    ['50%2525', 404],
  ])('outside of its root, or none: %s is a %i', async (path, status) => {
    const response = await app.inject(`/kinds/file?path=${path}`);
    expect(response.statusCode).toBe(status);
    expect(response.body).not.toContain('/test/');
    expect(log.faults).toEqual([]);
  });

  it('has the status of its route, of a Reply, or of the error that it is the page of', async () => {
    class Errors {
      @Catch(NotFound) async notFound() {
        return file('answers.ts', { root: folder });
      }
    }
    @Controller()
    class Pages {
      @Get('/route', { status: 203 }) async route() {
        return file('answers.ts', { root: folder });
      }
      @Get('/reply') async reply(reply: Reply) {
        reply.status(410);
        return file('answers.ts', { root: folder });
      }
      @Get('/no-content', { status: 204 }) async noContent() {
        return file('answers.ts', { root: folder });
      }
      @Get('/missing') async missing() {
        return file('missing', { root: folder });
      }
    }
    const { app } = await makeApp({ controllers: [Pages], catch: [Errors] });
    const statusOf = async (path: string, headers: Record<string, string> = {}) => {
      const { statusCode, rawPayload } = await app.inject({ url: path, headers });
      return [statusCode, rawPayload.length];
    };
    const { etag } = (await app.inject('/route')).headers;
    expect(await statusOf('/route')).toEqual([203, size]);
    expect(await statusOf('/route', { range: 'bytes=0-3' })).toEqual([206, 4]);
    expect(await statusOf('/route', { 'if-none-match': String(etag) })).toEqual([304, 0]);
    expect(await statusOf('/reply')).toEqual([410, size]);
    expect(await statusOf('/reply', { range: 'bytes=0-3' })).toEqual([410, size]);
    expect(await statusOf('/reply', { 'if-match': '"other"' })).toEqual([410, size]);
    expect(await statusOf('/no-content')).toEqual([204, 0]);
    for (const path of ['/missing', '/nowhere']) expect(await statusOf(path)).toEqual([404, size]);
  });

  it('that is not sent is told in the log, with its reason', async () => {
    const reasonOf = async (path: string) => {
      log.entries.length = 0;
      await app.inject(`/kinds/file?path=${path}`);
      const [entry] = log.entries;
      expect(entry).toMatchObject({ level: 'info', message: 'no file was sent' });
      return (entry?.fields.err as Error).message;
    };
    expect(await reasonOf('missing')).toBe('The file "missing" does not exist (ENOENT).');
    expect(await reasonOf('.')).toBe('The file "." is a folder.');
    expect(await reasonOf('%2ehidden')).toContain('begins with a dot');
    expect(await reasonOf('%2e%2e/x')).toContain('"../x" leads out of its root');
  });

  it('that a catch handler cannot send is told together with the error', async () => {
    class Errors {
      @Catch(RangeError) async range() {
        return file('missing', { root: folder });
      }
    }
    @Controller()
    class Fails {
      @Get('/') async fails() {
        throw new RangeError('why');
      }
    }
    const { app, log } = await makeApp({ controllers: [Fails], catch: [Errors] });
    expect((await app.inject('/')).statusCode).toBe(404);
    expect(log.entries).toMatchObject([
      {
        message: 'no file was sent',
        fields: { suppressed: [expect.stringMatching(/^RangeError: why/)] },
      },
    ]);
  });

  it('without a root may lie in a folder that begins with a dot', async () => {
    const hidden = join(mkdtempSync(join(tmpdir(), '.turno-')), 'a.txt');
    writeFileSync(hidden, 'hidden');
    @Controller()
    class Hidden {
      @Get('/whole') async whole() {
        return file(hidden);
      }
      @Get('/below') async below() {
        return file(basename(dirname(hidden)) + '/a.txt', { root: tmpdir() });
      }
      @Get('/root') async root() {
        return file('a.txt', { root: dirname(hidden) });
      }
    }
    const { app } = await makeApp({ controllers: [Hidden] });
    expect((await app.inject('/whole')).body).toBe('hidden');
    expect((await app.inject('/root')).body).toBe('hidden');
    expect((await app.inject('/below')).statusCode).toBe(404);
    rmSync(dirname(hidden), { recursive: true });
  });

  it('that is missing leaves what middleware has set', async () => {
    const { app } = await makeApp({ controllers: [Kinds], threads: { size: 1 } });
    app.use((_request, response, next) => {
      response.setHeader('x-frame-options', 'DENY').setHeader('x-more', 'no');
      next();
    });
    const { statusCode, headers } = await app.inject('/kinds/file?path=missing');
    expect(statusCode).toBe(404);
    expect(headers).toMatchObject({ 'x-frame-options': 'DENY', 'x-more': 'no' });
  });

  it('of a handler in a thread is saved under a name', async () => {
    const { headers, rawPayload } = await app.inject('/kinds/download');
    expect(rawPayload).toHaveLength(size);
    expect(headers).toMatchObject({
      'content-type': 'text/plain',
      'content-disposition': `attachment; filename="r_sum_ _1_.ts"; filename*=UTF-8''r%C3%A9sum%C3%A9%20%221%22.ts`,
    });
  });
});

describe('what comes in pieces', () => {
  it.each([
    ['readable', 'abc', 'text/plain; charset=utf-8'],
    ['web-stream', 'web stream', 'application/octet-stream'],
    ['generator', 'one two three', 'text/plain; charset=utf-8'],
    ['empty', '', 'text/plain; charset=utf-8'],
  ])('%s', async (kind, body, type) => {
    const response = await app.inject(`/kinds/${kind}`);
    expect(response.statusCode).toBe(200);
    expect(response.body).toBe(body);
    expect(response.headers['content-type']).toBe(type);
    expect(response.headers).not.toHaveProperty('content-length');
  });

  it('web responses keep status, headers and cookies', async () => {
    const { statusCode, headers, body } = await app.inject('/kinds/web');
    expect({ statusCode, body }).toEqual({ statusCode: 418, body: 'web' });
    expect(headers).toMatchObject({ 'x-web': 'yes', 'set-cookie': ['a=1', 'b=2'] });
  });

  it('web responses that were fetched lose the coding that fetch has taken off', async () => {
    const upstream = createServer((_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip', 'x-up': 'yes' }).end(gzipSync('text'));
    });
    await once(upstream.listen(0, '127.0.0.1'), 'listening');
    const { port } = upstream.address() as AddressInfo;
    @Controller()
    class Proxies {
      @Get('/fetched') async fetched() {
        return fetch(`http://127.0.0.1:${port}`);
      }
      @Get('/made') async made() {
        return new Response(gzipSync('text'), { headers: { 'content-encoding': 'gzip' } });
      }
    }
    const { app } = await makeApp({ controllers: [Proxies] });
    const fetched = await app.inject('/fetched');
    expect(fetched.body).toBe('text');
    expect(fetched.headers).toMatchObject({ 'x-up': 'yes' });
    expect(fetched.headers).not.toHaveProperty('content-encoding');
    const made = await app.inject('/made');
    expect(made.headers['content-encoding']).toBe('gzip');
    expect(gunzipSync(made.rawPayload).toString()).toBe('text');
    upstream.closeAllConnections();
    upstream.close();
  });

  it('an error before the first piece is answered as any other', async () => {
    const response = await app.inject('/kinds/generator?fails=at-once');
    expect(response.statusCode).toBe(404);
    expect(response.json()).toMatchObject({ detail: 'before the first byte' });
  });

  it('pieces that are neither text nor bytes are a 500', async () => {
    for (const path of ['/kinds/piece', '/kinds/thread-piece']) {
      log.entries.length = 0;
      expect((await app.inject(path)).statusCode).toBe(500);
      expect(log.faults).toMatchObject([{ fields: { err: { code: 'TURNO_RESPONSE' } } }]);
    }
  });

  it('a generator in a thread is collected there', async () => {
    const response = await app.inject('/kinds/thread-generator');
    expect(response.body).toBe('thread ü');
    expect(response.headers).toMatchObject({
      'content-type': 'text/plain; charset=utf-8',
      'content-length': '9',
    });
    const failed = await app.inject('/kinds/thread-generator?fails=1');
    expect(failed.json()).toMatchObject({ status: 404, detail: 'in the middle' });
  });

  it('so are web responses and events', async () => {
    const web = await app.inject('/kinds/thread-web');
    expect(web).toMatchObject({ statusCode: 201, body: 'thread' });
    expect(web.headers['x-web']).toBe('yes');
    const events = await app.inject('/kinds/thread-events');
    expect(events.body).toBe('data: false\n\n');
    expect(events.headers['content-type']).toBe('text/event-stream');
  });

  it('HEAD has the head that GET has, by the first piece, and asks for no more', async () => {
    const head = async (path: string) => {
      const { statusCode, headers, body } = await app.inject({ method: 'HEAD', url: path });
      expect(body).toBe('');
      return { statusCode, type: headers['content-type'] };
    };
    expect(await head('/kinds/generator')).toEqual({
      statusCode: 200,
      type: 'text/plain; charset=utf-8',
    });
    expect(await head('/kinds/generator?fails=at-once')).toMatchObject({ statusCode: 404 });
    expect(await head('/kinds/web-stream')).toEqual({
      statusCode: 200,
      type: 'application/octet-stream',
    });
    expect(await head('/kinds/late')).toEqual({
      statusCode: 201,
      type: 'application/octet-stream',
    });
    expect(log.faults).toEqual([]);
    expect(await head('/kinds/piece')).toMatchObject({ statusCode: 500 });
    expect(await head('/kinds/events')).toEqual({ statusCode: 200, type: 'text/event-stream' });
  });
});

describe('in a thread', () => {
  it('a result is encoded before it crosses, so that it need not be portable', async () => {
    const response = await app.inject('/kinds/thread-json');
    expect(response.headers['content-type']).toBe('application/json');
    expect(response.json()).toEqual({ folder: true, by: 'private' });
    expect((await app.inject('/kinds/thread-map')).statusCode).toBe(500);
    expect(log.faults).toMatchObject([
      { fields: { err: { code: 'TURNO_RESPONSE', handler: 'Kinds.threadMap' } } },
    ]);
  });

  it('a body is decoded and checked there, with the same answers', async () => {
    const post = (payload: string, url = '/kinds/sum') =>
      app.inject({ method: 'POST', url, payload, headers: { 'content-type': 'application/json' } });
    expect((await post('[1, 2, 3]')).json()).toBe(6);
    expect((await post('[1, 2', '/kinds/sum')).json()).toMatchObject({
      status: 400,
      detail: 'The body is not valid JSON.',
    });
    expect((await post('{"__proto__": 1}')).statusCode).toBe(400);
    expect((await post('['.repeat(501))).statusCode).toBe(400);
    expect((await post('[1, "x"]')).json()).toMatchObject({
      status: 422,
      errors: [{ location: 'body', path: '1' }],
    });
    expect(log.faults).toEqual([]);
  });

  it('faults of small bodies are told together with all others', async () => {
    const faults = async (length: number) => {
      const payload = [...Array.from({ length }, () => 1), 'x'];
      const response = await app.inject({ method: 'POST', url: '/kinds/sum?n=x', payload });
      return response.json<{ errors: { location: string }[] }>().errors.map((e) => e.location);
    };
    expect((await faults(1)).sort()).toEqual(['body', 'query']);
    // To read a large one would keep the loop.
    expect(await faults(20_000)).toEqual(['query']);
  });
});

describe.each(['loop', 'thread'])('what is no JSON, on the %s:', (place) => {
  it.each([
    ['array-buffer', 'application/octet-stream'],
    ['data-view', 'application/octet-stream'],
    ['blob', 'image/png'],
    ['plain-blob', 'application/octet-stream'],
  ])('%s is sent as %s', async (kind, type) => {
    const { statusCode, headers, body } = await app.inject(`/objects/${place}/${kind}`);
    expect({ statusCode, body }).toEqual({ statusCode: 200, body: 'abc' });
    expect(headers['content-type']).toBe(type);
  });

  it.each([
    ['error', 'TypeError'],
    ['http-error', 'NotFound'],
  ])('%s is refused', async (kind, name) => {
    const response = await app.inject(`/objects/${place}/${kind}`);
    expect(response.statusCode).toBe(500);
    expect(response.body).not.toContain('secret');
    const [fault] = log.faults;
    expect((fault?.fields.err as Error).message).toContain(
      `it is the error ${name}, which has to be thrown`,
    );
  });
});
