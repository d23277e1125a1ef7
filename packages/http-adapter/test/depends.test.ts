import { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { DeclarationError, handlerToken, Injectable, Provides, token } from '@turno/core';
import {
  AppError,
  Body,
  Controller,
  createApp,
  createParameter,
  Depends,
  File,
  Get,
  Header,
  OptionsError,
  Post,
  Query,
  Unauthorized,
  UploadedFile,
  type AppOptions,
} from '../src/index.js';
import { closeAll, gate, makeApp, RawClient, serve, type Gate } from './support.js';

const log: string[] = [];

afterEach(async () => {
  log.length = 0;
  await closeAll();
});

const OfApp = token('OfApp');
const OfParent = token('OfParent');
const OfController = token('OfController');
const OfRoute = token('OfRoute');
const Transaction = token('Transaction');

class Providers {
  @Provides(OfApp, { scope: 'request' }) async app() {
    log.push('app');
  }
  @Provides(OfParent, { scope: 'request' }) parent() {
    log.push('parent');
    return 1;
  }
  @Provides(OfController, { scope: 'request' }) async controller(
    @Header('authorization') authorization: string,
  ) {
    log.push('controller');
    if (authorization === 'wrong') throw new Unauthorized('Log in first.');
  }
  @Provides(OfRoute, { scope: 'request' }) async route() {
    log.push('route');
  }
  @Provides(Transaction, { scope: 'call' }) async *transaction() {
    log.push('begin');
    try {
      yield 1;
      log.push('commit');
    } catch (error) {
      log.push(`rollback: ${(error as Error).message}`);
      throw error;
    }
  }
}

@Injectable({ scope: 'request' })
class Part {
  readonly seen = log.push('parameter');
}

@Depends(OfController, OfRoute)
@Controller('/child')
class Child {
  @Get() async get(_part: Part) {
    log.push('handler');
    return 'got';
  }
  @Depends(OfRoute)
  @Depends(Transaction)
  @Get('/:id')
  async one(_part: Part, @Query('page') page: number) {
    log.push('handler');
    if (page === 13) throw new Error('broken');
    return page;
  }
  @Depends(OfApp)
  @Get('/thread')
  thread() {
    log.push('handler');
    return 'thread';
  }
}
@Depends(OfParent)
@Controller('/parent', { controllers: [Child] })
class Parent {
  @Get() async get() {
    log.push('handler');
    return 'parent';
  }
}

const options: AppOptions = {
  controllers: [Parent],
  providers: [Providers],
  depends: [OfApp],
  threads: { executor: 'inline' },
};
const headers = { authorization: 'right' };

async function ask(url: string, given: Record<string, string> = headers) {
  const { app } = await makeApp(options);
  const response = await app.inject({ url, headers: given });
  return { status: response.statusCode, payload: response.payload };
}

describe('dependencies of levels', () => {
  it('come in the order app, controllers, route, parameters, handler', async () => {
    expect(await ask('/parent/child')).toEqual({ status: 200, payload: 'got' });
    expect(log).toEqual(['app', 'parent', 'controller', 'route', 'parameter', 'handler']);
  });

  it('come once, however often they are listed', async () => {
    expect((await ask('/parent/child/7?page=1')).status).toBe(200);
    expect(log).toEqual([
      'app',
      'parent',
      'controller',
      'route',
      'begin',
      'parameter',
      'handler',
      'commit',
    ]);
  });

  it('come before a handler in a thread', async () => {
    expect((await ask('/parent/child/thread')).payload).toBe('thread');
    expect(log).toEqual(['app', 'parent', 'controller', 'route', 'handler']);
  });

  it('of a controller are not those of the one above', async () => {
    expect((await ask('/parent')).status).toBe(200);
    expect(log).toEqual(['app', 'parent', 'handler']);
  });

  it('may end the request', async () => {
    expect((await ask('/parent/child', { authorization: 'wrong' })).status).toBe(401);
    expect(log).toEqual(['app', 'parent', 'controller']);
  });

  it('that yield see the error of the handler', async () => {
    expect((await ask('/parent/child/7?page=13')).status).toBe(500);
    expect(log.slice(-2)).toEqual(['handler', 'rollback: broken']);
  });

  it('have their own faults together, and nothing runs then', async () => {
    const { status, payload } = await ask('/parent/child/7?page=x', {});
    expect(status).toBe(422);
    expect((JSON.parse(payload) as { errors: unknown }).errors).toEqual([
      { location: 'header', path: 'authorization', message: 'is required' },
    ]);
    expect(log).toEqual([]);
  });

  it('run before the faults of the handler are looked for', async () => {
    expect((await ask('/parent/child/7?page=x', { authorization: 'wrong' })).status).toBe(401);
    log.length = 0;
    expect((await ask('/parent/child/7?page=x')).status).toBe(422);
    expect(log).toEqual([
      ...['app', 'parent', 'controller', 'route', 'begin'],
      'rollback: 1 parameter could not be read: Child.one: query page must be a number.',
    ]);
  });

  it('do not run for 404, 405 and OPTIONS', async () => {
    const { app } = await makeApp(options);
    expect((await app.inject('/nowhere')).statusCode).toBe(404);
    expect((await app.inject({ method: 'POST', url: '/parent' })).statusCode).toBe(405);
    expect((await app.inject({ method: 'OPTIONS', url: '/parent' })).statusCode).toBe(204);
    expect(log).toEqual([]);
  });

  it('are shown by explain', async () => {
    const { app } = await makeApp(options);
    const text = app.container.explain(handlerToken(Child, 'get'));
    const at = ['app', 'parent', 'controller', 'route'].map((name) =>
      text.indexOf(`Providers.${name} `),
    );
    expect(at).toEqual([...at].sort((a, b) => a - b));
    expect(at).not.toContain(-1);
  });
});

describe('the body', () => {
  const Gated = token('Gated');
  const Signed = token('Signed');
  const Whole = createParameter(({ body }) => JSON.stringify(body), { reads: 'body' });
  let entered: Gate;
  let checked: Gate;
  let socket: Socket | undefined;
  beforeEach(() => {
    [entered, checked] = [gate(), gate()];
  });

  class Gates {
    @Provides(Gated, { scope: 'request' })
    async *gated(request: IncomingMessage, @Query('user', { optional: true }) user?: string) {
      ({ socket } = request);
      entered.open();
      await checked.opened;
      if (user === undefined) throw new Unauthorized();
      try {
        yield user;
      } catch (error) {
        log.push(`seen: ${(error as Error).message}`);
        throw error;
      }
    }
    @Provides(Signed, { scope: 'request' })
    async signed(@Whole() text: string, @Header('signature') signature: string) {
      log.push(`signed ${text}`);
      if (signature !== 'good') throw new Unauthorized();
    }
  }

  @Depends(Gated)
  @Controller()
  class Uploads {
    @Post('/json') async json(@Body() list: number[]) {
      return list;
    }
    @Post('/form') async form(@File('photo') photo: UploadedFile) {
      return photo.size;
    }
    @Post('/plain') async plain() {
      return 'plain';
    }
    @Depends(Signed) @Post('/signed') async signed(@Body() list: number[]) {
      return list;
    }
  }

  const start = () => serve({ controllers: [Uploads], providers: [Gates], logRequests: false });
  const head = (path: string, type: string, length: number, ...further: readonly string[]) =>
    [
      ...[`POST ${path} HTTP/1.1`, 'Host: a', `Content-Type: ${type}`],
      ...[`Content-Length: ${length}`, ...further, '', ''],
    ].join('\r\n');
  const form = 'multipart/form-data; boundary=b';
  const part = '--b\r\nContent-Disposition: form-data; name="photo"; filename="a"\r\n\r\n';
  const size = 8_000_000;

  it('is not waited for where they refuse', async () => {
    const { port } = await start();
    const client = await RawClient.connect(port);
    checked.open();
    client.send(head('/form', form, size), part);
    await client.until(/^HTTP\/1\.1 401 [^]*connection: close[^]*\}$/i);
  });

  it('is left to the client until they let it pass', async () => {
    const { port } = await start();
    const client = await RawClient.connect(port);
    client.send(head('/form', form, size), part);
    const sent = client.sendBlindly('x'.repeat(size)).catch(() => undefined);
    await entered.opened;
    for (let turns = 0; turns < 200; turns++) await new Promise(setImmediate);
    // What node:http and the system keep of a stream that nobody reads.
    expect(socket?.bytesRead).toBeLessThan(500_000);
    checked.open();
    await client.until(/^HTTP\/1\.1 401 /);
    client.destroy();
    await sent;
  });

  it.each([
    ['/json?user=1', 'application/json', '[1,2]', '[1,2]'],
    ['/form?user=1', form, `${part}four\r\n--b--\r\n`, '4'],
  ])('is read after them: %s', async (path, type, body, answer) => {
    const { port } = await start();
    const client = await RawClient.connect(port);
    checked.open();
    client.send(head(path, type, body.length));
    await entered.opened;
    client.send(body);
    const [, got] = await client.until(/^HTTP\/1\.1 200 [^]*\r\n\r\n(.*)$/);
    expect(got).toBe(answer);
    // The connection goes on.
    client.send(head('/plain?user=1', 'text/plain', 0));
    await client.until(/plain$/);
  });

  it('is read before them where one of them takes it', async () => {
    const { app } = await makeApp({ controllers: [Uploads], providers: [Gates] });
    checked.open();
    const post = async (payload: unknown, signature: string) => {
      const url = '/signed?user=1';
      const body = payload as object;
      return app.inject({ method: 'POST', url, payload: body, headers: { signature } });
    };
    expect((await post([1], 'good')).payload).toBe('[1]');
    expect((await post({ no: 'list' }, 'bad')).statusCode).toBe(401);
    expect((await post({ no: 'list' }, 'good')).statusCode).toBe(422);
    expect(log.filter((line) => line.startsWith('signed'))).toEqual([
      ...['signed [1]', 'signed {"no":"list"}', 'signed {"no":"list"}'],
    ]);
  });

  it('is not asked for (100 Continue) before they let it pass', async () => {
    const { port } = await start();
    const client = await RawClient.connect(port);
    client.send(head('/json?user=1', 'application/json', 3, 'Expect: 100-continue'));
    await entered.opened;
    for (let turns = 0; turns < 20; turns++) await new Promise(setImmediate);
    expect(client.received).toBe('');
    checked.open();
    await client.until(/^HTTP\/1\.1 100 Continue\r\n\r\n$/);
    client.send('[1]');
    await client.until(/200 [^]*\[1\]$/);
  });

  it('is not asked for at all where they refuse', async () => {
    const { port } = await start();
    const client = await RawClient.connect(port);
    checked.open();
    client.send(head('/json', 'application/json', 3, 'Expect: 100-continue'));
    await client.until(/^HTTP\/1\.1 401 [^]*connection: close[^]*\}$/i);
    client.end();
    await client.closed;
    expect(client.received).not.toContain('100 Continue');
  });

  it('that its client does not send to the end is no fault; they see it', async () => {
    const { app, port, log: own } = await start();
    const client = await RawClient.connect(port);
    checked.open();
    client.send(head('/json?user=1', 'application/json', 3, 'Expect: 100-continue'));
    await client.until(/100 Continue\r\n\r\n$/);
    client.send('[');
    client.destroy();
    await app.close();
    expect(log).toEqual(['seen: The client has gone before its answer.']);
    expect(own.faults).toEqual([]);
  });
});

describe('a subclass', () => {
  @Depends(OfController)
  abstract class Secured {
    @Depends(OfRoute) @Get('/a') async a() {
      return 'a';
    }
    @Depends(OfRoute) @Get('/b') async b() {
      return 'b';
    }
    @Depends(OfRoute) @Get('/c') async c() {
      return 'c';
    }
  }
  @Depends(OfApp)
  @Controller()
  class Own extends Secured {
    override async a() {
      return 'own a';
    }
    @Get('/b') override async b() {
      return 'own b';
    }
    @Depends(Transaction) override async c() {
      return 'own c';
    }
  }

  it.each([
    ['/a', ['controller', 'app', 'route']],
    ['/b', ['controller', 'app']],
    ['/c', ['controller', 'app', 'route', 'begin', 'commit']],
  ])('inherits them, unless it declares the route anew: %s', async (url, expected) => {
    const { app } = await makeApp({ ...options, controllers: [Own], depends: [] });
    expect((await app.inject({ url, headers })).payload).toBe(`own ${url.slice(1)}`);
    expect(log).toEqual(expected);
  });
});

describe('it is refused', () => {
  it('that one handler has others at another place', async () => {
    @Controller('/free', { controllers: [Child] })
    class Free {}
    const app = createApp({ ...options, controllers: [Parent, Free], logger: false });
    await expect(app).rejects.toThrow(AppError);
    await expect(app).rejects.toThrow(
      'Child.get is served at two places that say different @Depends. List a subclass at one of them: class Other extends Child {}, with @Controller().',
    );
  });

  it('that nothing provides them', async () => {
    await expect(createApp({ ...options, providers: [], logger: false })).rejects.toThrow(
      'There is no provider for "OfApp", which Parent.get asks for (made before it).',
    );
  });

  it('that they are no tokens', async () => {
    expect(() => Depends(undefined as never)).toThrow(DeclarationError);
    expect(() => Depends('a' as never)).toThrow('was given a string for token 1');
    expect(() => (Depends as () => unknown)()).toThrow('was given nothing');
    expect(() => {
      (Depends(OfApp) as (...at: unknown[]) => void)({}, 'm', 0);
    }).toThrow('put @Depends on the method or the class');
    const listed = createApp({ ...options, depends: [undefined as never] });
    await expect(listed).rejects.toThrow(OptionsError);
  });

  it('not that two places say the same', async () => {
    @Controller('/other', { controllers: [Parent] })
    class Other {
      @Post() async post() {
        return '';
      }
    }
    const { app } = await makeApp({ ...options, controllers: [Parent, Other] });
    expect((await app.inject('/other/parent')).payload).toBe('parent');
  });
});
