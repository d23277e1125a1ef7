import { AsyncLocalStorage } from 'node:async_hooks';
import compression from 'compression';
import cors from 'cors';
import express from 'express';
import helmet from 'helmet';
import { Inject, Provides, token } from '@turno/core';
import {
  BadRequest,
  Body,
  Catch,
  Controller,
  file,
  Form,
  Get,
  OptionsError,
  PayloadTooLarge,
  Post,
  Reply,
  type Middleware,
} from '../src/index.js';
import { closeAll, gate, makeApp, RawClient, serve } from './support.js';

const log: string[] = [];

afterEach(async () => {
  log.length = 0;
  await closeAll();
});

const context = new AsyncLocalStorage<string>();
const Seen = token<string | undefined>('Seen');

class Providers {
  @Provides(Seen, { scope: 'request' }) async seen() {
    await Promise.resolve();
    return context.getStore();
  }
}

@Controller()
class Pages {
  @Get('/page') async page() {
    log.push('handler');
    return 'page '.repeat(1000);
  }
  @Get('/admin/page') async admin() {
    log.push('handler');
    return 'admin';
  }
  @Get('/context') async context(@Inject(Seen) seen: string | undefined) {
    return { seen, store: context.getStore() };
  }
  @Post('/json') async json(@Body() body: unknown) {
    return { body };
  }
  @Post('/form') async form(
    @Form('name') name: string,
    @Form('tag', { type: [String] }) tags: string[],
  ) {
    return { name, tags };
  }
}

const options = { controllers: [Pages], providers: [Providers] };

const noting =
  (name: string): Middleware =>
  (request, _response, next) => {
    log.push(`${name} ${request.url}`);
    next();
  };

describe('middleware', () => {
  it('runs in the order in which it was added, before routing', async () => {
    const { app } = await makeApp(options);
    app.use(noting('one')).use(async (_request, _response, next) => {
      await Promise.resolve();
      log.push('two');
      next();
    });
    expect((await app.inject('/page')).statusCode).toBe(200);
    expect(log).toEqual(['one /page', 'two', 'handler']);
    expect((await app.inject('/nowhere')).statusCode).toBe(404);
    expect(log.slice(3)).toEqual(['one /nowhere', 'two']);
  });

  it.each([
    ['/admin/page?a=1', '/page?a=1'],
    ['/admin', '/'],
    ['/admin/', '/'],
    ['/%61dmin/page', '/page'],
    ['http://example.com/admin/page', '/page'],
    ['/administrator', undefined],
    ['/page', undefined],
    ['/Admin/page', undefined],
    ['/%zz', undefined],
  ])('for a path gets what is left of it: %s', async (url, left) => {
    const { port } = await (async () => {
      const served = await serve(options);
      served.app.use('/admin/', noting('admin'));
      return served;
    })();
    const client = await RawClient.connect(port);
    client.send(`GET ${url} HTTP/1.1`, 'Host: example.com', 'Connection: close', '', '');
    await client.closed;
    const expected = left === undefined ? [] : [`admin ${left}`];
    expect(log.filter((entry) => entry !== 'handler')).toEqual(expected);
  });

  it('for a path may be given that encoded or not', async () => {
    const { app } = await makeApp(options);
    app.use('/a%20b', noting('encoded')).use('/a b', noting('plain')).use('/100%', noting('odd'));
    await app.inject('/a%20b/c');
    await app.inject('/100%25/c');
    expect(log).toEqual(['encoded /c', 'plain /c', 'odd /c']);
  });

  it.each(['/users/:id', '/admin/*', '/admin/(a|b)', '/admin?', '/[ab]', '/{a}', '/#'])(
    'is not taken for the pattern %s, by which it would never run',
    async (path) => {
      const { app } = await makeApp(options);
      expect(() => app.use(path, noting('never'))).toThrow(OptionsError);
      expect(() => app.use(path, noting('never'))).toThrow('no part of a literal one');
    },
  );

  it('may be several at once, with a path and without', async () => {
    const { app } = await makeApp(options);
    app
      .use(noting('one'), noting('two'))
      .use('/admin', noting('three'), (_request, response) => response.writeHead(401).end());
    expect((await app.inject('/admin/page')).statusCode).toBe(401);
    expect(log).toEqual(['one /admin/page', 'two /admin/page', 'three /page']);
    expect(() => app.use('/admin', noting('good'), undefined as never)).toThrow(OptionsError);
    expect(() => app.use(noting('good'), 7 as never)).toThrow(OptionsError);
  });

  it('for a path changes nothing for what comes after', async () => {
    const { app } = await makeApp(options);
    app.use('/admin', noting('admin')).use(noting('all'));
    expect((await app.inject('/admin/page')).payload).toBe('admin');
    expect(log).toEqual(['admin /page', 'all /admin/page', 'handler']);
  });

  it('sets cookies and `Vary` beside those of the handler', async () => {
    @Controller()
    class Cookies {
      @Get('/whole') async whole(reply: Reply) {
        reply.cookie('own', '1').header('vary', 'Accept').append('vary', 'origin');
        reply.header('link', '<a>').append('link', '<b>');
      }
      @Get('/pieces') async *pieces(reply: Reply) {
        reply.cookie('own', '1').header('vary', 'accept');
        yield 'piece';
      }
      @Get('/file') async file(reply: Reply) {
        reply.cookie('own', '1').header('vary', 'accept');
        return file('support.ts', { root: import.meta.dirname });
      }
      @Get('/neither') async neither(reply: Reply) {
        reply.header('x-both', 'handler');
      }
      @Get('/star') async star(reply: Reply) {
        reply.header('vary', '*');
      }
    }
    const { app } = await makeApp({ controllers: [Cookies] });
    app.use((_request, response, next) => {
      response.setHeader('Set-Cookie', 'session=1').setHeader('Vary', 'Origin, Accept-Encoding');
      response.setHeader('x-both', 'middleware');
      next();
    });
    for (const url of ['/whole', '/pieces', '/file']) {
      const { headers } = await app.inject(url);
      expect(headers['set-cookie']).toEqual(['session=1', 'own=1; Path=/']);
      expect(String(headers.vary).toLowerCase()).toBe('origin, accept-encoding, accept');
    }
    expect((await app.inject('/whole')).headers.link).toEqual(['<a>', '<b>']);
    const { headers } = await app.inject('/neither');
    expect(headers).toMatchObject({ 'set-cookie': 'session=1', 'x-both': 'handler' });
    expect(headers.vary).toBe('Origin, Accept-Encoding');
    expect((await app.inject('/star')).headers.vary).toBe('*');
  });

  it('may wrap `writeHead` and know no headers but those of an object, or that are set', async () => {
    @Controller()
    class Answers {
      @Get('/whole') async whole(reply: Reply) {
        reply.cookie('own', '1');
        return { a: 1 };
      }
      @Get('/pieces') async *pieces() {
        yield 'piece';
      }
      @Get('/file') async file() {
        return file('support.ts', { root: import.meta.dirname });
      }
    }
    const { app } = await makeApp({ controllers: [Answers] });
    const seen: unknown[] = [];
    app.use((_request, response, next) => {
      response.setHeader('set-cookie', 'session=1');
      const { writeHead } = response;
      // As on-headers did before 1.1, on which sessions and compression stand.
      response.writeHead = function (this: typeof response, status: number, ...rest: unknown[]) {
        const headers = rest.at(-1);
        expect(Array.isArray(headers)).toBe(false);
        for (const [name, value] of Object.entries(headers ?? {})) this.setHeader(name, value);
        this.statusCode = status;
        seen.push(this.getHeader('content-type'));
        this.setHeader('x-type', `was ${String(this.getHeader('content-type'))}`);
        this.removeHeader('content-type');
        return writeHead.call(this, status);
      };
      next();
    });
    for (const url of ['/whole', '/pieces', '/file', '/nowhere']) {
      const { headers } = await app.inject(url);
      expect(headers['x-type']).toBe(`was ${String(seen.at(-1))}`);
      expect(headers['content-type']).toBeUndefined();
      expect(headers['set-cookie']).toEqual(
        url === '/whole' ? ['session=1', 'own=1; Path=/'] : 'session=1',
      );
    }
    expect(seen).toEqual([
      'application/json',
      'text/plain; charset=utf-8',
      expect.any(String),
      'application/problem+json',
    ]);
  });

  it('may rewrite the target, also below a path; the log has what the client has sent', async () => {
    const { app, log: logged } = await makeApp({ ...options, logRequests: true });
    const rewriting =
      (from: string, to: string): Middleware =>
      (request, _response, next) => {
        if (request.url === from) request.url = to;
        next();
      };
    app.use(rewriting('/spa', '/page')).use('/%61dmin', rewriting('/old?a=1', '/page?a=2'));
    app.use(noting('all'));
    expect((await app.inject('/spa')).payload).toContain('page');
    expect((await app.inject('/admin/old?a=1')).payload).toBe('admin');
    expect(log).toEqual(['all /page', 'handler', 'all /admin/page?a=2', 'handler']);
    await app.close();
    expect(logged.entries.map(({ fields }) => fields.url)).toEqual(['/spa', '/admin/old']);
  });

  it('may answer by itself, also later', async () => {
    const { app } = await makeApp(options);
    const opened = gate();
    app.use((_request, response) => {
      void opened.opened.then(() => response.writeHead(418).end('tea'));
    });
    const answer = app.inject('/page');
    const closed = app.close();
    opened.open();
    expect((await answer).payload).toBe('tea');
    await closed;
    expect(log).toEqual([]);
  });

  it.each<[string, Middleware]>([
    ['passes it to next', (_request, _response, next) => next(new BadRequest('No.'))],
    [
      'throws',
      () => {
        throw new BadRequest('No.');
      },
    ],
    ['rejects', () => Promise.reject(new BadRequest('No.'))],
  ])('ends the request where it %s', async (_what, failing) => {
    const { app } = await makeApp(options);
    app.use(failing).use(noting('not reached'));
    const response = await app.inject('/page');
    expect(response.statusCode).toBe(400);
    expect(response.json()).toMatchObject({ detail: 'No.' });
    expect(log).toEqual([]);
  });

  it('with four parameters takes errors only, and may go on', async () => {
    const { app } = await makeApp(options);
    app
      .use((_request, _response, next) => next('wrong'))
      .use(noting('skipped'))
      .use((error: unknown, _request: unknown, _response: unknown, next: () => void) => {
        log.push(`caught ${String(error)}`);
        next();
      })
      .use(noting('further'));
    expect((await app.inject('/page')).statusCode).toBe(200);
    expect(log).toEqual(['caught wrong', 'further /page', 'handler']);
  });

  it('that fails unexpectedly is a 500, and logged', async () => {
    const { app, log: logged } = await makeApp(options);
    app.use(() => {
      throw new Error('broken');
    });
    const response = await app.inject('/page');
    expect(response.statusCode).toBe(500);
    expect(response.payload).not.toContain('broken');
    expect(logged.faults).toMatchObject([{ fields: { url: '/page' }, message: 'request failed' }]);
  });

  it.each([
    [{ status: 413, expose: true }, 413, 'No.', undefined],
    [{ statusCode: 404 }, 404, undefined, undefined],
    [{ status: 404, expose: true, syscall: 'stat' }, 404, undefined, undefined],
    [{ status: 429, expose: false, headers: { 'Retry-After': 7 } }, 429, undefined, '7'],
    [{ status: 503, expose: true }, 500, undefined, undefined],
    [{ status: '404' }, 500, undefined, undefined],
  ])('that fails with %j is a %i', async (fields, status, detail, retryAfter) => {
    const { app, log: logged } = await makeApp(options);
    app.use((_request, _response, next) => next(Object.assign(new Error('No.'), fields)));
    const response = await app.inject('/page');
    expect(response.statusCode).toBe(status);
    expect(response.json<{ detail?: string }>().detail).toBe(detail);
    expect(response.headers['retry-after']).toBe(retryAfter);
    expect(logged.faults).toHaveLength(status === 500 ? 1 : 0);
  });

  it('that fails is met by the catch handler of what that means, or of the error', async () => {
    class Errors {
      @Catch(PayloadTooLarge) async large(error: PayloadTooLarge) {
        return error.message;
      }
      @Catch(SyntaxError) async syntax(error: SyntaxError) {
        return error.name;
      }
    }
    const { app } = await makeApp({ ...options, catch: [Errors] });
    app.use(express.json({ limit: 10 }));
    const post = (payload: string) =>
      app.inject({
        method: 'POST',
        url: '/json',
        payload,
        headers: { 'content-type': 'application/json' },
      });
    expect(await post('"much too long"')).toMatchObject({
      statusCode: 413,
      body: 'request entity too large',
    });
    expect(await post('{bad')).toMatchObject({ statusCode: 400, body: 'SyntaxError' });
  });

  it('a `status` of an error that no middleware has thrown means nothing', async () => {
    @Controller()
    class Client {
      @Get('/') async ask() {
        throw Object.assign(new Error('upstream'), { status: 404 });
      }
    }
    const { app } = await makeApp({ controllers: [Client] });
    app.use(noting('all'));
    expect((await app.inject('/')).statusCode).toBe(500);
  });

  it('goes on once, and what it throws afterwards is logged', async () => {
    const { app, log: logged } = await makeApp(options);
    app.use((_request, _response, next) => {
      next();
      next();
      throw new Error('late');
    });
    expect((await app.inject('/page')).statusCode).toBe(200);
    expect(log).toEqual(['handler']);
    expect(logged.faults).toMatchObject([{ message: 'a middleware failed after it had gone on' }]);
  });

  it('is refused where it is none', async () => {
    const { app } = await makeApp(options);
    expect(() => app.use(undefined as never)).toThrow(OptionsError);
    expect(() => app.use('/a', {} as never)).toThrow('a middleware that is no function');
    expect(() => app.use(7 as never, noting('a'))).toThrow('a path that is no string');
  });

  it('may set up an asynchronous context, which handlers and providers see', async () => {
    const { app } = await makeApp(options);
    app.use((_request, _response, next) => context.run('outer', next));
    expect((await app.inject('/context')).json()).toEqual({ seen: 'outer', store: 'outer' });
  });
});

describe('known middleware works', () => {
  it('helmet', async () => {
    const { app } = await makeApp(options);
    app.use(helmet());
    for (const url of ['/page', '/nowhere']) {
      const { headers } = await app.inject(url);
      expect(headers['x-content-type-options']).toBe('nosniff');
    }
  });

  it('cors, also its answers to preflight requests', async () => {
    const { app } = await makeApp(options);
    app.use(cors({ origin: 'https://example.com' }));
    const headers = { origin: 'https://example.com', 'access-control-request-method': 'POST' };
    const preflight = await app.inject({ method: 'OPTIONS', url: '/json', headers });
    expect(preflight.statusCode).toBe(204);
    expect(preflight.headers['access-control-allow-methods']).toContain('POST');
    const { headers: own } = await app.inject({ url: '/page', headers });
    expect(own['access-control-allow-origin']).toBe('https://example.com');
  });

  it('compression', async () => {
    const { app, url } = await serve(options);
    app.use(compression());
    const response = await fetch(`${url}/page`, { headers: { 'accept-encoding': 'gzip' } });
    expect(response.headers.get('content-encoding')).toBe('gzip');
    expect(response.headers.get('content-length')).toBeNull();
    expect(await response.text()).toBe('page '.repeat(1000));
  });

  it('compression of streams, which waits for its client without adding up listeners', async () => {
    @Controller()
    class Large {
      @Get('/large') async *large() {
        for (let piece = 0; piece < 100; piece++) yield Buffer.alloc(65_536, piece);
      }
    }
    const { app, url } = await serve({ controllers: [Large] });
    let listeners = 0;
    app.use(compression()).use((_request, response, next) => {
      type On = (name: string, listener: () => void) => typeof response;
      const on = response.on.bind(response) as On;
      const counting: On = (name, listener) => {
        if (name === 'drain') listeners += 1;
        return on(name, listener);
      };
      response.on = counting as typeof response.on;
      next();
    });
    const response = await fetch(`${url}/large`, { headers: { 'accept-encoding': 'gzip' } });
    expect((await response.arrayBuffer()).byteLength).toBe(6_553_600);
    expect(listeners).toBe(1);
  });

  it('parsers of bodies, whose body is used', async () => {
    const { app } = await makeApp(options);
    app.use(express.json({ reviver: (_key, value: unknown) => (value === 1 ? 'one' : value) }));
    app.use(express.urlencoded({ extended: true }));
    const json = await app.inject({ method: 'POST', url: '/json', payload: { a: 1 } });
    expect(json.json()).toEqual({ body: { a: 'one' } });
    const form = await app.inject({
      method: 'POST',
      url: '/form',
      payload: 'name=Ada&tag=a&tag=b&deep[a]=1',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    expect(form.json()).toEqual({ name: 'Ada', tags: ['a', 'b'] });
    // What they leave, the app reads.
    const other = await app.inject({
      method: 'POST',
      url: '/json',
      payload: '{"a":1}',
      headers: { 'content-type': 'application/merge-patch+json' },
    });
    expect(other.json()).toEqual({ body: { a: 1 } });
  });
});

it('what a storage holds is that of the request also at its end, whatever has closed its response', async () => {
  const Held = token<AsyncDisposable>('Held');
  const [proceed, arrived] = [gate(), gate()];
  class Ends {
    @Provides(Held, { scope: 'request' }) async held(): Promise<AsyncDisposable> {
      return {
        [Symbol.asyncDispose]: async () => {
          log.push(`disposed ${context.getStore()}`);
        },
      };
    }
  }
  @Controller()
  class Two {
    @Get('/first') async first(@Inject(Held) _held: AsyncDisposable) {
      await proceed.opened;
      return 'first';
    }
    @Get('/second') async second(@Inject(Held) _held: AsyncDisposable) {
      arrived.open();
      return 'second';
    }
  }
  const logger = {
    error: () => undefined,
    warn: () => undefined,
    info: () => log.push(`logged ${context.getStore()}`),
  };
  const { app, port } = await serve({
    controllers: [Two],
    providers: [Ends],
    logger,
    logRequests: true,
  });
  app.use((request, _response, next) => context.run(`${request.url}`, next));
  log.length = 0;
  const client = await RawClient.connect(port);
  client.send('GET /first HTTP/1.1', 'Host: a', '', 'GET /second HTTP/1.1', 'Host: a', '', '');
  // The second one is answered, and waits for its turn.
  await arrived.opened;
  await new Promise((resolve) => setImmediate(resolve));
  proceed.open();
  await client.until(/second/);
  await app.close();
  expect(log.filter((line) => line.includes('/')).sort()).toEqual([
    'disposed /first',
    'disposed /second',
    'logged /first',
    'logged /second',
  ]);
});
