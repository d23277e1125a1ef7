import { IncomingMessage } from 'node:http';
import { Injectable, Provides } from '@turno/core';
import { z } from 'zod';
import {
  Controller,
  createApp,
  Get,
  Header,
  Path,
  Post,
  Query,
  Body,
  type StandardSchema,
} from '../src/index.js';
import { closeAll, makeApp } from './support.js';

afterEach(closeAll);

@Controller()
class Echo {
  @Get('/types')
  async types(
    @Query('text') text: string,
    @Query('number') number: number,
    @Query('flag') flag: boolean,
    @Query('big') big: bigint,
  ) {
    return { text, number, flag, big: `${typeof big} ${big}` };
  }
  @Get('/items/:id')
  async item(@Path('id') id: number) {
    return { id };
  }
  @Get('/files/*')
  async file(@Path('*') path: string) {
    return { path };
  }
  @Get('/pages/:page?')
  async page(@Path('page', { default: 1 }) page: number) {
    return { page };
  }
  @Get('/optional')
  async optional(
    @Query('page', { default: 1 }) page: number,
    @Query('name', { optional: true }) name?: string,
  ) {
    return { page, name: name ?? null };
  }
  @Get('/union')
  async union(@Query('id', { type: Number }) id: number | string) {
    return { id };
  }
  @Get('/header')
  async header(
    @Header('X-Count') count: number,
    @Header('x-name', { optional: true }) name?: string,
  ) {
    return { count, name: name ?? null };
  }
  @Get('/inert')
  async inert(
    @Query('__proto__') proto: string,
    @Query('constructor', { optional: true }) constructor?: string,
    @Header('constructor', { optional: true }) header?: string,
  ) {
    return { proto, constructor: constructor ?? null, header: header ?? null };
  }
  @Get('/params/:__proto__')
  async protoParam(@Path('__proto__') value: string) {
    return { value };
  }
}

async function ask(url: string, headers: Record<string, string> = {}) {
  const { app } = await makeApp({ controllers: [Echo] });
  const { statusCode, payload } = await app.inject({ url, headers });
  return { status: statusCode, ...(JSON.parse(payload) as object) };
}

const fault = (location: string, path: string, message: string) => ({ location, path, message });
const refused = (...errors: object[]) => ({
  title: 'Unprocessable Entity',
  status: 422,
  detail: 'The request has invalid parameters.',
  errors,
});

describe('a parameter is converted to its declared type', () => {
  it('in the query', async () => {
    expect(await ask('/types?text=+a%26b&number=-2.5&flag=true&big=9007199254740993')).toEqual({
      status: 200,
      text: ' a&b',
      number: -2.5,
      flag: true,
      big: 'bigint 9007199254740993',
    });
  });

  it('in the path', async () => {
    expect(await ask('/items/7')).toEqual({ status: 200, id: 7 });
    expect(await ask('/items/seven')).toEqual(refused(fault('path', 'id', 'must be a number')));
    expect(await ask('/files/a/b%20c.txt')).toEqual({ status: 200, path: 'a/b c.txt' });
    expect(await ask('/pages')).toEqual({ status: 200, page: 1 });
    expect(await ask('/pages/3')).toEqual({ status: 200, page: 3 });
  });

  it('in a header, whatever the case of its name', async () => {
    expect(await ask('/header', { 'x-COUNT': '3', 'X-Name': 'n' })).toEqual({
      status: 200,
      count: 3,
      name: 'n',
    });
    expect(await ask('/header')).toEqual(refused(fault('header', 'X-Count', 'is required')));
  });

  it('or to the type that its options name', async () => {
    expect(await ask('/union?id=7')).toEqual({ status: 200, id: 7 });
    expect(await ask('/union?id=x')).toEqual(refused(fault('query', 'id', 'must be a number')));
  });
});

describe('a missing parameter', () => {
  it('is a fault unless it is optional or has a default', async () => {
    expect(await ask('/optional')).toEqual({ status: 200, page: 1, name: null });
    expect(await ask('/optional?page=2&name=')).toEqual({ status: 200, page: 2, name: '' });
  });

  it('is not the same as an empty one', async () => {
    expect(await ask('/optional?page=')).toEqual(
      refused(fault('query', 'page', 'must be a number')),
    );
  });
});

it('all faults of a request come together, each once', async () => {
  expect(await ask('/types?number=x&flag=&number=y')).toEqual(
    refused(
      fault('query', 'text', 'is required'),
      fault('query', 'number', 'is given more than once'),
      fault('query', 'flag', 'must be true or false'),
      fault('query', 'big', 'is required'),
    ),
  );
});

it('a query that is not validly encoded is a 400 as soon as somebody reads it', async () => {
  const { app } = await makeApp({ controllers: [Echo] });
  const response = await app.inject('/optional?page=1&x=%FF');
  expect(response.statusCode).toBe(400);
  expect(response.json()).toMatchObject({ detail: expect.stringContaining('query') as string });
  expect((await app.inject('/items/7?x=%FF')).statusCode).toBe(200);
});

it('names that objects have anyway mean nothing', async () => {
  expect(await ask('/inert?__proto__=a')).toEqual({
    status: 200,
    proto: 'a',
    constructor: null,
    header: null,
  });
  expect(await ask('/inert')).toEqual(refused(fault('query', '__proto__', 'is required')));
  expect(await ask('/params/x')).toEqual({ status: 200, value: 'x' });
});

describe('providers', () => {
  it('take the same parameters, methods and constructors alike', async () => {
    class Page {
      constructor(readonly size: number) {}
    }
    @Injectable({ scope: 'request' })
    class Language {
      constructor(@Header('accept-language') readonly code: string) {}
    }
    class Paging {
      @Provides(Page, { scope: 'request' }) async page(@Query('size') size: number) {
        return new Page(size);
      }
    }
    @Controller()
    class List {
      @Get('/list') async list(page: Page, language: Language, @Query('size') size: number) {
        return { size: page.size, same: size, language: language.code };
      }
    }
    const { app } = await makeApp({ controllers: [List], providers: [Paging] });
    const headers = { 'accept-language': 'eo' };
    expect((await app.inject({ url: '/list?size=3', headers })).json()).toEqual({
      size: 3,
      same: 3,
      language: 'eo',
    });
    expect((await app.inject('/list?size=x')).json()).toMatchObject({
      errors: [
        fault('query', 'size', 'must be a number'),
        fault('header', 'accept-language', 'is required'),
      ],
    });
  });

  it('do not run when a parameter is wrong', async () => {
    const made: string[] = [];
    class Expensive {
      @Provides(Date, { scope: 'request' }) async date() {
        made.push('date');
        return new Date(0);
      }
    }
    @Controller()
    class Dates {
      @Get('/date') async date(date: Date, @Query('n') n: number) {
        return [date, n];
      }
    }
    const { app } = await makeApp({ controllers: [Dates], providers: [Expensive] });
    expect((await app.inject('/date?n=x')).statusCode).toBe(422);
    expect(made).toEqual([]);
    expect((await app.inject('/date?n=1')).json()).toEqual(['1970-01-01T00:00:00.000Z', 1]);
    expect(made).toEqual(['date']);
  });

  it('and handlers can take the request itself', async () => {
    @Controller()
    class Raw {
      @Get('/raw') async raw(request: IncomingMessage) {
        return { url: request.url };
      }
    }
    const { app } = await makeApp({ controllers: [Raw] });
    expect((await app.inject('/raw?a=1')).json()).toEqual({ url: '/raw?a=1' });
  });
});

describe('a Standard Schema', () => {
  const size = z.coerce.number().int().min(1).max(20).default(1);
  const order = z.object({
    burgers: z.number().int().min(1),
    notes: z.array(z.object({ text: z.string() })).optional(),
  });

  @Controller()
  class Orders {
    @Get('/sizes/:id')
    async size(
      @Query('burgers', size) burgers: number,
      @Path('id', z.uuid()) id: string,
      @Header(
        'x-tags',
        z
          .string()
          .transform((text) => text.split(','))
          .optional(),
      )
      tags?: string[],
    ) {
      return { burgers, id, tags: tags ?? null };
    }
    @Post('/orders')
    async order(@Body(order) body: z.infer<typeof order>) {
      return body;
    }
  }
  const id = '5e8a8f2e-0d5c-4a39-9d5c-3b0a0f7f5a10';

  it('gets the text as it is, and its output is the parameter', async () => {
    const { app } = await makeApp({ controllers: [Orders] });
    const headers = { 'x-tags': 'a,b' };
    expect((await app.inject({ url: `/sizes/${id}?burgers=20`, headers })).json()).toEqual({
      burgers: 20,
      id,
      tags: ['a', 'b'],
    });
  });

  it('says what a missing parameter means', async () => {
    const { app } = await makeApp({ controllers: [Orders] });
    expect((await app.inject(`/sizes/${id}`)).json()).toEqual({ burgers: 1, id, tags: null });
  });

  it.each(['0', '21', '1.5', 'abc', 'NaN', '1&burgers=2'])(
    'refuses burgers=%s with a fault that names it',
    async (text) => {
      const { app } = await makeApp({ controllers: [Orders] });
      const response = await app.inject(`/sizes/${id}?burgers=${text}`);
      expect(response.statusCode).toBe(422);
      expect(response.json()).toMatchObject({
        errors: [fault('query', 'burgers', expect.any(String) as string)],
      });
    },
  );

  it('reports all its issues, with the path inside', async () => {
    const { app } = await makeApp({ controllers: [Orders] });
    const payload = { burgers: 0, notes: [{ text: 'a' }, { text: 1 }] };
    const response = await app.inject({ method: 'POST', url: '/orders', payload });
    expect(response.statusCode).toBe(422);
    const errors = response.json<{ errors: { location: string; path: string }[] }>().errors;
    expect(errors.map(({ location, path }) => [location, path])).toEqual([
      ['body', 'burgers'],
      ['body', 'notes.1.text'],
    ]);
  });

  it('sees that there is no body', async () => {
    const { app } = await makeApp({ controllers: [Orders] });
    const response = await app.inject({ method: 'POST', url: '/orders' });
    expect(response.json()).toMatchObject({
      status: 422,
      errors: [{ location: 'body', path: '' }],
    });
  });

  it('can be a function, and name keys by objects', async () => {
    const schema = Object.assign(() => undefined, {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: () => ({ issues: [{ message: 'is bad', path: [{ key: 'a' }, 0] }] }),
      },
    } as const) as unknown as StandardSchema;
    @Controller()
    class Functions {
      @Get('/f') async f(@Query('q', schema) q: unknown) {
        return q;
      }
    }
    const { app } = await makeApp({ controllers: [Functions] });
    expect((await app.inject('/f')).json()).toMatchObject({
      errors: [fault('query', 'q.a.0', 'is bad')],
    });
  });

  it('that is asynchronous, or fails itself, is a 500 that the log explains', async () => {
    const failing: StandardSchema = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate() {
          throw new TypeError('schema is broken');
        },
      },
    };
    @Controller()
    class Broken {
      @Get('/async') async asynchronous(
        @Query('q', z.string().refine(async () => Promise.resolve(false))) q: string,
      ) {
        return q;
      }
      @Get('/failing') async failing(@Query('q', failing) q: string, @Query('n') n: number) {
        return [q, n];
      }
    }
    const { app, log } = await makeApp({ controllers: [Broken] });
    expect((await app.inject('/async?q=1')).statusCode).toBe(500);
    expect((await app.inject('/failing?q=1&n=x')).statusCode).toBe(500);
    expect(log.faults.map(({ fields }) => String(fields.err))).toEqual([
      expect.stringContaining('The zod schema of query "q" answered with a promise'),
      'TypeError: schema is broken',
    ]);
  });
});

describe('without type metadata', () => {
  /** A handler with one parameter, as a compiler that leaves no metadata makes it. */
  function controllerWith(parameter: (...at: [object, string, number]) => void, method = Get) {
    class Search {
      async find(given: unknown) {
        return { type: typeof given, given };
      }
    }
    parameter(Search.prototype, 'find', 0);
    method('/find')(Search.prototype, 'find', { value: Search.prototype.find });
    Controller()(Search);
    return Search;
  }
  const problemOf = async (parameter: (...at: [object, string, number]) => void) => {
    const controllers = [controllerWith(parameter)];
    const error: unknown = await createApp({ controllers, logger: false }).catch((e: unknown) => e);
    return (error as Error).message;
  };
  async function answer(parameter: (...at: [object, string, number]) => void, url: string) {
    const { app } = await makeApp({ controllers: [controllerWith(parameter)] });
    return (await app.inject(url)).json<object>();
  }
  async function posted(parameter: (...at: [object, string, number]) => void, payload: string) {
    const { app } = await makeApp({ controllers: [controllerWith(parameter, Post)] });
    const headers = { 'content-type': 'application/json' };
    return (await app.inject({ method: 'POST', url: '/find', payload, headers })).json<object>();
  }

  it.each([
    ['path "id"', '@Path("id", { type: Number })', Path('id')],
    ['query "n"', '@Query("n", { type: Number })', Query('n')],
    ['query "n"', '@Query("n", { type: Number })', Query('n', { optional: true })],
    ['header "x-n"', '@Header("x-n", { type: Number })', Header('x-n')],
    ['body', '@Body({ type: Array })', Body()],
    ['body', '@Body({ type: Array })', Body({ optional: true })],
  ])('the start asks for the type of %s: %s', async (name, remedy, parameter) => {
    const message = await problemOf(parameter);
    expect(message).toContain(
      `${name} (parameter 1 of Search.find) cannot be read: the compiler left no type metadata for it`,
    );
    expect(message).toContain(remedy);
  });

  it('it is said once that no class has any, and nobody is told to decorate a controller', async () => {
    class Search {
      constructor(readonly log: object) {}
      async find(limit: number) {
        return limit;
      }
    }
    Query('limit')(Search.prototype, 'find', 0);
    Get('/find')(Search.prototype, 'find', { value: Search.prototype.find });
    Controller()(Search);
    const start = createApp({ controllers: [Search], logger: false });
    const { message } = (await start.catch((e: unknown) => e)) as Error;
    expect(message).toMatch(
      /^There are 2 problems in the graph of providers:\n {2}No class has type metadata: is `emitDecoratorMetadata` off/,
    );
    expect(message).toContain('The constructor of Search takes 1 parameter');
    expect(message).not.toContain('@Injectable');
  });

  it('a parameter has the type that its options name', async () => {
    expect(await answer(Query('n', { type: Number }), '/find?n=12')).toEqual({
      type: 'number',
      given: 12,
    });
    const list = Query('n', { type: [Number] });
    expect(await answer(list, '/find?n=1&n=2')).toEqual({ type: 'object', given: [1, 2] });
  });

  it('a parameter has the type of its default', async () => {
    const page = Query('n', { default: 1 });
    expect(await answer(page, '/find?n=12')).toEqual({ type: 'number', given: 12 });
    expect(await answer(page, '/find')).toEqual({ type: 'number', given: 1 });
    expect(await answer(page, '/find?n=x')).toEqual(
      refused(fault('query', 'n', 'must be a number')),
    );
    const flag = Query('n', { default: false });
    expect(await answer(flag, '/find?n=1')).toEqual({ type: 'boolean', given: true });
  });

  it.each([
    [Array, '[1]', '{"0":1}', 'must be an array'],
    [Object, '{"a":1}', '[1]', 'must be an object'],
    [Object, '{}', 'null', 'must be an object'],
    [Number, '12', '"12"', 'must be a number'],
  ])('a body is checked against %p where its options name it', async (type, right, wrong, why) => {
    expect(await posted(Body({ type }), right)).toMatchObject({
      given: JSON.parse(right) as unknown,
    });
    expect(await posted(Body({ type }), wrong)).toEqual(refused(fault('body', '', why)));
  });

  it('a body cannot have another type', async () => {
    expect(await problemOf(Body({ type: Date as never }))).toContain(
      'JSON is no Date; write @Body({ type: Object })',
    );
  });
});
