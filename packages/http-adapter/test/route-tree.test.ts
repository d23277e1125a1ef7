import { DeclarationError } from '@turno/core';
import {
  All,
  AppError,
  Controller,
  createApp,
  Delete,
  Get,
  Head,
  Options,
  Path,
  Post,
  Reply,
} from '../src/index.js';
import { closeAll, makeApp, RawClient, serve } from './support.js';

afterEach(closeAll);

async function problemsOf(...controllers: readonly (new () => object)[]): Promise<string[]> {
  const error: unknown = await createApp({ controllers, logger: false }).catch((e: unknown) => e);
  if (!(error instanceof AppError)) throw error;
  return error.errors.map(({ message }) => message);
}

describe('controllers below a controller', () => {
  @Controller('/lines')
  class Lines {
    @Get('/:line') async one(@Path('order') order: number, @Path('line') line: number) {
      return { order, line };
    }
  }
  @Controller('/orders/:order', { controllers: [Lines] })
  class Orders {
    @Get() async one(@Path('order') order: number) {
      return { order };
    }
  }

  it('are served under its prefix, at any depth, and may read its parameters', async () => {
    @Controller('/v1', { controllers: [Orders] })
    class V1 {}
    const { app } = await makeApp({ controllers: [V1] });
    expect((await app.inject('/v1/orders/7')).json()).toEqual({ order: 7 });
    expect((await app.inject('/v1/orders/7/lines/2')).json()).toEqual({ order: 7, line: 2 });
    expect((await app.inject('/orders/7')).statusCode).toBe(404);
  });

  it('may stand below several', async () => {
    @Controller('/v1', { controllers: [Orders] })
    class V1 {}
    @Controller('/v2', { controllers: [Orders] })
    class V2 {}
    const { app } = await makeApp({ controllers: [V1, V2] });
    expect((await app.inject('/v1/orders/7')).json()).toEqual({ order: 7 });
    expect((await app.inject('/v2/orders/7/lines/2')).json()).toEqual({ order: 7, line: 2 });
  });

  it('are refused where they are none, or stand below themselves', async () => {
    class Plain {}
    const below: (new () => object)[] = [Plain, undefined as never];
    @Controller('/knot', { controllers: below })
    class Knot {}
    @Controller('/back', { controllers: [Knot] })
    class Back {}
    below.push(Back);
    expect(await problemsOf(Knot)).toEqual([
      'The class "Plain" in `controllers of Knot` is no controller. Decorate it with @Controller(), or move it to `providers`.',
      'controllers of Knot[1] is undefined, which is no class. Two modules import each other, or a name is misspelt.',
      'The controller "Knot" is listed below itself: Knot -> Back -> Knot. Take it out of one of the `controllers` on that way.',
    ]);
  });

  it('are refused where one route comes of two ways', async () => {
    @Controller('/orders')
    class Twin {
      @Get('/:id') async other() {
        return '';
      }
    }
    expect(await problemsOf(Orders, Twin)).toEqual([
      'GET /orders/:id of Twin.other is served by Orders.one already (/orders/:order). Change one of the two paths; names of parameters make no difference.',
    ]);
  });

  it('must be a list', () => {
    expect(() => Controller('/a', { controllers: Lines as never })).toThrow(DeclarationError);
    expect(() => Controller('/a', { children: [] } as never)).toThrow('no option "children"');
  });
});

describe('methods', () => {
  @Controller()
  class Files {
    @Get('/files/:id') async get() {
      return 'got';
    }
    @Delete('/files/:id') async remove() {
      return 'removed';
    }
    @Post('/plain') async post() {
      return 'posted';
    }
    @Get('/both') async whole() {
      return 'whole';
    }
    @Head('/both') async size() {
      return 'size!';
    }
    @Options('/asked') async asked() {
      return 'asked';
    }
    @All('/any/:id?') async any(@Path('id', { default: 'none' }) id: string) {
      return `any ${id}`;
    }
    @Get('/any') async some() {
      return 'some';
    }
    @All('/rest/*') async rest(@Path('*') rest: string) {
      return rest;
    }
    @Post('/rest/special') async special() {
      return 'special';
    }
  }
  const start = () => makeApp({ controllers: [Files] });

  it('HEAD is that of GET, or of @Head where there is one', async () => {
    const { app } = await start();
    const get = await app.inject({ method: 'HEAD', url: '/files/1' });
    expect(get.headers['content-length']).toBe('3');
    expect(get.payload).toBe('');
    const head = await app.inject({ method: 'HEAD', url: '/both' });
    expect(head.headers['content-length']).toBe('5');
    expect((await app.inject({ method: 'HEAD', url: '/plain' })).statusCode).toBe(405);
  });

  it('HEAD of a path is not that of a less specific one', async () => {
    @Controller('/users')
    class Users {
      @Get('/me') async me() {
        return 'me';
      }
      @Get('/:id/orders/:page?') async orders(@Path('page', { default: 1 }) page: number) {
        return `page ${page}`;
      }
      @Head('/:id') async one(reply: Reply) {
        reply.header('x-handler', 'head');
      }
      @Head('/:id/orders') async none(reply: Reply) {
        reply.header('x-handler', 'orders');
      }
    }
    const { app } = await makeApp({ controllers: [Users] });
    const head = async (url: string) => {
      const { statusCode, headers } = await app.inject({ method: 'HEAD', url });
      return [statusCode, headers['x-handler'], headers['content-length']];
    };
    expect(await head('/users/me')).toEqual([200, undefined, '2']);
    expect(await head('/users/7')).toEqual([204, 'head', undefined]);
    expect(await head('/users/7/orders')).toEqual([204, 'orders', undefined]);
    expect(await head('/users/7/orders/12')).toEqual([200, undefined, '7']);
  });

  it('OPTIONS is answered with Allow, unless a route serves it', async () => {
    const { app } = await start();
    const options = async (url: string) => {
      const { statusCode, headers, payload } = await app.inject({ method: 'OPTIONS', url });
      return { statusCode, allow: headers.allow, payload };
    };
    expect(await options('/files/1')).toEqual({
      statusCode: 204,
      allow: 'GET, HEAD, DELETE, OPTIONS',
      payload: '',
    });
    expect(await options('/plain')).toMatchObject({ statusCode: 204, allow: 'POST, OPTIONS' });
    expect(await options('/asked')).toMatchObject({ statusCode: 200, payload: 'asked' });
    expect((await options('/nowhere')).statusCode).toBe(404);
    expect((await options('/files/%zz')).statusCode).toBe(400);
  });

  it('OPTIONS * is answered for the server as a whole', async () => {
    const { port } = await serve({ controllers: [Files] });
    const client = await RawClient.connect(port);
    client.send('OPTIONS * HTTP/1.1', 'Host: a', 'Connection: close', '', '');
    const [head] = await client.until(/^HTTP\/1\.1 204 [^]*\r\n\r\n/);
    expect(head).toContain('allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n');
  });

  it.each([
    ['GET', '/any', 'some'],
    ['POST', '/any', 'any none'],
    ['GET', '/any/7', 'any 7'],
    ['OPTIONS', '/any/7', 'any 7'],
    ['PUT', '/rest/a/b', 'a/b'],
    ['PUT', '/rest/special', 'special'],
    ['POST', '/rest/special', 'special'],
  ] as const)('@All: %s %s is "%s"', async (method, url, payload) => {
    const { app } = await start();
    expect((await app.inject({ method, url })).payload).toBe(payload);
  });

  it('@All takes what other controllers leave, in whatever order they are listed', async () => {
    @Controller()
    class Everything {
      @All('/files/:name') async all() {
        return 'all';
      }
    }
    const { app } = await makeApp({ controllers: [Everything, Files] });
    expect((await app.inject('/files/1')).payload).toBe('got');
    expect((await app.inject({ method: 'PATCH', url: '/files/1' })).payload).toBe('all');
  });

  it('two @All of one path are refused', async () => {
    @Controller()
    class One {
      @All('/a') async one() {
        return '';
      }
      @All('/a') async two() {
        return '';
      }
    }
    expect(await problemsOf(One)).toEqual([
      'ALL /a of One.two is served by One.one already (/a). Change one of the two paths; names of parameters make no difference.',
    ]);
  });
});

describe('patterns', () => {
  @Controller('/p')
  class Patterns {
    @Get('/:name') async named(@Path('name') name: string) {
      return `name ${name}`;
    }
    @Get('/:id(\\d+)') async numbered(@Path('id') id: number) {
      return `id ${id}`;
    }
    @Get('/fixed') async fixed() {
      return 'fixed';
    }
    @Get('/:language(en|eo)/menu') async menu(@Path('language') language: string) {
      return language;
    }
    @Get('/*') async rest(@Path('*') rest: string) {
      return `rest ${rest}`;
    }
  }

  it.each([
    ['/p/12', 'id 12'],
    ['/p/12/', 'id 12'],
    ['/p/1a', 'name 1a'],
    ['/p/fixed', 'fixed'],
    ['/p/eo/menu', 'eo'],
    ['/p/de/menu', 'rest de/menu'],
    ['/p/a/b/', 'rest a/b'],
  ])('%s is "%s"', async (url, payload) => {
    const { app } = await makeApp({ controllers: [Patterns] });
    expect((await app.inject(url)).payload).toBe(payload);
  });
});
