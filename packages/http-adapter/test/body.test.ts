import {
  Body,
  Controller,
  createApp,
  createParameter,
  Form,
  Get,
  Post,
  type RouteOptions,
} from '../src/index.js';
import { closeAll, makeApp } from './support.js';

afterEach(closeAll);

@Controller()
class Bodies {
  @Post('/any') async any(@Body() body: unknown) {
    return { body };
  }
  @Post('/optional') async optional(@Body({ optional: true }) body?: object) {
    return { body: body ?? 'none' };
  }
  @Post('/array') async array(@Body() body: number[]) {
    return body.length;
  }
  @Post('/number') async number(@Body() body: number) {
    return body + 1;
  }
  @Post('/unread') async unread() {
    return 'unread';
  }
  @Get('/get') async get() {
    return 'get';
  }
}

async function post(url: string, payload: string | Buffer, headers: Record<string, string> = {}) {
  const { app, log } = await makeApp({ controllers: [Bodies], bodyLimit: 64 });
  const response = await app.inject({
    method: 'POST',
    url,
    payload,
    headers: { 'content-type': 'application/json', ...headers },
  });
  expect(log.faults).toEqual([]);
  return response;
}

describe('a JSON body', () => {
  it.each(['{"a":[1,null,"é"]}', '[]', '"text"', '0', 'false', 'null', ' {} ', '\uFEFF{}'])(
    '%s is parsed',
    async (json) => {
      const response = await post('/any', json);
      expect(response.json()).toEqual({ body: JSON.parse(json.replace('\uFEFF', '')) });
    },
  );

  it.each([
    'application/json; charset=utf-8',
    'application/json;charset="UTF-8"',
    'APPLICATION/JSON',
    'application/merge-patch+json',
  ])('is recognised as %s', async (type) => {
    expect((await post('/any', '{}', { 'content-type': type })).statusCode).toBe(200);
  });

  it.each(['{', '{"a":1,}', "{'a':1}", 'NaN', '{} {}', ' ', '[1', '\u0000'])(
    'is a 400 when it is malformed: %j',
    async (json) => {
      const response = await post('/any', json);
      expect(response.statusCode).toBe(400);
      expect(response.json()).toEqual({
        title: 'Bad Request',
        status: 400,
        detail: 'The body is not valid JSON.',
      });
    },
  );

  it('is a 400 when it is no UTF-8', async () => {
    const response = await post('/any', Buffer.from([0x22, 0xff, 0x22]));
    expect(response.json()).toMatchObject({ status: 400, detail: 'The body is not valid UTF-8.' });
  });

  it.each([
    '{"__proto__":{"admin":true}}',
    '{"a":{"\\u005f_proto__":{}}}',
    '{"constructor":{"prototype":{"admin":true}}}',
  ])('is a 400 when a key reaches for a prototype: %s', async (json) => {
    expect((await post('/any', json)).statusCode).toBe(400);
    expect(({} as { admin?: unknown }).admin).toBeUndefined();
  });

  it('may have a key that is only called constructor', async () => {
    expect((await post('/any', '{"constructor":"ACME"}')).json()).toEqual({
      body: { constructor: 'ACME' },
    });
  });

  it('is checked against the outermost declared type', async () => {
    expect((await post('/array', '[1,2]')).json()).toBe(2);
    expect((await post('/array', '{"length":2}')).json()).toMatchObject({
      status: 422,
      errors: [{ location: 'body', path: '', message: 'must be an array' }],
    });
    expect((await post('/number', '1')).json()).toBe(2);
    expect((await post('/number', '"1"')).json()).toMatchObject({
      errors: [{ location: 'body', path: '', message: 'must be a number' }],
    });
  });

  it('is required unless it is optional', async () => {
    expect((await post('/any', '')).json()).toMatchObject({
      status: 422,
      errors: [{ location: 'body', path: '', message: 'is required' }],
    });
    expect((await post('/optional', '')).json()).toEqual({ body: 'none' });
    expect((await post('/optional', '{"a":1}')).json()).toEqual({ body: { a: 1 } });
  });
});

describe('another body', () => {
  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/jsonp',
    'text/json',
    '',
  ])('is a 415 where JSON is wanted: %j', async (type) => {
    const response = await post('/any', '{}', { 'content-type': type });
    expect(response.statusCode).toBe(415);
    expect(response.headers['content-type']).toBe('application/problem+json');
  });

  it('is a 415 in another charset, or compressed', async () => {
    const latin = { 'content-type': 'application/json; charset=iso-8859-1' };
    expect((await post('/any', '{}', latin)).statusCode).toBe(415);
    const zipped = await post('/any', '{}', { 'content-encoding': 'gzip' });
    expect(zipped.statusCode).toBe(415);
    expect(zipped.headers['accept-encoding']).toBe('identity');
  });

  it('does not matter where none is wanted', async () => {
    expect((await post('/unread', '<a/>', { 'content-type': 'text/xml' })).payload).toBe('unread');
    expect((await post('/unread', '{')).payload).toBe('unread');
  });
});

it('a body that breaks off is a 400, if there is still somebody to answer', async () => {
  const { app, log } = await makeApp({ controllers: [Bodies] });
  const response = await app.inject({
    method: 'POST',
    url: '/any',
    payload: { a: 1 },
    simulate: { close: true, end: false, error: false, split: false },
  });
  expect(response.json()).toMatchObject({ status: 400, detail: 'The body is incomplete.' });
  expect(log.faults).toEqual([]);
});

it('a body over the limit is a 413, one at the limit is not', async () => {
  const atLimit = JSON.stringify('x'.repeat(62));
  expect((await post('/any', atLimit)).statusCode).toBe(200);
  const response = await post('/any', `${atLimit} `);
  expect(response.statusCode).toBe(413);
  expect(response.headers.connection).toBe('close');
  expect(response.json()).toEqual({
    title: 'Payload Too Large',
    status: 413,
    detail: 'The body may have at most 64 bytes.',
  });
});

describe('a JSON body that is nested', () => {
  const post = async (body: string) => {
    const { app } = await makeApp({ controllers: [Bodies] });
    const headers = { 'content-type': 'application/json' };
    return (await app.inject({ method: 'POST', url: '/array', payload: body, headers })).statusCode;
  };
  const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);

  it('is read up to 500 levels, and refused beyond', async () => {
    expect(await post(nested(500))).toBe(200);
    expect(await post(nested(501))).toBe(400);
    expect(await post(`[${'{"a":'.repeat(500)}1${'}'.repeat(500)}]`)).toBe(400);
  });

  it('may hold any number of brackets beside each other, and in strings', async () => {
    expect(await post(`[${Array(600).fill('[{}]').join()}]`)).toBe(200);
    expect(await post(`[${JSON.stringify('["\\[{'.repeat(600))}]`)).toBe(200);
  });
});

describe('a route may have limits of its own', () => {
  @Controller()
  class Uploads {
    @Post('/short', { bodyLimit: 10 }) async short(@Body() body: unknown) {
      return body;
    }
    @Post('/long', { bodyLimit: 1000 }) async long(@Body() body: unknown) {
      return body;
    }
    @Post('/plain') async plain(@Body() body: unknown) {
      return body;
    }
    @Post('/form', { forms: { fieldSize: 100 } }) async form(@Form('a') a: string) {
      return a;
    }
    @Post('/plain-form') async plainForm(@Form('a') a: string) {
      return a;
    }
  }

  it('beside those of the app', async () => {
    const forms = { fieldSize: 5, size: 60 };
    const { app } = await makeApp({ controllers: [Uploads], bodyLimit: 64, forms });
    const statusOf = async (url: string, payload: string, type: string) => {
      const headers = { 'content-type': type };
      return (await app.inject({ method: 'POST', url, payload, headers })).statusCode;
    };
    const json = (url: string, size: number) =>
      statusOf(url, `"${'x'.repeat(size - 2)}"`, 'application/json');
    expect([await json('/short', 10), await json('/short', 11)]).toEqual([200, 413]);
    expect([await json('/plain', 64), await json('/plain', 65)]).toEqual([200, 413]);
    expect([await json('/long', 1000), await json('/long', 1001)]).toEqual([200, 413]);
    const form = (url: string, size: number) =>
      statusOf(url, `a=${'x'.repeat(size)}`, 'application/x-www-form-urlencoded');
    expect([await form('/plain-form', 5), await form('/plain-form', 6)]).toEqual([200, 413]);
    // That of the app for a whole form is still there.
    expect([await form('/form', 50), await form('/form', 59)]).toEqual([200, 413]);
  });

  it('which are whole numbers of bytes', () => {
    const decorate = (options: RouteOptions) => () => {
      class Bad {
        async add() {
          return 'burger';
        }
      }
      Post('/', options)(Bad.prototype, 'add', {});
    };
    expect(decorate({ bodyLimit: -1 })).toThrow('@Post on Bad.add has the `bodyLimit` -1.');
    expect(decorate({ forms: { files: 0.5 } })).toThrow('`forms` of @Post on Bad.add has 0.5');
    expect(decorate({ forms: { parts: 1 } as never })).toThrow('has no limit "parts"');
  });
});

describe('a body as it came', () => {
  const Signature = createParameter(({ bytes }) => bytes?.length ?? 0, { reads: 'bytes' });
  const inline = { executor: 'inline' } as const;
  @Controller()
  class Raw {
    @Post('/text') async text(@Body({ as: 'text' }) text: string) {
      return { text };
    }
    @Post('/bytes') async bytes(@Body({ as: 'bytes' }) bytes: Buffer, @Signature() size: number) {
      return { hex: bytes.toString('hex'), size };
    }
    @Post('/thread/text') threadText(@Body({ as: 'text' }) text: string) {
      return { text };
    }
    @Post('/thread/bytes') threadBytes(@Body({ as: 'bytes' }) bytes: Uint8Array) {
      return { sum: bytes.reduce((sum, byte) => sum + byte, 0) };
    }
    @Post('/optional') async optional(@Body({ as: 'text', optional: true }) text?: string) {
      return { text: text ?? 'none' };
    }
    @Post('/both') async both(@Body() json: unknown, @Body({ as: 'text' }) text: string) {
      return { json, text };
    }
    @Post('/size') async size(@Signature() size: number) {
      return { size };
    }
  }
  async function send(url: string, payload: string | Buffer, type = 'text/csv') {
    const { app } = await makeApp({ controllers: [Raw], bodyLimit: 64, threads: inline });
    const headers = type === '' ? {} : { 'content-type': type };
    const response = await app.inject({ method: 'POST', url, payload, headers });
    return { status: response.statusCode, json: response.json<Record<string, unknown>>() };
  }

  it.each(['/text', '/thread/text'])('may be a text of whatever media type: %s', async (url) => {
    for (const type of ['text/csv', 'application/json', 'application/x-www-form-urlencoded', '']) {
      expect((await send(url, '{"ä":1}', type)).json).toEqual({ text: '{"ä":1}' });
    }
    expect((await send(url, Buffer.from([0xff]))).status).toBe(400);
    expect((await send(url, 'x'.repeat(65))).status).toBe(413);
    expect((await send(url, '')).json.errors).toEqual([
      { location: 'body', path: '', message: 'is required' },
    ]);
  });

  it('may be bytes', async () => {
    const bytes = Buffer.from([0xff, 0, 1]);
    expect((await send('/bytes', bytes)).json).toEqual({ hex: 'ff0001', size: 3 });
    expect((await send('/thread/bytes', bytes)).json).toEqual({ sum: 256 });
    expect((await send('/size', bytes)).json).toEqual({ size: 3 });
  });

  it('may be missing, and may be wanted as JSON, too', async () => {
    expect((await send('/optional', '')).json).toEqual({ text: 'none' });
    expect((await send('/both', '{"a": 1}', 'application/json')).json).toEqual({
      json: { a: 1 },
      text: '{"a": 1}',
    });
    expect((await send('/both', '{"a": 1}')).status).toBe(415);
  });

  it('is what the parameter says', async () => {
    @Controller()
    class Wrong {
      @Post('/a') async a(
        // @ts-expect-error -- the compiler sees it, too
        @Body({ as: 'bytes' }) text: string,
      ) {
        return text;
      }
      @Post('/b') async b(
        // @ts-expect-error -- likewise
        @Body({ as: 'text' }) bytes: Buffer,
      ) {
        return bytes;
      }
      @Post('/c') async c(@Body({ as: 'text' }) text: string, @Form('a') a: string) {
        return text + a;
      }
      @Post('/d') async d(
        // @ts-expect-error -- it may be missing
        @Body({ as: 'text', optional: true }) text: string,
      ) {
        return text;
      }
    }
    const failed = createApp({ controllers: [Wrong], logger: false });
    await expect(failed).rejects.toThrow(
      "body as bytes (parameter 1 of Wrong.a) cannot be read: it is declared as String, but @Body({ as: 'bytes' }) makes a Buffer of it; declare it as that.",
    );
    await expect(failed).rejects.toThrow(`but @Body({ as: 'text' }) makes a string of it`);
    @Controller()
    class Both {
      @Post('/c') async c(@Body({ as: 'text' }) text: string, @Form('a') a: string) {
        return text + a;
      }
    }
    await expect(createApp({ controllers: [Both], logger: false })).rejects.toThrow(
      'POST /c of Both.c reads its body as it came and as a form.',
    );
    expect(() => Body({ as: 'xml' as never })).toThrow('@Body was given "xml" for `as`.');
  });
});
