import {
  Container,
  DeclarationError,
  GraphError,
  handlerToken,
  Inject,
  Injectable,
  Provides,
  token,
} from '@turno/core';
import {
  All,
  AppError,
  Body,
  Controller,
  createApp,
  Delete,
  Get,
  Header,
  OptionsError,
  Patch,
  Path,
  Post,
  Put,
  Query,
  type AppOptions,
} from '../src/index.js';
import { closeAll, makeApp } from './support.js';

afterEach(closeAll);

/** The problems that `createApp` reports. */
async function problemsOf(options: AppOptions): Promise<string[]> {
  const error: unknown = await createApp({ logger: false, ...options }).catch(
    (reason: unknown) => reason,
  );
  if (!(error instanceof AppError)) throw error;
  expect(error.code).toBe('TURNO_APP');
  return error.errors.map(({ code, message }) => `${code} ${message}`);
}

describe('routes', () => {
  it('have the method and path of their decorators', async () => {
    @Controller('/orders')
    class Orders {
      @Get() async list() {
        return 'list';
      }
      @Post() async add() {
        return 'add';
      }
      @Get('/:id') async one(@Path('id') id: number) {
        return `one ${id}`;
      }
      @Put('/:id') async replace(@Path('id') id: number) {
        return `replace ${id}`;
      }
      @Patch(':id/') async change(@Path('id') id: number) {
        return `change ${id}`;
      }
      @Delete('/:id') async remove(@Path('id') id: number) {
        return `remove ${id}`;
      }
    }
    const { app } = await makeApp({ controllers: [Orders] });
    const ask = async (method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', url: string) =>
      (await app.inject({ method, url })).payload;
    expect(await ask('GET', '/orders')).toBe('list');
    expect(await ask('GET', '/orders/')).toBe('list');
    expect(await ask('POST', '/orders')).toBe('add');
    expect(await ask('GET', '/orders/7')).toBe('one 7');
    expect(await ask('PUT', '/orders/7')).toBe('replace 7');
    expect(await ask('PATCH', '/orders/7')).toBe('change 7');
    expect(await ask('DELETE', '/orders/7')).toBe('remove 7');
  });

  it('need no prefix and no slashes', async () => {
    @Controller()
    class Root {
      @Get() async root() {
        return 'root';
      }
      @Get('health') async health() {
        return 'health';
      }
    }
    @Controller('a/b/')
    class Nested {
      @Get('/c/') async c() {
        return 'c';
      }
    }
    const { app } = await makeApp({ controllers: [Root, Nested] });
    expect((await app.inject('/')).payload).toBe('root');
    expect((await app.inject('/health')).payload).toBe('health');
    expect((await app.inject('/a/b/c')).payload).toBe('c');
  });

  it('can be several for one method', async () => {
    @Controller()
    class Pages {
      @Get('/') @Get('/index') async index() {
        return 'index';
      }
    }
    const { app } = await makeApp({ controllers: [Pages] });
    expect((await app.inject('/')).payload).toBe('index');
    expect((await app.inject('/index')).payload).toBe('index');
  });

  it('are inherited, and replaced by what a subclass declares', async () => {
    abstract class Base {
      abstract readonly name: string;
      @Get('/name') async getName() {
        return this.name;
      }
      @Get('/old') async moved() {
        return 'old';
      }
    }
    @Controller('/sub')
    class Sub extends Base {
      override readonly name = 'sub';
      @Get('/new') override async moved() {
        return 'new';
      }
    }
    const { app } = await makeApp({ controllers: [Sub] });
    expect((await app.inject('/sub/name')).payload).toBe('sub');
    expect((await app.inject('/sub/new')).payload).toBe('new');
    expect((await app.inject('/sub/old')).statusCode).toBe(404);
  });

  it('can be static methods', async () => {
    @Controller()
    class Health {
      @Get('/health') static async health() {
        return { status: 'ok' };
      }
    }
    const { app } = await makeApp({ controllers: [Health] });
    expect((await app.inject('/health')).json()).toEqual({ status: 'ok' });
  });

  it('get their dependencies from the container', async () => {
    @Injectable()
    class Tickets {
      last = 0;
      next() {
        return ++this.last;
      }
    }
    @Controller()
    class Counter {
      constructor(readonly tickets: Tickets) {}
      @Get('/next') async next() {
        return this.tickets.next();
      }
      @Get('/last') async last(tickets: Tickets) {
        return tickets.last;
      }
    }
    const { app } = await makeApp({ controllers: [Counter] });
    await app.inject('/next');
    expect((await app.inject('/next')).json()).toBe(2);
    expect((await app.inject('/last')).json()).toBe(2);
  });

  it('of a class that nobody lists are not served', async () => {
    @Controller('/unlisted')
    class Unlisted {
      @Get() async get() {
        return 'never';
      }
    }
    @Controller('/listed')
    class Listed {
      @Get() async get() {
        return Unlisted.name;
      }
    }
    const { app } = await makeApp({ controllers: [Listed, Listed] });
    expect((await app.inject('/listed')).payload).toBe('Unlisted');
    expect((await app.inject('/unlisted')).statusCode).toBe(404);
  });
});

describe('app.explain', () => {
  @Controller('/users')
  class Users {
    @Get('/:id') async one(@Path('id') id: number) {
      return id;
    }
    @Get('/all') async all() {
      return 'all';
    }
    @All('/:id') async any() {
      return 'any';
    }
  }

  it('explains a route as it is declared, or as it is asked for', async () => {
    const { app } = await makeApp({ controllers: [Users] });
    const one = app.container.explain(handlerToken(Users, 'one'));
    expect(app.explain('GET /users/:id')).toBe(one);
    expect(app.explain('get /users/:id/')).toBe(one);
    expect(app.explain('GET /users/7?page=1')).toBe(one);
    expect(app.explain('HEAD /users/7')).toBe(one);
    expect(app.explain('GET /users/all')).toMatch(/^Users\.all:/);
    expect(app.explain('ALL /users/:id')).toMatch(/^Users\.any:/);
    expect(app.explain('PUT /users/7')).toMatch(/^Users\.any:/);
  });

  it.each(['GET /nowhere', 'users', '', undefined, 'GET users'])(
    'names the routes where %p is none',
    async (given) => {
      const { app } = await makeApp({ controllers: [Users] });
      expect(() => app.explain(given as string)).toThrow(
        /^explain was given .*, which is no route\. The routes are 'GET \/users\/:id', 'GET \/users\/all', 'ALL \/users\/:id'\.$/,
      );
    },
  );

  it('is what container.explain points to', async () => {
    const { app } = await makeApp({ controllers: [Users] });
    for (const given of ['GET /users', Users.prototype.one]) {
      expect(() => app.container.explain(given as never)).toThrow(
        /^explain was given .*, which is no token\. .* a route by app\.explain\('GET \/burgers\/:id'\)\.$/,
      );
    }
  });
});

it('a controller may live with a request', async () => {
  @Injectable({ scope: 'request' })
  class Session {
    readonly user = 'ann';
  }
  @Injectable({ scope: 'request' })
  @Controller()
  class Users {
    constructor(readonly session: Session) {}
    @Get('/me') async me() {
      return this.session.user;
    }
  }
  const { app } = await makeApp({ controllers: [Users] });
  expect((await app.inject('/me')).payload).toBe('ann');
});

it('a handler may ask for the container', async () => {
  @Controller()
  class Stats {
    @Get('/stats') async stats(container: Container) {
      return { threads: container.threads.size };
    }
  }
  const { app } = await makeApp({ controllers: [Stats] });
  expect((await app.inject('/stats')).json()).toEqual({ threads: app.container.threads.size });
});

describe('createApp refuses', () => {
  it.each([
    ['no options', undefined],
    ['no controllers', {}],
    ['one controller without a list', { controllers: class {} }],
  ])('%s', async (_what, options) => {
    const app = createApp(options as AppOptions);
    await expect(app).rejects.toThrow(OptionsError);
    await expect(app).rejects.toThrow('createApp was given no `controllers`');
  });

  it.each([-1, 1.5, NaN, '1mb'])('the body limit %p', async (bodyLimit) => {
    const options = { controllers: [], bodyLimit: bodyLimit as number };
    await expect(createApp(options)).rejects.toThrow(`the \`bodyLimit\` ${String(bodyLimit)}`);
  });

  it('problems of the routes and of the graph together, before anything starts', async () => {
    class Unknown {}
    let made = 0;
    @Injectable()
    class Eager {
      readonly number = (made += 1);
    }
    @Controller('/one')
    class One {
      @Get('/:id') async get(_unknown: Unknown) {
        return '';
      }
      @Get('/:id') async again(_eager: Eager) {
        return '';
      }
    }
    const error: unknown = await createApp({ controllers: [One], logger: false }).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(AppError);
    const codes = (error as AppError).errors.map(({ code }) => code);
    expect(codes.sort()).toEqual(['TURNO_MISSING_PROVIDER', 'TURNO_ROUTE']);
    expect(made).toBe(0);
  });

  it('what is no controller, all at once', async () => {
    class Plain {
      @Get() async get() {
        return 1;
      }
    }
    @Controller()
    class Empty {}
    const problems = await problemsOf({
      controllers: [Plain, Empty, undefined as never, new Plain() as never],
    });
    expect(problems).toEqual([
      'TURNO_ROUTE The class "Plain" in `controllers` is no controller. Decorate it with @Controller(), or move it to `providers`.',
      'TURNO_ROUTE The controller "Empty" has no route. Decorate its methods with @Get(), @Post(), @Put(), @Patch() or @Delete().',
      'TURNO_ROUTE controllers[2] is undefined, which is no class. Two modules import each other, or a name is misspelt.',
      'TURNO_ROUTE controllers[3] is an instance of Plain, which is no class. List classes that are decorated with @Controller().',
    ]);
  });

  it('two handlers of one route, naming both', async () => {
    @Controller('/orders')
    class Orders {
      @Get('/:id') async one() {
        return 1;
      }
    }
    @Controller()
    class Other {
      @Get('/orders/:order/') async two() {
        return 2;
      }
    }
    expect(await problemsOf({ controllers: [Orders, Other] })).toEqual([
      'TURNO_ROUTE GET /orders/:order of Other.two is served by Orders.one already (/orders/:id). Change one of the two paths; names of parameters make no difference.',
    ]);
  });

  it('paths that cannot be routed', async () => {
    @Controller('/a')
    class Paths {
      @Get('/:id(([a-z]+)+)') async slow() {
        return 1;
      }
      @Get('/:id((?:a|[|]|aa)+)') async slower() {
        return 1;
      }
      @Get('/:a(\\d+):b(\\d+):c(\\d+)') async slowest() {
        return 1;
      }
      @Get('/*/b') async wild() {
        return 2;
      }
      @Get('/b?c=:d') async query() {
        return 3;
      }
      @Get('/:x/:x') async twice() {
        return 4;
      }
      @Get('/c/:/d') async nameless() {
        return 5;
      }
    }
    const problems = await problemsOf({ controllers: [Paths] });
    expect(problems).toEqual([
      expect.stringMatching(
        /^TURNO_ROUTE GET \/a\/:id\(.*\) of Paths\.slow repeats a repetition in a pattern/,
      ),
      expect.stringMatching(/of Paths\.slower repeats alternatives in a pattern, .*\[ab\]\+/),
      expect.stringMatching(/of Paths\.slowest has too many repetitions in a row in a pattern, /),
      expect.stringMatching(
        /^TURNO_ROUTE GET \/a\/\*\/b of Paths\.wild has a `\*` that is not its end/,
      ),
      expect.stringMatching(/^TURNO_ROUTE GET \/a\/b\?c=:d of Paths\.query has a "\?" or "#"/),
      expect.stringMatching(/^TURNO_ROUTE GET \/a\/:x\/:x of Paths\.twice has a parameter without/),
      expect.stringMatching(/^TURNO_ROUTE GET \/a\/c\/:\/d of Paths\.nameless has a parameter/),
    ]);
  });

  it('path parameters that a route does not have, also those of its providers', async () => {
    const Order = token<number>('Order');
    class Kitchen {
      @Provides(Order, { scope: 'request' }) async order(@Path('order') id: number) {
        return id;
      }
    }
    @Controller('/orders')
    class Orders {
      @Get('/:id') async one(@Inject(Order) order: number) {
        return order;
      }
      @Get('/all') async all(@Path('order', { optional: true }) order?: number) {
        return order;
      }
      @Get('/:order/lines') async lines(
        @Path('order') id: number,
        @Path('page', { default: 1 }) page: number,
      ) {
        return [id, page];
      }
    }
    expect(await problemsOf({ controllers: [Orders], providers: [Kitchen] })).toEqual([
      'TURNO_ROUTE GET /orders/:id of Orders.one has no parameter "order", which @Path("order") of the handler or one of its providers asks for. Add it to the path (/:order), or make the parameter optional: @Path("order", { optional: true }).',
    ]);
  });

  it('parameters that a request cannot fill, with the problems of the graph', async () => {
    interface Filter {
      readonly name: string;
    }
    class Dto {
      name = '';
    }
    @Controller()
    class Search {
      // @ts-expect-error -- the compiler sees it, too
      @Get('/a') async a(@Query('since') _since: Date) {
        return 1;
      }
      // @ts-expect-error -- the compiler sees it, too
      @Get('/b') async b(@Header('x-filter') _filter: Filter) {
        return 1;
      }
      // @ts-expect-error -- the compiler sees it, too
      @Get('/c') async c(@Query('page', { default: '1' }) _page: number) {
        return 1;
      }
      @Post('/d') async d(@Body() _dto: Dto) {
        return 1;
      }
    }
    const error: unknown = await createApp({ controllers: [Search] }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(GraphError);
    const messages = (error as GraphError).errors.map(({ message }) => message);
    expect(messages).toHaveLength(4);
    expect(messages[0]).toMatch(
      /query "since" .*Search\.a.* a text is not converted to its type Date; .*@Query\("since", schema\)/,
    );
    expect(messages[1]).toMatch(
      /header "x-filter" .*Search\.b.* the compiler does not tell its type/,
    );
    expect(messages[2]).toMatch(
      /query "page" .*Search\.c.* its default is a string, but its type is Number/,
    );
    expect(messages[3]).toMatch(
      /body .*Search\.d.* JSON is plain data and no instance of Dto; .*@Body\(schema\)/,
    );
  });
});

describe('a decorator refuses', () => {
  class Burgers {
    async one() {
      return 'burger';
    }
  }
  const onMethod = (decorate: ReturnType<typeof Get>) =>
    decorate(Burgers.prototype, 'one', { value: Burgers.prototype.one });

  it.each<[string, () => unknown, string]>([
    ['@Controller without parentheses', () => Controller(class {} as never), 'Write @Controller()'],
    ['@Get without parentheses', () => Get({} as never), 'Write @Get()'],
    ['@Query without a name', () => Query(undefined as never), "write @Query('id')"],
    ['@Path with an empty name', () => Path(''), 'has an empty name'],
    ['an unknown option', () => Query('a', { min: 1 } as never), 'has no option "min"'],
    [
      'an unknown option of a route',
      () => onMethod(Get('/', { code: 1 } as never)),
      '@Get on Burgers.one has no option "code"',
    ],
    ['what is no option at all', () => Query('a', 7 as never), 'was given 7 for its options'],
    ['a schema that is undefined', () => Body(undefined), 'was given undefined'],
    [
      '@Body without parentheses',
      () => (Body as (...args: unknown[]) => unknown)({}, 'm', 0),
      'Write @Body()',
    ],
    [
      'a status that is none',
      () => onMethod(Get('/', { status: 99 })),
      '@Get on Burgers.one has the status 99',
    ],
    [
      'a placement that is none',
      () => onMethod(Get('/', { on: 'moon' as never })),
      "unknown placement 'moon'",
    ],
    [
      'a standard decorator context',
      () => (Controller() as (...args: unknown[]) => unknown)(class {}, { kind: 'class' }),
      'experimentalDecorators',
    ],
  ])('%s', (_what, decorate, message) => {
    expect(decorate).toThrow(DeclarationError);
    expect(decorate).toThrow(message);
  });

  it('two placements for one method', () => {
    expect(() => {
      class Torn {
        @Get('/a', { on: 'loop' }) @Get('/b', { on: 'thread' }) handle() {
          return 1;
        }
      }
      return Torn;
    }).toThrow("The routes of Torn.handle say both on: 'loop' and on: 'thread'");
  });
});
