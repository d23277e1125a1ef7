import { Inject, Provides, QueueFullError, token } from '@turno/core';
import {
  BadRequest,
  Conflict,
  Controller,
  Get,
  HttpError,
  InternalServerError,
  NotFound,
  Post,
  ServiceUnavailable,
  TooManyRequests,
  Unauthorized,
} from '../src/index.js';
import { closeAll, makeApp } from './support.js';

afterEach(closeAll);

/** Asks an app whose only handler throws that. */
async function thrown(error: unknown) {
  @Controller()
  class Failing {
    @Get('/fail') async fail() {
      throw error;
    }
  }
  const { app, log } = await makeApp({ controllers: [Failing] });
  const response = await app.inject('/fail?secret=1');
  expect(response.headers['content-type']).toBe('application/problem+json');
  return { response, body: response.json<unknown>(), log };
}

describe('an HttpError', () => {
  it('is answered with its status and message', async () => {
    const { response, body, log } = await thrown(new NotFound('There is no burger 7.'));
    expect(response.statusCode).toBe(404);
    expect(body).toEqual({ title: 'Not Found', status: 404, detail: 'There is no burger 7.' });
    expect(log.faults).toEqual([]);
  });

  it('needs no message', async () => {
    expect((await thrown(new Conflict())).body).toEqual({ title: 'Conflict', status: 409 });
  });

  it('has all of RFC 9457, and headers', async () => {
    const error = new HttpError(402, 'Your balance is 30.', {
      type: 'https://example.com/probs/out-of-credit',
      title: 'You do not have enough credit.',
      headers: { 'X-Balance': '30' },
      members: { balance: 30, status: 200, title: 'no', ['__proto__']: 'inert' },
    });
    const { response, body } = await thrown(error);
    expect(response.statusCode).toBe(402);
    expect(response.headers['x-balance']).toBe('30');
    expect(body).toEqual({
      type: 'https://example.com/probs/out-of-credit',
      title: 'You do not have enough credit.',
      status: 402,
      detail: 'Your balance is 30.',
      balance: 30,
      ['__proto__']: 'inert',
    });
  });

  it('cannot break the framing of the answer', async () => {
    const headers = { 'Content-Length': '1', 'Transfer-Encoding': 'chunked', Connection: 'x' };
    const { response } = await thrown(new TooManyRequests('Slow down.', { headers }));
    expect(response.statusCode).toBe(429);
    expect(response.headers['content-length']).toBe(String(response.rawPayload.length));
    expect(response.headers['transfer-encoding']).toBeUndefined();
    expect(response.headers.connection).not.toBe('x');
  });

  it.each([
    ['a header that is none', new BadRequest('no', { headers: { 'x-a': 'a\r\nx-b: b' } })],
    ['members that are no JSON', new BadRequest('no', { members: { price: 7n } })],
  ])('with %s is a 500 that is logged', async (_what, error) => {
    const { response, log } = await thrown(error);
    expect(response.statusCode).toBe(500);
    expect(log.faults[0]?.fields.err).toBe(error);
  });

  it('is logged when it is the fault of the program, 503 as a warning', async () => {
    const error = new InternalServerError('Sorry.', { cause: new Error('secret') });
    const failed = await thrown(error);
    expect(failed.body).toEqual({
      title: 'Internal Server Error',
      status: 500,
      detail: 'Sorry.',
      requestId: expect.any(String) as string,
    });
    expect(failed.log.faults).toMatchObject([{ level: 'error', fields: { err: error } }]);
    const unavailable = await thrown(new ServiceUnavailable());
    expect(unavailable.log.faults).toMatchObject([{ level: 'warn' }]);
  });

  it('has the name of its class, and only a status of errors', () => {
    expect(String(new Unauthorized('Who are you?'))).toBe('Unauthorized: Who are you?');
    expect(new Unauthorized()).toBeInstanceOf(HttpError);
    expect(() => new HttpError(200)).toThrow(RangeError);
    expect(() => new HttpError(404.5)).toThrow('404.5 is not the status of an error');
    expect(new HttpError(500)).not.toHaveProperty('cause');
  });

  it('can be a subclass of the user', async () => {
    class OutOfBuns extends HttpError {
      constructor() {
        super(409, 'We are out of buns.', { members: { retryInMinutes: 5 } });
      }
    }
    expect((await thrown(new OutOfBuns())).body).toEqual({
      title: 'Conflict',
      status: 409,
      detail: 'We are out of buns.',
      retryInMinutes: 5,
    });
  });
});

describe('everything else that is thrown', () => {
  it('is a 500 without any of it in the answer, logged with its stack', async () => {
    const error = new TypeError('password is hunter2');
    const { response, body, log } = await thrown(error);
    const requestId = expect.any(String) as string;
    expect(response.statusCode).toBe(500);
    expect(body).toEqual({
      title: 'Internal Server Error',
      status: 500,
      requestId,
    });
    expect(log.faults).toEqual([
      {
        level: 'error',
        message: 'request failed',
        fields: { err: error, method: 'GET', url: '/fail', path: 'Failing.fail', requestId },
      },
    ]);
    expect(error.stack).toContain('problem.test');
  });

  it.each([null, undefined, 'text', 7, Symbol('s'), { status: 418, message: 'tea' }])(
    'is a 500: %p',
    async (value) => {
      const { response, log } = await thrown(value);
      expect(response.statusCode).toBe(500);
      expect(log.faults).toHaveLength(1);
      const isLost = value === undefined || typeof value === 'symbol';
      expect(log.faults[0]?.fields.err).toBe(isLost ? `${String(value)} was thrown` : value);
    },
  );

  it('is logged with the path to the provider that threw it', async () => {
    const Price = token<number>('Price');
    class Prices {
      @Provides(Price, { scope: 'request' }) async price(): Promise<number> {
        throw new Error('no price');
      }
    }
    @Controller()
    class Menu {
      @Get('/menu') async menu(@Inject(Price) price: number) {
        return price;
      }
    }
    const { app, log } = await makeApp({ controllers: [Menu], providers: [Prices] });
    expect((await app.inject('/menu')).statusCode).toBe(500);
    expect(log.faults[0]?.fields.path).toBe('Menu.menu -> Prices.price');
  });

  it('is a 503 with Retry-After when the queue of the threads is full', async () => {
    const { response, log } = await thrown(new QueueFullError('Kitchen.grind', 3));
    expect(response.statusCode).toBe(503);
    expect(response.headers['retry-after']).toBe('1');
    expect(response.json()).toEqual({
      title: 'Service Unavailable',
      status: 503,
      detail: 'The server has more work than it can take now.',
      requestId: expect.any(String) as string,
    });
    expect(log.faults).toMatchObject([{ level: 'warn', message: 'request refused' }]);
  });
});

describe('without a route', () => {
  @Controller('/burgers')
  class Orders {
    @Get() async list() {
      return [];
    }
    @Post() async add() {
      return {};
    }
  }

  it('there is a 404', async () => {
    const { app } = await makeApp({ controllers: [Orders] });
    const response = await app.inject('/fries');
    expect(response.statusCode).toBe(404);
    expect(response.headers['content-type']).toBe('application/problem+json');
    expect(response.json()).toEqual({ title: 'Not Found', status: 404 });
  });

  it('but with one for another method there is a 405 that names them', async () => {
    const { app } = await makeApp({ controllers: [Orders] });
    const response = await app.inject({ method: 'DELETE', url: '/burgers' });
    expect(response.statusCode).toBe(405);
    expect(response.headers.allow).toBe('GET, HEAD, POST, OPTIONS');
    expect(response.json()).toEqual({ title: 'Method Not Allowed', status: 405 });
  });

  it('an app without controllers answers 404', async () => {
    const { app } = await makeApp({ controllers: [] });
    expect((await app.inject('/')).statusCode).toBe(404);
  });
});
