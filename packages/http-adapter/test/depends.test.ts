import { DeclarationError, handlerToken, Injectable, Provides, token } from '@turno/core';
import {
  AppError,
  Controller,
  createApp,
  Depends,
  Get,
  Header,
  OptionsError,
  Post,
  Query,
  Unauthorized,
  type AppOptions,
} from '../src/index.js';
import { closeAll, makeApp } from './support.js';

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

  it('have their faults with those of the handler, and nothing runs then', async () => {
    const { status, payload } = await ask('/parent/child/7?page=x', {});
    expect(status).toBe(422);
    expect((JSON.parse(payload) as { errors: unknown }).errors).toEqual([
      { location: 'header', path: 'authorization', message: 'is required' },
      { location: 'query', path: 'page', message: 'must be a number' },
    ]);
    expect(log).toEqual([]);
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
