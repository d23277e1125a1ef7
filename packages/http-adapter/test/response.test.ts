import { Controller, Delete, Get, Path, Post } from '../src/index.js';
import { closeAll, makeApp } from './support.js';

afterEach(closeAll);

class Burger {
  readonly price = 7n;
  constructor(readonly name: string) {}
  toJSON() {
    return { name: this.name, price: Number(this.price) };
  }
}

const cycle: { self?: unknown } = {};
cycle.self = cycle;

const unsendable: Readonly<Record<string, unknown>> = {
  bigint: 1n,
  nested: { price: 7n },
  cycle,
  function: () => 1,
  symbol: Symbol('s'),
  map: new Map([[1, 2]]),
  set: new Set([1]),
  floats: new Float64Array(2),
  generator: [1][Symbol.iterator](),
  throwing: {
    toJSON() {
      throw new RangeError('no');
    },
  },
};

@Controller()
class Values {
  @Get('/object') async object() {
    return { a: [1, null, 'é'], b: undefined };
  }
  @Get('/null') async null() {
    return null;
  }
  @Get('/zero') async zero() {
    return 0;
  }
  @Get('/false') async false() {
    return false;
  }
  @Get('/date') async date() {
    return new Date(0);
  }
  @Get('/instance') async instance() {
    return new Burger('cheese');
  }
  @Get('/text') async text() {
    return 'café';
  }
  @Get('/empty-text') async emptyText() {
    return '';
  }
  @Get('/bytes') async bytes() {
    return Buffer.from([0, 255, 10]);
  }
  @Get('/view') async view() {
    return new Uint8Array([0, 1, 2, 3]).subarray(1, 3);
  }
  @Get('/void') async nothing() {}
  @Post('/posted') async posted() {
    return { id: 1 };
  }
  @Post('/created', { status: 201 }) async created() {
    return { id: 1 };
  }
  @Get('/empty', { status: 200 }) async empty() {}
  @Delete('/gone', { status: 204 }) async gone() {
    return { dropped: true };
  }
  @Get('/teapot', { status: 418 }) async teapot() {
    return 'short and stout';
  }
  @Get('/unsendable/:what') async unsendable(@Path('what') what: string) {
    return unsendable[what];
  }
}

async function ask(url: string, method: 'GET' | 'POST' | 'DELETE' | 'HEAD' = 'GET') {
  const { app, log } = await makeApp({ controllers: [Values] });
  const { statusCode, headers, rawPayload } = await app.inject({ method, url });
  const { 'content-type': type, 'content-length': length } = headers;
  return { status: statusCode, type, length, payload: rawPayload.toString('latin1'), log };
}

describe('what a handler returns is sent', () => {
  const json = 'application/json';
  it.each<[string, number, string | undefined, string, string]>([
    ['/object', 200, json, '{"a":[1,null,"Ã©"]}', '19'],
    ['/null', 200, json, 'null', '4'],
    ['/zero', 200, json, '0', '1'],
    ['/false', 200, json, 'false', '5'],
    ['/date', 200, json, '"1970-01-01T00:00:00.000Z"', '26'],
    ['/instance', 200, json, '{"name":"cheese","price":7}', '27'],
    ['/text', 200, 'text/plain; charset=utf-8', 'cafÃ©', '5'],
    ['/empty-text', 200, 'text/plain; charset=utf-8', '', '0'],
    ['/bytes', 200, 'application/octet-stream', '\u0000\u00ff\n', '3'],
    ['/view', 200, 'application/octet-stream', '\u0001\u0002', '2'],
    ['/empty', 200, undefined, '', '0'],
    ['/teapot', 418, 'text/plain; charset=utf-8', 'short and stout', '15'],
  ])('%s', async (url, status, type, payload, length) => {
    expect(await ask(url)).toMatchObject({ status, type, payload, length });
  });

  it('with 204 and no body when it is nothing', async () => {
    const answer = await ask('/void');
    expect(answer).toMatchObject({ status: 204, payload: '' });
    expect(answer.type).toBeUndefined();
    expect(answer.length).toBeUndefined();
  });

  it('with the status of the route, 200 by default for POST too', async () => {
    expect(await ask('/posted', 'POST')).toMatchObject({ status: 200, payload: '{"id":1}' });
    expect(await ask('/created', 'POST')).toMatchObject({ status: 201, payload: '{"id":1}' });
  });

  it('without its body when the status has none', async () => {
    expect(await ask('/gone', 'DELETE')).toMatchObject({ status: 204, payload: '' });
  });

  it('as its headers only, for HEAD', async () => {
    expect(await ask('/object', 'HEAD')).toMatchObject({ status: 200, length: '19', payload: '' });
  });
});

it.each(Object.keys(unsendable))('a %s cannot be sent: 500, and the log says why', async (what) => {
  const { status, payload, log } = await ask(`/unsendable/${what}`);
  expect(status).toBe(500);
  expect(JSON.parse(payload)).toEqual({
    title: 'Internal Server Error',
    status: 500,
    requestId: expect.any(String) as string,
  });
  expect(log.faults).toHaveLength(1);
  expect(log.faults[0]?.fields.err).toMatchObject({
    code: 'TURNO_RESPONSE',
    message: expect.stringContaining('What "Values.unsendable" returned cannot be sent') as string,
  });
});
