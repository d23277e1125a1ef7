import { Inject, Provides, token } from '@turno/core';
import { z } from 'zod';
import {
  Body,
  Controller,
  Cookie,
  createApp,
  createParameter,
  File,
  Form,
  Get,
  Header,
  ParameterFault,
  Path,
  Post,
  Query,
  Unauthorized,
  type AppOptions,
  type Infer,
  type StandardSchema,
  type UploadedFile,
} from '../src/index.js';
import { closeAll, makeApp, RawClient, serve } from './support.js';

afterEach(closeAll);

async function ask(
  controllers: AppOptions['controllers'],
  url: string,
  headers: Record<string, string> = {},
  providers: AppOptions['providers'] = [],
) {
  const { app } = await makeApp({ controllers, providers });
  const response = await app.inject({ url, headers });
  return { status: response.statusCode, json: response.json<Record<string, unknown>>() };
}

async function problemOf(controller: new () => object): Promise<string> {
  const error: unknown = await createApp({ controllers: [controller] }).catch((e: unknown) => e);
  return (error as Error).message;
}

describe('a query key that comes several times', () => {
  @Controller()
  class Search {
    @Get('/a') async a(@Query('tag', { type: [String] }) tags: string[]) {
      return { tags };
    }
    @Get('/b') async b(@Query('id', { type: [Number], default: [1, 2] }) ids: number[]) {
      return { ids };
    }
    @Get('/c') async c(@Query('tag', { optional: true }) tag?: string) {
      return { tag };
    }
    @Get('/d') async d(@Query('tag', { type: [String], optional: true }) tags?: string[]) {
      return { tags };
    }
  }

  it.each([
    ['/a?tag=x', { tags: ['x'] }],
    ['/a?tag=x&tag=&tag=y', { tags: ['x', '', 'y'] }],
    ['/b?id=3&id=4', { ids: [3, 4] }],
    ['/b', { ids: [1, 2] }],
    ['/d', {}],
  ])('is an array: %s', async (url, expected) => {
    expect(await ask([Search], url)).toEqual({ status: 200, json: expected });
  });

  it.each([
    ['/a', [{ path: 'tag', message: 'is required' }]],
    [
      '/b?id=1&id=x&id=3&id=y',
      [
        { path: 'id.1', message: 'must be a number' },
        { path: 'id.3', message: 'must be a number' },
      ],
    ],
    ['/c?tag=x&tag=y', [{ path: 'tag', message: 'is given more than once' }]],
  ])('is a fault: %s', async (url, errors) => {
    const { status, json } = await ask([Search], url);
    expect(status).toBe(422);
    expect(json.errors).toEqual(errors.map((error) => ({ location: 'query', ...error })));
  });

  it('may be a header, divided by commas outside of quotes', async () => {
    @Controller()
    class Tags {
      @Get('/tags') async tags(@Header('X-Tag', { type: [String] }) tags: string[]) {
        return tags;
      }
      @Get('/sizes') async sizes(
        @Header('x-size', { type: [Number], default: [7] }) all: number[],
      ) {
        return all;
      }
    }
    const tagsOf = async (tag: string) => (await ask([Tags], '/tags', { 'x-tag': tag })).json;
    expect(await tagsOf('a')).toEqual(['a']);
    expect(await tagsOf('a, b,, c ')).toEqual(['a', 'b', 'c']);
    expect(await tagsOf('W/"a,\\"b", "c')).toEqual(['W/"a,\\"b"', '"c']);
    expect(await tagsOf('a, "b, c')).toEqual(['a', '"b, c']);
    expect((await ask([Tags], '/tags')).json.errors).toMatchObject([{ message: 'is required' }]);
    expect((await ask([Tags], '/sizes')).json).toEqual([7]);
    expect((await ask([Tags], '/sizes', { 'x-size': '1,x' })).json.errors).toEqual([
      { location: 'header', path: 'x-size.1', message: 'must be a number' },
    ]);
    // Lines of one name are one list.
    const { port } = await serve({ controllers: [Tags] });
    const client = await RawClient.connect(port);
    client.send('GET /tags HTTP/1.1', 'Host: a', 'X-Tag: a', 'x-tag: b, c', '', '');
    await client.until(/\["a","b","c"\]/);
  });

  it('needs the type of its items, and a query, form or header', async () => {
    @Controller()
    class A {
      // @ts-expect-error -- the compiler sees it, too
      @Get('/a') async a(@Query('tag') tags: string[]) {
        return tags;
      }
    }
    @Controller()
    class B {
      @Get('/a') async a(@Cookie('x-tag', { type: [String] }) tags: string[]) {
        return tags;
      }
    }
    @Controller()
    class C {
      @Get('/a') async a(@Query('tag', { type: [Date as never] }) tags: string[]) {
        return tags;
      }
    }
    @Controller()
    class D {
      // @ts-expect-error -- the compiler sees it, too
      @Get('/a') async a(@Query('tag', { type: [Number], default: ['1'] }) tags: number[]) {
        return tags;
      }
    }
    expect(await problemOf(A)).toContain('name it: @Query("tag", { type: [Number] })');
    expect(await problemOf(B)).toContain('only a query, a form or a header has several values');
    expect(await problemOf(C)).toContain('a text is not converted to Date');
    expect(await problemOf(D)).toContain('its default is no array of values of type Number');
  });
});

describe('cookies', () => {
  @Controller()
  class Cookies {
    @Get('/one') async one(
      @Cookie('theme', { default: 'light' }) theme: string,
      @Cookie('visits', { optional: true }) visits?: number,
    ) {
      return { theme, visits };
    }
    @Get('/all') async all(@Cookie(z.object({ theme: z.enum(['dark', 'light']) })) all: object) {
      return all;
    }
  }

  it.each([
    [{}, { theme: 'light' }],
    [{ cookie: 'theme=dark; visits=2' }, { theme: 'dark', visits: 2 }],
    [{ cookie: ' visits="3";;x; theme=a%20b=%C3%A9; theme=second' }, { theme: 'a b=é', visits: 3 }],
    [{ cookie: 'theme=50%' }, { theme: '50%' }],
    [{ cookie: 'constructor=1; __proto__=2' }, { theme: 'light' }],
  ])('are read by name: %j', async (headers, expected) => {
    expect((await ask([Cookies], '/one', headers as Record<string, string>)).json).toEqual(
      expected,
    );
  });

  it('are never told in a fault', async () => {
    const { status, json } = await ask([Cookies], '/all', { cookie: 'theme=hidden' });
    expect(status).toBe(422);
    expect(json.errors).toEqual([{ location: 'cookie', path: 'theme', message: 'is not valid' }]);
  });
});

describe('all parameters of one kind', () => {
  const Page = z.object({
    page: z.coerce.number().int().default(1),
    tag: z.union([z.string().transform((tag) => [tag]), z.array(z.string())]).optional(),
  });
  const Ids = z.object({ shop: z.string(), order: z.coerce.number() });
  const Trace = z.object({ 'x-trace': z.string().length(4) });

  @Controller()
  class Whole {
    @Get('/query') async query(@Query(Page) page: Infer<typeof Page>) {
      return page;
    }
    @Get('/path/:shop/:order') async path(@Path(Ids) ids: Infer<typeof Ids>) {
      return ids;
    }
    @Get('/header') async header(@Header(Trace) trace: Infer<typeof Trace>) {
      return trace;
    }
    @Post('/form') async form(@Form(Page) page: Infer<typeof Page>) {
      return page;
    }
  }

  it('is what a schema makes of it', async () => {
    expect((await ask([Whole], '/query')).json).toEqual({ page: 1 });
    expect((await ask([Whole], '/query?page=2&tag=a')).json).toEqual({ page: 2, tag: ['a'] });
    expect((await ask([Whole], '/query?tag=a&tag=b')).json).toEqual({ page: 1, tag: ['a', 'b'] });
    expect((await ask([Whole], '/path/a/7')).json).toEqual({ shop: 'a', order: 7 });
    const headers = { 'x-trace': 'abcd' };
    expect((await ask([Whole], '/header', headers)).json).toEqual(headers);
    const { app } = await makeApp({ controllers: [Whole] });
    const response = await app.inject({
      method: 'POST',
      url: '/form',
      payload: 'page=3&tag=a&__proto__=1&__proto__=2',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    expect(response.json()).toEqual({ page: 3, tag: ['a'] });
  });

  describe('where the schema wants an array', () => {
    const Search = z.object({
      tag: z.array(z.string()),
      size: z.array(z.coerce.number()).optional(),
      name: z.string().min(2).optional(),
    });
    const Tags = z.object({ 'x-tag': z.array(z.string()) });
    @Controller()
    class Lists {
      @Get('/query') async query(@Query(Search) search: Infer<typeof Search>) {
        return search;
      }
      @Get('/header') async header(@Header(Tags) tags: Infer<typeof Tags>) {
        return tags;
      }
      @Post('/form') async form(@Form(Search) search: Infer<typeof Search>) {
        return search;
      }
      @Get('/cookie') async cookie(@Cookie(z.object({ tag: z.array(z.string()) })) all: unknown) {
        return all;
      }
    }

    it('one value is an array of one', async () => {
      expect((await ask([Lists], '/query?tag=a')).json).toEqual({ tag: ['a'] });
      expect((await ask([Lists], '/query?tag=a&tag=b&size=1&name=xy')).json).toEqual({
        tag: ['a', 'b'],
        size: [1],
        name: 'xy',
      });
      const headers = { 'x-tag': 'a' };
      expect((await ask([Lists], '/header', headers)).json).toEqual({ 'x-tag': ['a'] });
      const { app } = await makeApp({ controllers: [Lists] });
      const response = await app.inject({
        method: 'POST',
        url: '/form',
        payload: 'tag=a',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      });
      expect(response.json()).toEqual({ tag: ['a'] });
      // No cookie comes several times.
      expect((await ask([Lists], '/cookie', { cookie: 'tag=a' })).status).toBe(422);
    });

    it('what is wrong besides is told as it came', async () => {
      const faultsOf = async (url: string) => (await ask([Lists], url)).json.errors;
      expect(await faultsOf('/query?tag=a&name=x')).toMatchObject([
        { path: 'name', message: expect.stringContaining('>=2') as string },
      ]);
      expect(await faultsOf('/query?tag=a&size=x')).toMatchObject([{ path: 'size.0' }]);
      expect(await faultsOf('/query?tag=a&size=x&name=x')).toMatchObject([
        { path: 'size.0' },
        { path: 'name', message: expect.stringContaining('>=2') as string },
      ]);
      expect(await faultsOf('/query?tag=a&tag=b&name=x')).toMatchObject([{ path: 'name' }]);
      expect(await faultsOf('/query')).toMatchObject([{ path: 'tag' }]);
    });
  });

  it('has its faults under its location', async () => {
    const { status, json } = await ask([Whole], '/query?page=x');
    expect(status).toBe(422);
    expect(json.errors).toMatchObject([{ location: 'query', path: 'page' }]);
  });
});

describe('faults do not tell', () => {
  /** A schema that quotes what it got, as some libraries do. */
  const Quoting: StandardSchema = {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: (value) => ({
        issues: Object.keys(value as object).map((key) => ({
          message: `got ${JSON.stringify((value as Record<string, unknown>)[key])}`,
          path: [key],
        })),
      }),
    },
  };
  @Controller()
  class Quoted {
    @Get('/header') async header(@Header(Quoting) _all: unknown) {
      return '';
    }
    @Post('/body') async body(@Body(Quoting) _all: unknown) {
      return '';
    }
  }

  it('values of headers', async () => {
    const { json } = await ask([Quoted], '/header', { 'x-a': 'hidden1', authorization: 'hidden2' });
    expect(JSON.stringify(json)).not.toContain('hidden');
    expect(json.errors).toContainEqual({
      location: 'header',
      path: 'x-a',
      message: 'is not valid',
    });
  });

  it('values of fields that are secret by their name', async () => {
    const { app } = await makeApp({ controllers: [Quoted] });
    const payload = { password: 'hidden', newPassword: 'hidden', apiKey: 'hidden', name: 'told' };
    const response = await app.inject({ method: 'POST', url: '/body', payload });
    expect(response.payload).not.toContain('hidden');
    expect(response.payload).toContain('told');
  });
});

describe('a parameter of the user', () => {
  const Tenant = createParameter(function tenant({ headers }, prefix: string) {
    const given = headers['x-tenant'];
    if (typeof given === 'string') return prefix + given;
    throw new ParameterFault({ location: 'header', path: 'x-tenant', message: 'is required' });
  });
  const Agent = createParameter(({ method, url, cookies }) => ({
    method,
    url,
    id: cookies.get('id'),
  }));
  const Token = createParameter((): string => {
    throw new Unauthorized('Log in first.');
  });
  const Size = createParameter(({ body }) => JSON.stringify(body).length, { reads: 'body' });
  const Name = token<string>('Name');

  class Names {
    @Provides(Name, { scope: 'request' }) async name(@Tenant('t-') tenant: string) {
      return `name of ${tenant}`;
    }
  }
  @Controller()
  class Tenants {
    @Get('/one') async one(@Tenant('#') tenant: string, @Inject(Name) name: string) {
      return { tenant, name };
    }
    @Get('/two') async two(@Tenant('#') tenant: string, @Query('page') page: number) {
      return { tenant, page };
    }
    @Get('/agent') async agent(@Agent() agent: { method: string; id: string | undefined }) {
      return agent;
    }
    @Get('/token') async token(@Token() token: string, @Query('page') page: number) {
      return { token, page };
    }
    @Post('/size') async size(@Size() size: number) {
      return { size };
    }
  }
  const providers = [Names];

  it('is read from the request, in handlers and providers, with data', async () => {
    const headers = { 'x-tenant': 'a', cookie: 'id=7' };
    const one = await ask([Tenants], '/one', headers, providers);
    expect(one.json).toEqual({ tenant: '#a', name: 'name of t-a' });
    const agent = await ask([Tenants], '/agent?x=1', headers, providers);
    expect(agent.json).toEqual({ method: 'GET', url: '/agent?x=1', id: '7' });
  });

  it('may have the body read', async () => {
    const { app } = await makeApp({ controllers: [Tenants], providers });
    const response = await app.inject({ method: 'POST', url: '/size', payload: { a: 1 } });
    expect(response.json()).toEqual({ size: 7 });
  });

  it('has its faults among those of the others', async () => {
    const { status, json } = await ask([Tenants], '/two?page=x', {}, providers);
    expect(status).toBe(422);
    expect(json.errors).toEqual([
      { location: 'header', path: 'x-tenant', message: 'is required' },
      { location: 'query', path: 'page', message: 'must be a number' },
    ]);
  });

  it('may throw the answer', async () => {
    const { status, json } = await ask([Tenants], '/token', {}, providers);
    expect(status).toBe(401);
    expect(json.detail).toBe('Log in first.');
  });

  it('is read by a function that does not wait', () => {
    expect(() => createParameter(async () => 1)).toThrow('parameters are read without waiting');
    expect(() => createParameter(undefined as never)).toThrow('no function');
  });

  it('is no promise', async () => {
    const Slow = createParameter(() => Promise.reject<number>(new Error('nobody waits')));
    @Controller()
    class Waiting {
      @Get('/') async wait(@Slow() slow: Promise<number>) {
        return slow;
      }
    }
    const { app, log } = await makeApp({ controllers: [Waiting] });
    expect((await app.inject('/')).statusCode).toBe(500);
    expect(log.faults).toMatchObject([{ fields: { err: { code: 'TURNO_DECLARATION' } } }]);
  });
});

it('the compiler compares schemas and parameters', () => {
  const Order = z.object({ burgers: z.number() });
  const One = createParameter(() => 1);
  class Typed {
    right(
      @Body(Order) _order: Infer<typeof Order>,
      @Query('page', z.coerce.number()) _page: number | string,
      @Query(Order) _all: { burgers: number },
      @One() _one: number,
      @File('photo', { optional: true }) _photo?: UploadedFile,
      @Query('name', { optional: true }) _name?: string,
    ) {
      return 1;
    }
    wrong(
      // @ts-expect-error -- burgers is a number
      @Body(Order) _order: { burgers: string },
      // @ts-expect-error -- the schema makes a number
      @Query('page', z.coerce.number()) _page: string,
      // @ts-expect-error -- likewise
      @Query(Order) _all: string,
      // @ts-expect-error -- the function returns a number
      @One() _one: string,
      // @ts-expect-error -- it may be missing
      @File('photo', { optional: true }) _photo: UploadedFile,
    ) {
      return 1;
    }
    constructor(
      @Query('page', z.coerce.number()) _page: number,
      // @ts-expect-error -- the schema makes a number
      @Query('size', z.coerce.number()) _size: string,
    ) {}
  }
  expect(Typed.name).toBe('Typed');
});

it('the compiler compares options and parameters', () => {
  type Direction = 'asc' | 'desc';
  class Typed {
    right(
      @Path('id') _id: number,
      @Query('page', { default: 1 }) _page: number,
      @Query('tags', { type: [String] }) _tags: readonly string[],
      @Query('sizes', { type: [Number], default: [1] }) _sizes: number[],
      @Query('open', { type: Boolean, optional: true }) _open: boolean | undefined,
      @Query('limit', { type: Number }) _limit: number | 'all',
      @Query('big') _big: bigint,
      @Query('anything') _anything: unknown,
      @Query('sort', z.enum(['asc', 'desc'])) _sort: Direction,
      @Body({ optional: true }) _body: { name: string } | undefined,
      @Header('x-name', { optional: true }) _name?: string,
      @Cookie('theme') _theme?: string,
    ) {
      return 1;
    }
    wrong(
      // @ts-expect-error -- it may be missing
      @Query('page', { optional: true }) _page: number,
      // @ts-expect-error -- numbers come
      @Query('tags', { type: [Number] }) _tags: string[],
      // @ts-expect-error -- a boolean comes
      @Query('open', { type: Boolean }) _open: string,
      // @ts-expect-error -- any text comes
      @Query('sort') _sort: Direction,
      // @ts-expect-error -- likewise
      @Query('order', { default: 'asc' }) _order: Direction,
      // @ts-expect-error -- the default is a text
      @Query('size', { default: 'x' }) _size: number,
      // @ts-expect-error -- no text is converted to a date
      @Query('since') _since: Date,
      // @ts-expect-error -- nor to an object
      @Query('filter') _filter: { name: string },
      // @ts-expect-error -- it may be missing
      @Body({ optional: true }) _body: { name: string },
    ) {
      return 1;
    }
    // A constructor's, too.
    // @ts-expect-error -- any text comes
    constructor(@Query('sort') _sort: Direction) {}
  }
  expect(Typed.name).toBe('Typed');
});

it.each<[string, () => unknown, string]>([
  [
    'one text for another',
    () => {
      @Controller()
      class Search {
        // @ts-expect-error -- the compiler sees it, too
        @Get('/') async all(@Query('open', { type: Boolean }) open: string) {
          return open;
        }
      }
      return Search;
    },
    'it is declared as String, but @Query("open", { type: Boolean }) makes a boolean of it; make them the same.',
  ],
  [
    'a list for one',
    () => {
      @Controller()
      class Search {
        // @ts-expect-error -- the compiler sees it, too
        @Get('/') async all(@Query('tag', { type: [String] }) tag: string) {
          return tag;
        }
      }
      return Search;
    },
    'it is declared as String, but @Query("tag", { type: [String] }) makes an array of it',
  ],
  [
    'one for a list',
    () => {
      @Controller()
      class Search {
        // @ts-expect-error -- the compiler sees it, too
        @Get('/') async all(@Query('tag', { type: Number }) tag: number[]) {
          return tag;
        }
      }
      return Search;
    },
    'it is declared as Array, but @Query("tag", { type: Number }) makes a number of it',
  ],
])('a `type` that contradicts the declared type does not start: %s', async (_what, make, says) => {
  expect(await problemOf(make() as new () => object)).toContain(says);
});
