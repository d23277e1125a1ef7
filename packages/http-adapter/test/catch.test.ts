import type { App } from '@turno/http-adapter';
import { InputError, Portable, Provides } from '@turno/core';
import {
  AppError,
  Body,
  Conflict,
  Forbidden,
  Form,
  Catch,
  Controller,
  createApp,
  file,
  Get,
  HttpError,
  NotFound,
  ParameterFault,
  Path,
  Reply,
} from '@turno/http-adapter';
import { closeBuilt, makeApp } from './built.js';
import { Errors, Throws } from './fixtures/catch.js';
import { Log } from './support.js';

let app: App;
let log: Log;
beforeAll(async () => {
  ({ app, log } = await makeApp({ controllers: [Throws], catch: [Errors], threads: { size: 1 } }));
});
beforeEach(() => {
  log.entries.length = 0;
});
afterAll(closeBuilt);

describe('a catch handler', () => {
  it('answers for the errors of its class, with dependencies, and nothing of the reply before', async () => {
    const { statusCode, headers, body } = await app.inject('/catch/sold-out');
    expect(statusCode).toBe(409);
    expect(JSON.parse(body)).toEqual({ sorry: 'Sorry: lettuce is sold out.', class: 'SoldOut' });
    expect(headers['x-what']).toBe('lettuce');
    expect(headers).not.toHaveProperty('x-handler');
    expect(log.faults).toEqual([]);
  });

  it('of the most specific class goes first; what it throws is answered instead', async () => {
    const { statusCode, body } = await app.inject('/catch/buns');
    expect(statusCode).toBe(409);
    expect(JSON.parse(body)).toMatchObject({ detail: 'No buns.' });
  });

  it('answers for what a thread throws', async () => {
    const { statusCode, body } = await app.inject('/catch/thread/sold-out');
    expect(statusCode).toBe(409);
    expect(JSON.parse(body)).toEqual({ sorry: 'Sorry: lettuce is sold out.', class: 'SoldOut' });
  });

  it('of a class that errors lose on the way out of a thread does not start', async () => {
    class Lost extends NotFound {}
    class Base extends Error {}
    @Portable()
    class Kept extends Base {}
    class Losing {
      @Catch(Lost) async lost() {
        return 'lost';
      }
      @Catch(Base) async base() {
        return 'base';
      }
      @Catch(Kept) async kept() {
        return 'kept';
      }
      @Catch(DOMException) async aborted() {
        return 'aborted';
      }
    }
    @Controller()
    class Loop {
      @Get('/') async lost() {
        throw new Lost();
      }
    }
    @Controller()
    class Thread {
      @Get('/thread') async one() {
        return 1;
      }
      @Get('/thread/two') two() {
        return 2;
      }
    }
    const options = { catch: [Losing], threads: { executor: 'inline' }, logger: false } as const;
    const failed: unknown = await createApp({ ...options, controllers: [Loop, Thread] }).catch(
      (error: unknown) => error,
    );
    expect(failed).toBeInstanceOf(AppError);
    expect((failed as AppError).errors.map(({ message }) => message)).toEqual([
      'Losing.lost catches Lost, which is not @Portable: what is thrown in a thread loses that class on its way, and nobody catches it. Decorate Lost with @Portable(), or write Portable()(Lost) where the class is not yours.',
    ]);
    // Nothing runs in a thread.
    const { app } = await makeApp({ controllers: [Loop], catch: [Losing] });
    expect((await app.inject('/')).body).toBe('lost');
    Portable()(Lost);
    await makeApp({ ...options, controllers: [Loop, Thread] });
  });

  it('may stand in a controller', async () => {
    @Controller()
    class Fries {
      @Get('/fries') async fries() {
        throw new RangeError('no fries');
      }
      @Catch(RangeError) async range(error: RangeError) {
        return error.message;
      }
    }
    const { app } = await makeApp({ controllers: [Fries], providers: [Fries] });
    expect((await app.inject('/fries')).body).toBe('no fries');
  });

  it('without async runs in a thread, where the error arrives', async () => {
    for (const path of ['/catch/burnt', '/catch/thread/burnt']) {
      log.entries.length = 0;
      const { statusCode, body } = await app.inject(path);
      expect({ statusCode, body }).toEqual({
        statusCode: 502,
        body: 'true 7 Sorry: burnt. false',
      });
      // A 5xx is told in the log, whoever made it.
      expect(log.faults).toMatchObject([{ level: 'error', fields: { err: { minutes: 7 } } }]);
    }
  });

  it('keeps the status of the error, and answers where there is no route, too', async () => {
    expect(await app.inject('/catch/missing?lang=de')).toMatchObject({
      statusCode: 404,
      body: 'de: No such thing.',
    });
    expect(await app.inject('/nowhere?lang=eo')).toMatchObject({
      statusCode: 404,
      body: 'eo: Not Found',
    });
  });

  it('gets what faults of parameters mean', async () => {
    const response = await app.inject('/catch/number/x');
    expect(response.statusCode).toBe(422);
    expect(response.json()).toMatchObject({
      members: { errors: [{ location: 'path', path: 'n' }] },
    });
  });

  it('gets what a fault of a parameter means that a handler has thrown', async () => {
    const problem = { location: 'query', path: 'a', message: 'is taken' } as const;
    @Controller()
    class Taken {
      @Get('/taken') async taken() {
        throw new ParameterFault(problem);
      }
    }
    const { app, log } = await makeApp({ controllers: [Taken] });
    const plain = await app.inject('/taken');
    expect(plain.statusCode).toBe(422);
    expect(plain.json()).toMatchObject({ errors: [problem] });
    const caught = await makeApp({
      controllers: [Taken, Throws],
      catch: [Errors],
      threads: { size: 1 },
    });
    expect((await caught.app.inject('/taken')).json()).toEqual({
      status: 422,
      members: { errors: [problem] },
    });
    expect(log.faults).toEqual([]);
  });

  it('of HttpError goes before one of Error for what an error means, and gets that', async () => {
    class Both {
      @Catch(HttpError) async http(error: HttpError) {
        return { by: 'http', name: error.name, members: error.members };
      }
      @Catch(Error) async any(error: Error) {
        return { by: 'any', name: error.name };
      }
    }
    @Controller()
    class Late {
      @Get('/number/:n') async number(@Path('n') n: number) {
        return n;
      }
      @Get('/late', { deadline: 1 }) async late() {
        await new Promise(() => undefined);
      }
      @Get('/other') async other() {
        throw new RangeError();
      }
    }
    const { app, log } = await makeApp({ controllers: [Late], catch: [Both] });
    const fault = await app.inject('/number/x');
    expect(fault.statusCode).toBe(422);
    expect(fault.json()).toMatchObject({
      by: 'http',
      name: 'UnprocessableContent',
      members: { errors: [{ path: 'n' }] },
    });
    const late = await app.inject('/late');
    expect(late.statusCode).toBe(503);
    expect(late.json()).toMatchObject({ by: 'http', name: 'ServiceUnavailable' });
    // The log has what was meant.
    expect(log.faults).toMatchObject([
      { level: 'warn', fields: { err: { code: 'TURNO_DEADLINE' } } },
    ]);
    expect((await app.inject('/other')).json()).toEqual({ by: 'any', name: 'RangeError' });
  });

  it('of an error goes before one for what it means only where it is more specific', async () => {
    @Controller()
    class Numbers {
      @Get('/number/:n') async number(@Path('n') n: number) {
        return n;
      }
    }
    const answers = async (...handlers: (new () => object)[]) => {
      const { app } = await makeApp({ controllers: [Numbers], catch: handlers });
      return (await app.inject('/number/x')).body;
    };
    class Faults {
      @Catch(InputError) async faults(error: InputError) {
        return `faults ${error.name}`;
      }
    }
    class Any {
      @Catch(Error) async any(error: Error) {
        return `any ${error.name}`;
      }
    }
    class Http {
      @Catch(HttpError) async http(error: HttpError) {
        return `http ${error.name}`;
      }
    }
    expect(await answers(Faults, Http, Any)).toBe('faults InputError');
    expect(await answers(Any)).toBe('any UnprocessableContent');
  });

  it('keeps the headers of the error, unless it says others', async () => {
    class Http {
      @Catch(HttpError) async http(error: HttpError, reply: Reply) {
        if (error.status === 429) reply.header('retry-after', 9);
        if (error.status === 410) return file('catch.test.ts', { root: import.meta.dirname });
        return { sorry: error.status };
      }
    }
    @Controller('/errors')
    class Fails {
      @Get('/:status') async fail(@Path('status') status: number) {
        const headers = { 'WWW-Authenticate': 'Bearer', 'Retry-After': '7', 'content-type': 'a/b' };
        throw new HttpError(status, undefined, { headers });
      }
    }
    const { app } = await makeApp({ controllers: [Fails], catch: [Http] });
    const unauthorized = await app.inject('/errors/401');
    expect(unauthorized.headers).toMatchObject({
      'www-authenticate': 'Bearer',
      'retry-after': '7',
      'content-type': 'application/json',
    });
    expect((await app.inject('/errors/429')).headers['retry-after']).toBe('9');
    expect((await app.inject('/errors/410')).headers['retry-after']).toBe('7');
    const post = await app.inject({ method: 'POST', url: '/errors/401' });
    expect(post).toMatchObject({ statusCode: 405, body: '{"sorry":405}' });
    expect(post.headers.allow).toBe('GET, HEAD, OPTIONS');
  });

  it('that fails is a 500 that says nothing', async () => {
    const response = await app.inject('/catch/forbidden');
    expect(response.statusCode).toBe(500);
    expect(response.body).not.toContain('secret');
    // With what it was called for.
    expect(log.faults).toMatchObject([
      {
        fields: {
          err: { message: 'secret' },
          suppressed: [expect.stringMatching(/^Forbidden: Forbidden\n/)],
        },
      },
    ]);
  });

  it('takes nothing of the body, and of the path only what may be missing', async () => {
    class Session {
      constructor(readonly user: string) {}
    }
    class Sessions {
      @Provides(Session, { scope: 'request' }) async session(@Form('user') user: string) {
        return new Session(user);
      }
    }
    class Reads {
      @Catch(NotFound) async notFound(_error: NotFound, @Body({ optional: true }) body: unknown) {
        return body;
      }
      @Catch(Conflict) async conflict(_error: Conflict, session: Session) {
        return session.user;
      }
      @Catch(Forbidden) async forbidden(_error: Forbidden, @Path('id') id: string) {
        return id;
      }
      @Catch(RangeError) async range(
        _error: RangeError,
        @Path('id', { optional: true }) id?: string,
      ) {
        return id;
      }
    }
    const failed = createApp({
      controllers: [Throws],
      catch: [Reads],
      providers: [Sessions],
      logger: false,
    });
    await expect(failed).rejects.toThrow('Reads.notFound catches errors, and it or one of its');
    await expect(failed).rejects.toThrow('Reads.conflict catches errors, and it or one of its');
    await expect(failed).rejects.toThrow('@Path("id") of it or of one of its providers is missing');
    const error = (await failed.catch((error: unknown) => error)) as AggregateError;
    expect(error.errors).toHaveLength(3);
  });

  it('of an error without a status answers 500, which is logged', async () => {
    expect(await app.inject('/catch/range')).toMatchObject({ statusCode: 500, body: 'caught' });
    expect(log.faults).toMatchObject([
      { message: 'request failed', fields: { err: { message: 'secret' }, url: '/catch/range' } },
    ]);
  });

  it('leaves all others as they are', async () => {
    expect((await app.inject('/catch/other')).statusCode).toBe(418);
  });

  it('may stand among the providers; two for one class, and a class without one, do not start', async () => {
    class One {
      @Catch(NotFound) async one() {
        return 'one';
      }
    }
    class Two {
      @Catch(NotFound) async two() {
        return 'two';
      }
    }
    class None {}
    const controllers = [Throws];
    const { app } = await makeApp({ controllers, providers: [One], threads: { size: 1 } });
    expect((await app.inject('/nowhere')).body).toBe('one');
    const options = { controllers, catch: [One, Two, None], logger: false as const };
    const failed = createApp(options);
    await expect(failed).rejects.toThrow('One.one and Two.two both catch NotFound.');
    await expect(failed).rejects.toThrow('catch[2] is None, which catches nothing.');
    await expect(failed).rejects.toThrow(AppError);
    expect(() => Catch(undefined as never)).toThrow('@Catch was given undefined');
  });
});

describe('the id of a request', () => {
  const id = expect.stringMatching(/^[0-9a-f-]{36}$/) as string;

  it('stands in the log and in the answer, so that they find each other', async () => {
    @Controller()
    class Broken {
      @Get('/') async broken() {
        throw new Error('secret');
      }
    }
    const { app, log } = await makeApp({ controllers: [Broken] });
    const body = (await app.inject('/')).json<{ requestId: string }>();
    expect(body).toEqual({ title: 'Internal Server Error', status: 500, requestId: id });
    expect(log.faults).toMatchObject([{ fields: { requestId: body.requestId } }]);
    const given = await app.inject({ url: '/', headers: { 'x-request-id': 'proxy:7' } });
    expect(given.json()).toMatchObject({ requestId: 'proxy:7' });
    const odd = await app.inject({ url: '/', headers: { 'x-request-id': 'a b"<' } });
    expect(odd.json()).toMatchObject({ requestId: id });
    const own = await makeApp({ controllers: [Broken], requestId: false });
    const other = await own.app.inject({ url: '/', headers: { 'x-request-id': 'proxy:7' } });
    expect(other.json()).toMatchObject({ requestId: id });
  });

  it('is sent back, whoever answers, unless no header may bring it', async () => {
    const { app } = await makeApp({ controllers: [Throws], threads: { size: 1 } });
    const headers = { 'x-request-id': 'proxy:7' };
    const ask = async (on: App, url: string) =>
      (await on.inject({ url, headers })).headers['x-request-id'];
    for (const url of ['/catch/number/7', '/catch/burnt', '/nowhere', '/%zz']) {
      expect(await ask(app, url)).toBe('proxy:7');
    }
    expect((await app.inject('/catch/number/7')).headers['x-request-id']).toEqual(id);
    app.use('/taken', (_request, response) => response.writeHead(403).end());
    app.use('/own', (_request, response, next) => {
      response.setHeader('X-Request-Id', 'own');
      next();
    });
    expect(await ask(app, '/taken')).toBe('proxy:7');
    expect(await ask(app, '/catch/number/7')).toBe('proxy:7');
    expect(await ask(app, '/own')).toBe('own');
    const options = { controllers: [Throws], threads: { size: 1 } } as const;
    const other = await makeApp({ ...options, requestId: 'X-Correlation-Id' });
    const { headers: sent } = await other.app.inject('/nowhere');
    expect(sent).toMatchObject({ 'x-correlation-id': id });
    const none = await makeApp({ ...options, requestId: false });
    expect(await ask(none.app, '/nowhere')).toBeUndefined();
  });

  it('is not made for answers where no log has it, unless its header is named', async () => {
    const options = { controllers: [Throws], threads: { size: 1 }, logger: false } as const;
    const sent = async (app: App, url: string, headers = {}) =>
      (await app.inject({ url, headers })).headers['x-request-id'];
    const { app } = await makeApp(options);
    const named = await makeApp({ ...options, requestId: 'x-request-id' });
    for (const url of ['/catch/number/7', '/catch/burnt', '/nowhere', '/%zz']) {
      expect(await sent(app, url)).toBeUndefined();
      expect(await sent(app, url, { 'x-request-id': 'a b"<' })).toBeUndefined();
      expect(await sent(app, url, { 'x-request-id': 'proxy:7' })).toBe('proxy:7');
      expect(await sent(named.app, url)).toEqual(id);
    }
    app.use((_request, _response, next) => next());
    expect(await sent(app, '/nowhere')).toBeUndefined();
    expect(await sent(app, '/nowhere', { 'x-request-id': 'proxy:7' })).toBe('proxy:7');
  });

  it('with `logRequests`, each request has a line, without its query', async () => {
    const { app, log } = await makeApp({
      controllers: [Throws],
      logRequests: true,
      threads: { size: 1 },
    });
    app.use('/taken', (request, response) => response.writeHead(403).end());
    await app.inject('/catch/number/7?secret=1');
    await app.inject('/taken/path');
    const missing = (await app.inject('/nowhere')).json<{ requestId: string }>();
    // A line is written when its client has the answer already.
    await app.close();
    const ms = expect.any(Number) as number;
    expect(log.entries).toEqual([
      {
        level: 'info',
        message: 'request',
        fields: { method: 'GET', url: '/catch/number/7', status: 200, ms, requestId: id },
      },
      {
        level: 'info',
        message: 'request',
        fields: { method: 'GET', url: '/taken/path', status: 403, ms, requestId: id },
      },
      {
        level: 'info',
        message: 'request',
        fields: { method: 'GET', url: '/nowhere', status: 404, ms, requestId: missing.requestId },
      },
    ]);
  });

  it.each([
    ['production', {}, 1],
    [undefined, {}, 1],
    ['test', {}, 0],
    ['production', { logRequests: false }, 0],
  ])('with NODE_ENV %p and %j, a request has %d lines', async (environment, options, lines) => {
    const { NODE_ENV } = process.env;
    try {
      if (environment === undefined) delete process.env.NODE_ENV;
      else process.env.NODE_ENV = environment;
      const { app, log } = await makeApp({ controllers: [], ...options });
      await app.inject('/nowhere');
      await app.close();
      expect(log.entries).toHaveLength(lines);
    } finally {
      process.env.NODE_ENV = NODE_ENV;
    }
  });
});
