/** docs/errors.md lists every error class, and each message that it shows is one that users see. */
import { afterAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  alias,
  Container,
  contextVar,
  declareHandler,
  declareParameter,
  forwardRef,
  GraphError,
  handlerToken,
  Inject,
  Injectable,
  keyed,
  lazy,
  offloaded,
  Optional,
  original,
  Portable,
  provide,
  Provides,
  token,
  TurnoError,
  value,
  type Class,
  type ContainerOptions,
  type Lazy,
  type Provider,
  type ScopeInstance,
  type Token,
} from '@turno/core';
import {
  AppError,
  BackgroundTasks,
  Body,
  Catch,
  Controller,
  createApp,
  createParameter,
  Depends,
  Form,
  Get,
  Header,
  Path,
  Post,
  Query,
  redirect,
  Reply,
  serve,
  sse,
  type App,
  type AppOptions,
  type Logger,
  type StandardSchema,
} from '@turno/http-adapter';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Store } from './fixtures/errors-broken.js';
import { Griddle, Spatula } from './fixtures/errors-late.js';
import { Fryer } from './fixtures/errors-parked.js';
import * as fixture from './fixtures/errors.js';

const root = fileURLToPath(new URL('../', import.meta.url));

/** `[code, class]` of each class that has a code. */
function declared(): string[] {
  return ['packages/core/src', 'packages/http-adapter/src'].flatMap((folder) =>
    readdirSync(root + folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .flatMap((file) => {
        const text = readFileSync(`${root}${folder}/${file}`, 'utf8');
        const pattern =
          /class (\w+) extends (?:TurnoError|ProblemsError) \{\n\s+readonly code = '(TURNO_\w+)'/g;
        return [...text.matchAll(pattern)].map(([, name, code]) => `${code} ${name}`);
      }),
  );
}

const text = readFileSync(`${root}docs/errors.md`, 'utf8');

function documented(): string[] {
  return [...text.matchAll(/^### `(TURNO_\w+)`\n\n`(\w+)`/gm)].map(
    ([, code, name]) => `${code} ${name}`,
  );
}

/** A message that the document shows. */
interface Quote {
  readonly code: string;
  readonly shown: string;
  /** Matches the messages that it stands for. */
  readonly pattern: RegExp;
}

/** White space means nothing, since the document breaks lines elsewhere. */
function normal(message: string): string {
  return message.replace(/\s+/g, ' ').trim();
}

/** Each block quote stands below the heading of its code; `…` in it is any text. */
function quotes(): Quote[] {
  return text.split(/^### /m).flatMap((section) => {
    const code = /^`(TURNO_\w+)`/.exec(section)?.[1];
    if (code === undefined) return [];
    return [...section.matchAll(/(?:^>.*\n?)+/gm)].map(([block]) => {
      const shown = normal(block.replace(/^> ?/gm, '').replace(/\\([*_<])/g, '$1'));
      const parts = shown.split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
      return { code, shown, pattern: new RegExp(`^${parts.join('.*')}$`) };
    });
  });
}

/** What a provocation fails with. @throws if it does not fail. */
async function errorOf(provoke: () => unknown): Promise<unknown> {
  let result: unknown;
  try {
    result = await provoke();
  } catch (error) {
    return error;
  }
  throw new Error(`It did not fail, but gave ${String(result)}.`);
}

/** The only problem that `Container.create` finds. */
async function problem(
  providers: readonly Provider[],
  options: ContainerOptions = {},
): Promise<never> {
  return onlyOne(await errorOf(() => Container.create({ providers, ...options })));
}

function onlyOne(found: unknown): never {
  if (!(found instanceof GraphError || found instanceof AppError)) throw found;
  expect(found.errors).toHaveLength(1);
  throw found.errors[0];
}

/** Fails with what `use` fails with, in a container or a scope of it. */
async function failing(
  options: ContainerOptions,
  use: (scope: ScopeInstance, container: Container) => unknown,
): Promise<never> {
  const container = await Container.create(options);
  try {
    throw await errorOf(() => container.run((scope) => use(scope, container)));
  } finally {
    await container.dispose();
  }
}

/** What the end of a scope fails with, in which a token was resolved. */
async function ending(provider: Provider, of: Token, teardownTimeout?: number): Promise<never> {
  const options = teardownTimeout === undefined ? {} : { teardownTimeout };
  return failing({ providers: [provider], ...options }, (scope) => scope.resolve(of));
}

/** Opened once: threads take their time to start. */
let threads: Promise<Container> | undefined;
const apps: App[] = [];
afterAll(async () => {
  await (await threads)?.dispose();
  await Promise.all(apps.map((app) => app.close()));
});

/** What a token in a container with one thread fails with. */
async function inThread(use: (scope: ScopeInstance) => unknown): Promise<never> {
  const { Grill, Kitchen, Orders, Purses, Reports, Stove, Tenancies } = fixture;
  threads ??= Container.create({
    providers: [Grill, Kitchen, Orders, Purses, Reports, Stove, Tenancies],
    threads: { size: 1, queue: 1 },
  });
  throw await errorOf(async () => (await threads)?.run(use));
}

/** What resizing threads fails with. */
async function resized(group: string, size: number): Promise<never> {
  return failing({ threads: { executor: 'inline' } }, (_scope, container) =>
    container.resizeThreads(size, group),
  );
}

/** What a hop fails with when no thread can be ended any more. */
async function stuck(): Promise<never> {
  const folder = mkdtempSync(join(tmpdir(), 'turno-stuck-'));
  const file = join(folder, 'blocks');
  writeFileSync(file, '');
  const container = await Container.create({
    providers: [fixture.Freezer, value(fixture.Blocking, file)],
    threads: { size: 1 },
  });
  const freeze = () => container.run((scope) => scope.resolve(fixture.Frozen));
  const errors: unknown[] = [];
  for (let time = 0; time < 3; time++) errors.push(await errorOf(freeze));
  rmSync(folder, { recursive: true });
  await container.dispose();
  throw errors[2];
}

/** What the start says where threads have no loader for TypeScript, seen from outside of Jest. */
async function withoutLoader(runner: 'Jest' | 'Vitest' | undefined): Promise<never> {
  const threads = { size: 1, execArgv: [] };
  const { JEST_WORKER_ID } = process.env;
  const realm = globalThis as { __vitest_worker__?: object };
  if (runner !== 'Jest') delete process.env.JEST_WORKER_ID;
  if (runner === 'Vitest') realm.__vitest_worker__ = {};
  try {
    return await problem([Store], { threads });
  } finally {
    delete realm.__vitest_worker__;
    if (JEST_WORKER_ID !== undefined) process.env.JEST_WORKER_ID = JEST_WORKER_ID;
  }
}

/** What providers that no thread can reach fail with: found together, since threads start once. */
let unreachable: Promise<unknown> | undefined;
async function unreachableOf(label: string): Promise<never> {
  unreachable ??= errorOf(() =>
    Container.create({
      providers: [
        fixture.hidden(),
        fixture.hiddenSum(),
        provide(Plugin, { deps: [offloaded(fixture.hiddenInner())] }, async () => 'never'),
        Store,
        Fryer,
      ],
      threads: { size: 1 },
    }),
  );
  const found = await unreachable;
  if (!(found instanceof GraphError)) throw found;
  throw found.errors.find(({ message }) => message.startsWith(label)) ?? found;
}

const fixtureUrl = (name: string) => new URL(`./fixtures/${name}.ts`, import.meta.url).href;

/** What threads fail with that shall import a module first. */
function starting(module: string, startTimeout?: number): Promise<Container> {
  return Container.create({
    providers: [fixture.Reports],
    modules: [module],
    threads: { size: 1, ...(startTimeout === undefined ? {} : { startTimeout }) },
  });
}

/** What a hop fails with for which a thread imports a module that does not end. */
function importing(use: (scope: ScopeInstance) => unknown): Promise<never> {
  return failing(
    {
      providers: [fixture.Flips, value(fixture.Tool, new Spatula())],
      threads: { size: 1, startTimeout: 8_000 },
    },
    use,
  );
}

async function appOf(controllers: readonly Class[], logger: Logger | false = false): Promise<App> {
  const app = await createApp({ controllers, logger });
  apps.push(app);
  return app;
}

/** The only problem that `createApp` finds in the routes. */
async function routeProblem(...controllers: readonly Class[]): Promise<never> {
  return onlyOne(await errorOf(() => appOf(controllers)));
}

/** The only problem of a provider on the loop that asks for an offloaded class. */
async function offloading(of: Class, ...providers: readonly Provider[]): Promise<never> {
  const sign = provide(Plugin, { deps: [offloaded(of)] }, async function sign() {
    return Promise.resolve('signed');
  });
  return problem([sign, ...providers]);
}

/** The only problem that `createApp` finds. */
async function onlyProblem(options: AppOptions): Promise<never> {
  return onlyOne(await errorOf(() => createApp({ ...options, logger: false })));
}

/** The error that an app logs for a request. */
async function logged(controller: Class, url: string): Promise<never> {
  const errors: unknown[] = [];
  const error = (fields: object): void => void errors.push((fields as { err: unknown }).err);
  const app = await appOf([controller], { error, warn: error, info: () => undefined });
  // What fails after its first byte has no answer.
  await app.inject(url).catch(() => undefined);
  expect(errors).toHaveLength(1);
  throw errors[0];
}

const never = (): Promise<never> => new Promise(() => undefined);

/** What JavaScript may pass although the types forbid it. */
const anything = (given: unknown): never => given as never;

/** A decorator without parentheses: it gets what it should decorate. */
const applied = (decorator: unknown, ...target: unknown[]): unknown =>
  (decorator as (...given: unknown[]) => unknown)(...target);

const withThreads = (threads: unknown): Promise<Container> =>
  Container.create({ providers: [fixture.Reports], threads: anything(threads) });

const Burger = token<string>('Burger');
const Port = token<number>('Port');
const Plugin = token<string>('Plugin');
const Greeting = token<string>('Greeting');

class Unknown {}

/** A connection: with a method that data does not have, so no plain object can be meant. */
@Injectable()
class Database {
  query(): string {
    return 'rows';
  }
}

class Request {}

type Provocation = readonly [what: string, provoke: () => unknown];

const provocations: readonly Provocation[] = [
  [
    'several problems',
    () => {
      class Kitchen {
        @Provides(Burger) static async burger(_unknown: Unknown, _port: number): Promise<string> {
          return 'burger';
        }
      }
      return Container.create({ providers: [Kitchen] });
    },
  ],

  [
    'a class that is not decorated',
    () => {
      class Kitchen {
        @Provides(Burger) static async burger(_database: Database, _unknown: Unknown) {
          return 'burger';
        }
      }
      return problem([Kitchen]);
    },
  ],
  [
    'a misspelt token',
    () => {
      const Bruger = token<string>('Bruger');
      class Menu {
        @Provides(Greeting) static async list(@Inject(Bruger) burger: string) {
          return burger;
        }
      }
      return problem([Menu, value(Burger, 'burger')]);
    },
  ],
  [
    'one of several',
    () => {
      class Menu {
        @Provides(Greeting) static async list(@Inject(Plugin) plugin: string) {
          return plugin;
        }
      }
      return problem([Menu, value(Plugin, 'salt', { many: true })]);
    },
  ],
  [
    'an original where nothing is overridden',
    () => {
      class Louder {
        @Provides(Greeting) static async loud(@Inject(original(Greeting)) greeting: string) {
          return greeting.toUpperCase();
        }
      }
      return problem([Louder]);
    },
  ],
  [
    'a class of the platform',
    () => {
      class Menu {
        @Provides(Greeting) static async list(today: Date) {
          return today.toISOString();
        }
      }
      return problem([Menu]);
    },
  ],
  [
    'a token that is resolved and that nothing provides',
    () => failing({}, (_scope, container) => container.resolve(Port)),
  ],

  [
    'a cycle',
    () => {
      class Kitchen {
        @Provides(Burger) static async burger(@Inject(Plugin) plugin: string) {
          return plugin;
        }
        @Provides(Plugin) static async plugin(@Inject(Burger) burger: string) {
          return burger;
        }
      }
      return problem([Kitchen]);
    },
  ],
  ['a cycle of aliases', () => problem([alias(Burger, Plugin), alias(Plugin, Burger)])],
  [
    'a cycle on demand',
    () => {
      class Bakery {
        @Provides(Burger) static async burger(@Inject(lazy(Plugin)) plugin: Lazy<string>) {
          return plugin();
        }
        @Provides(Plugin) static async plugin(@Inject(Burger) burger: string) {
          return burger;
        }
      }
      return Container.create({ providers: [Bakery] });
    },
  ],

  [
    'a token that was undefined',
    () => {
      const other: { Later?: Class } = {};
      class Kitchen {
        @Provides(Burger) static async burger(@Inject(anything(other.Later)) _later: unknown) {
          return 'burger';
        }
      }
      return problem([Kitchen]);
    },
  ],
  [
    'a type that was undefined',
    () => {
      class Kitchen {
        static async grill(_later: unknown) {
          return 'burger';
        }
      }
      // As a compiler leaves it where two modules import each other.
      Reflect.defineMetadata('design:paramtypes', [undefined], Kitchen, 'grill');
      Provides(Burger)(Kitchen, 'grill', { value: Kitchen.grill });
      return problem([Kitchen]);
    },
  ],
  [
    'a forward reference to a name',
    () => {
      class Oven {
        @Provides(Burger) static async burger(
          @Inject(forwardRef(() => anything('Burger'))) _later: unknown,
        ) {
          return 'burger';
        }
      }
      return problem([Oven]);
    },
  ],
  [
    'a forward reference that throws',
    () => {
      class Oven {
        @Provides(Burger) static async burger(
          @Inject(
            forwardRef(() => {
              throw new ReferenceError("Cannot access 'Later' before initialization");
            }),
          )
          _later: unknown,
        ) {
          return 'burger';
        }
      }
      return problem([Oven]);
    },
  ],
  [
    'a forward reference to nothing',
    () => {
      const other: { Later?: Class } = {};
      class Oven {
        @Provides(Burger) static async burger(
          @Inject(forwardRef(() => anything(other.Later))) _later: unknown,
        ) {
          return 'burger';
        }
      }
      return problem([Oven]);
    },
  ],

  [
    'a singleton that needs a request',
    () => {
      @Injectable({ scope: 'request' })
      class PerRequest {}
      @Injectable()
      class Cache {
        constructor(readonly request: PerRequest) {}
      }
      return problem([Cache]);
    },
  ],
  [
    'a controller that holds on to a request',
    () => {
      @Injectable({ scope: 'request' })
      class Session {}
      @Controller()
      class Users {
        constructor(readonly session: Session) {}
        @Get() async one() {
          return 'user';
        }
      }
      return appOf([Users]).catch(onlyOne);
    },
  ],
  [
    'a singleton that needs a scope value',
    () => {
      @Injectable()
      class Session {
        constructor(readonly request: Request) {}
      }
      return problem([Session], { scopeValues: [Request] });
    },
  ],

  [
    'a primitive type',
    () => {
      class Kitchen {
        @Provides(Burger) static async burger(_port: number) {
          return 'burger';
        }
      }
      return problem([Kitchen]);
    },
  ],
  [
    'a primitive type of a parameter of a handler',
    async () => {
      @Controller('/burgers')
      class Burgers {
        @Get('/:id') async one(_id: number) {
          return 1;
        }
      }
      return onlyOne(await errorOf(() => appOf([Burgers])));
    },
  ],
  [
    'an interface',
    () => {
      class Kitchen {
        @Provides(Burger) static async burger(_lookup: Pick<Database, 'query'>) {
          return 'burger';
        }
      }
      return problem([Kitchen]);
    },
  ],
  [
    'a parameter without metadata beside one with @Inject',
    () => {
      // As a compiler without metadata leaves it.
      class Kitchen {
        static async burger(port: number, _database: Database) {
          return String(port);
        }
      }
      Provides(Burger)(Kitchen, 'burger', { value: Kitchen.burger });
      Inject(Port)(Kitchen, 'burger', 0);
      return problem([Kitchen, value(Port, 8000)]);
    },
  ],

  [
    'several methods without metadata',
    () => {
      class Kitchen {
        static async burger(_database: Database) {
          return 'burger';
        }
        static async fries(_database: Database) {
          return 'fries';
        }
      }
      Provides(Burger)(Kitchen, 'burger', { value: Kitchen.burger });
      Provides(Greeting)(Kitchen, 'fries', { value: Kitchen.fries });
      return Container.create({ providers: [Kitchen] });
    },
  ],
  [
    'a function as a type, as that of a class which is imported with `import type`',
    () => {
      class Kitchen {
        @Provides(Burger) static async burger(_make: () => string) {
          return 'burger';
        }
      }
      return problem([Kitchen]);
    },
  ],
  [
    'a method without metadata',
    () => {
      class Kitchen {
        static async burger(_database: Database) {
          return 'burger';
        }
      }
      Provides(Burger)(Kitchen, 'burger', { value: Kitchen.burger });
      return problem([Kitchen]);
    },
  ],
  [
    'a class without a decorator',
    () => {
      class Kitchen {
        constructor(readonly database: Database) {}
        @Provides(Burger) async burger() {
          return 'burger';
        }
      }
      return problem([Kitchen]);
    },
  ],

  [
    'two providers of one token',
    () => {
      class Kitchen {
        @Provides(Burger) static async burger() {
          return 'burger';
        }
      }
      return problem([Kitchen, value(Burger, 'cheeseburger')]);
    },
  ],

  [
    'an override of nothing',
    () => problem([value(Burger, 'burger')], { overrides: [value(Port, 1)] }),
  ],
  [
    'an override that is misspelt',
    () => {
      const Bruger = token<string>('Bruger');
      return problem([value(Burger, 'burger')], { overrides: [value(Bruger, 'x')] });
    },
  ],

  ['an entry that is undefined', () => problem([anything(undefined)])],
  ['an entry that is no provider', () => problem([anything({ token: Burger, useValue: 1 })])],
  ['a class that provides nothing', () => problem([Unknown])],
  [
    'a token of @Provides that was undefined',
    () => {
      const other: { Later?: Token<string> } = {};
      class Kitchen {
        @Provides(anything(other.Later)) static async burger() {
          return 'burger';
        }
      }
      return problem([Kitchen]);
    },
  ],
  ['a scope value that is no token', () => problem([], { scopeValues: [anything('Request')] })],
  [
    'a scope that does not exist',
    () => {
      @Injectable({ scope: anything('session') })
      class Cart {}
      return Cart;
    },
  ],
  [
    'a placement that does not exist',
    () => {
      class Kitchen {
        @Provides(Burger, { on: anything('worker') }) static burger() {
          return 'burger';
        }
      }
      return Kitchen;
    },
  ],
  [
    'scope thread on the loop',
    () => {
      class Kitchen {
        @Provides(Burger, { scope: 'thread', on: 'loop' }) static burger() {
          return 'burger';
        }
      }
      return Kitchen;
    },
  ],
  [
    'scope thread in a group',
    () => {
      class Kitchen {
        @Provides(Burger, { scope: 'thread', threads: 'grill' }) static burger() {
          return 'burger';
        }
      }
      return Kitchen;
    },
  ],
  [
    'a group of threads on the loop',
    () => {
      class Kitchen {
        @Provides(Burger, { on: 'loop', threads: 'grill' }) static burger() {
          return 'burger';
        }
      }
      return Kitchen;
    },
  ],
  [
    'a group of threads of an async method',
    () => {
      class Kitchen {
        @Provides(Burger, { threads: 'grill' }) static async burger() {
          return 'burger';
        }
      }
      return problem([Kitchen], { threads: { groups: { grill: {} } } });
    },
  ],
  [
    'a group of threads that does not exist',
    () => {
      class Kitchen {
        @Provides(Burger, { threads: 'gril' }) static burger() {
          return 'burger';
        }
      }
      return problem([Kitchen], { threads: { groups: { grill: {} } } });
    },
  ],
  [
    'a group of threads that is none',
    () => {
      class Kitchen {
        @Provides(Burger, { threads: anything(2) }) static burger() {
          return 'burger';
        }
      }
      return Kitchen;
    },
  ],
  ['a resize of a group that does not exist', () => resized('grill', 1)],
  ['a resize to nothing', () => resized('default', 0)],
  ['groups of threads that are a list', () => withThreads({ groups: [] })],
  ['a group of threads with a name that is taken', () => withThreads({ groups: { loop: {} } })],
  ['an option of a group that does not exist', () => withThreads({ groups: { grill: { x: 1 } } })],
  ['a size of a group that is none', () => withThreads({ groups: { grill: { size: 0 } } })],
  ['a runtime that does not exist', () => withThreads({ runtime: 'fibers' })],
  [
    'a limit that processes do not know',
    () => withThreads({ runtime: 'child_process', resourceLimits: { stackSizeMb: 1 } }),
  ],
  [
    'a deadline that is none',
    () => {
      class Kitchen {
        @Provides(Burger, { deadline: 0 }) static async burger() {
          return 'burger';
        }
      }
      return Kitchen;
    },
  ],
  ['a deadline of a container that is none', () => Container.create({ deadline: anything('1s') })],
  [
    'a method with two tokens',
    () => {
      class Kitchen {
        @Provides(Burger) @Provides(Plugin) static async burger() {
          return 'burger';
        }
      }
      return Kitchen;
    },
  ],
  [
    'a string for a token',
    () => {
      class Kitchen {
        @Provides(anything('Burger')) static async burger() {
          return 'burger';
        }
      }
      return Kitchen;
    },
  ],
  [
    'a standard decorator',
    // As compilers call it without `experimentalDecorators`.
    () => Injectable()(Unknown, { kind: 'class', name: 'Unknown' }),
  ],
  [
    'resolve(undefined)',
    () => failing({}, (_scope, container) => container.resolve(anything(undefined))),
  ],
  ['an option that does not exist', () => Container.create(anything({ provider: [] }))],
  ['an option that is no array', () => Container.create(anything({ providers: Unknown }))],
  ['a time that is none', () => Container.create({ teardownTimeout: -1 })],
  [
    'a number of threads that is none',
    () => Container.create({ providers: [fixture.Reports], threads: { size: 0 } }),
  ],
  ['a string for a number', () => withThreads({ queue: '8' })],
  ['a niceness that Unix does not know', () => withThreads({ niceness: 20 })],
  ['an executor that does not exist', () => withThreads({ executor: 'piscina' })],
  ['an option of threads that does not exist', () => withThreads({ sise: 1 })],
  ['threads that are null', () => withThreads(null)],
  ['a split that is neither', () => withThreads({ split: 'no' })],
  ['a list for the options of a container', () => Container.create(anything([Database]))],
  [
    'a list for the options of a fork',
    () => failing({}, (_scope, container) => container.fork(anything([value(Burger, 'x')]))),
  ],
  [
    'an offloaded class without methods',
    () => {
      @Injectable()
      class Arrows {
        readonly hash = (text: string) => text;
      }
      return offloading(Arrows);
    },
  ],
  ['@Injectable without parentheses', () => applied(Injectable, Unknown)],
  ['@Portable without parentheses', () => applied(Portable, Unknown)],
  [
    '@Provides without parentheses',
    () => applied(Provides, Unknown, 'burger', { value: () => 'burger' }),
  ],
  ['@Inject without parentheses', () => applied(Inject, Unknown, 'burger', 0)],
  ['@Optional without parentheses', () => applied(Optional, Unknown, 'burger', 0)],
  [
    'an option of @Injectable that does not exist',
    () => {
      @Injectable(anything({ on: 'loop' }))
      class Cart {}
      return Cart;
    },
  ],
  [
    'an option of @Provides that does not exist',
    () => {
      class Kitchen {
        @Provides(Burger, anything({ scopes: 'request' })) static async burger() {
          return 'burger';
        }
      }
      return Kitchen;
    },
  ],
  [
    'a scope value outside of a list',
    () =>
      failing({ scopeValues: [Request] }, (_scope, container) =>
        container.createScope(anything(value(Request, new Request()))),
      ),
  ],
  [
    'a method to be explained',
    () => {
      const { one } = { async one() {} };
      return failing({}, (_scope, container) => container.explain(anything(one)));
    },
  ],
  [
    'an option of resolve that does not exist',
    () => failing({}, (scope) => scope.resolve(Database, anything({ signl: null }))),
  ],
  [
    'a signal instead of options',
    () => failing({}, (scope) => scope.resolve(Database, anything(new AbortController().signal))),
  ],
  ['an option of value that does not exist', () => value(Port, 8000, anything({ mny: true }))],
  ['nothing to run', () => failing({}, (_scope, container) => container.run(anything(undefined)))],
  ['lazy(undefined)', () => lazy(anything(undefined))],
  ['a name for a class', () => keyed(anything('Database'), 'replica')],
  ['a class for a forward reference', () => forwardRef(anything(Database))],
  [
    'an option of provide that does not exist',
    () => provide(Burger, anything({ dep: [] }), async () => 'burger'),
  ],
  [
    'a dependency outside of a list',
    () => provide(Burger, anything({ deps: Database }), async () => 'burger'),
  ],
  ['a class for a function', () => provide(Burger, anything(Database))],
  ['value(undefined)', () => value(anything(undefined), 1)],
  ['provide without a function', () => provide(Burger, anything('burger'))],
  [
    'provide with too few dependencies',
    () =>
      provide(
        Burger,
        { deps: [Port] },
        anything((port: number, plugin: string) => `${plugin} ${port}`),
      ),
  ],
  [
    'provide with a dependency that is none',
    () => provide(Burger, { deps: [anything('Port')] }, async () => 'x'),
  ],
  [
    'a scope value without value()',
    () => failing({ scopeValues: [Request] }, (scope) => scope.createScope([anything({})])),
  ],
  [
    'overrides that are restored out of order',
    async () => {
      const container = await Container.create({ providers: [value(Burger, 'burger')] });
      const first = await container.override(value(Burger, 'cheeseburger'));
      await container.override(value(Burger, 'hamburger'));
      try {
        throw await errorOf(() => first.restore());
      } finally {
        await container.dispose();
      }
    },
  ],
  ['a context variable without a name', () => contextVar(anything(undefined))],
  ['a context variable around nothing', () => fixture.tenant.run('a', anything(undefined))],
  ['a container in a thread', () => inThread((scope) => scope.resolve(fixture.Nested))],
  [
    '@Get without parentheses',
    () => {
      class Burgers {
        @(Get as unknown as MethodDecorator) async list() {
          return 'burger';
        }
      }
      return Burgers;
    },
  ],
  [
    '@Body without parentheses',
    () => {
      const Bare = Body as unknown as ParameterDecorator;
      class Burgers {
        @Post() async order(@Bare body: unknown) {
          return body;
        }
      }
      return Burgers;
    },
  ],
  ['@Query without a name', () => Query(anything(undefined))],
  ['a schema that is undefined', () => Query('id', anything(undefined))],
  ['a scope of a controller', () => Controller('/', anything({ scope: 'request' }))],
  ['an option of @Query that does not exist', () => Query('id', anything({ required: true }))],
  [
    'a status that is none',
    () => {
      class Burgers {
        @Get('/', { status: 99 }) async one() {
          return 'burger';
        }
      }
      return Burgers;
    },
  ],
  [
    'an option of a route that does not exist',
    () => {
      class Burgers {
        @Get('/', anything({ stauts: 201 })) async one() {
          return 'burger';
        }
      }
      return Burgers;
    },
  ],
  ['a body as something unknown', () => Body({ as: anything('xml') })],
  [
    'a limit of a route that is none',
    () => {
      class Burgers {
        @Post('/', { bodyLimit: -1 }) async add() {
          return 'burger';
        }
      }
      return Burgers;
    },
  ],
  [
    'a limit of forms of a route that does not exist',
    () => {
      class Burgers {
        @Post('/', { forms: anything({ parts: 1 }) }) async add() {
          return 'burger';
        }
      }
      return Burgers;
    },
  ],
  [
    'a limit of forms of a route that is none',
    () => {
      class Burgers {
        @Post('/', { forms: { files: -1 } }) async add() {
          return 'burger';
        }
      }
      return Burgers;
    },
  ],
  [
    'a parameter of a type that no text has',
    async () => {
      @Controller('/burgers')
      class Burgers {
        // @ts-expect-error -- the compiler sees it, too
        @Get() async find(@Query('since') since: Date) {
          return since;
        }
      }
      return onlyOne(await errorOf(() => appOf([Burgers])));
    },
  ],
  [
    'an optional parameter of a type that is not known',
    async () => {
      @Controller('/burgers')
      class Burgers {
        @Get() async find(@Header('x-sauce', { optional: true }) sauce: string | undefined) {
          return sauce;
        }
      }
      return onlyOne(await errorOf(() => appOf([Burgers])));
    },
  ],
  [
    'a text of bytes',
    async () => {
      @Controller('/burgers')
      class Burgers {
        @Post() async add(
          // @ts-expect-error -- the compiler sees it, too
          @Body({ as: 'bytes' }) body: string,
        ) {
          return body;
        }
      }
      return onlyOne(await errorOf(() => appOf([Burgers])));
    },
  ],
  [
    'a parameter that is a promise',
    () => {
      const Sauce = createParameter(() => Promise.resolve('ketchup'), { name: 'Sauce' });
      @Controller('/burgers')
      class Burgers {
        @Get() async find(@Sauce() sauce: Promise<string>) {
          return sauce;
        }
      }
      return logged(Burgers, '/burgers');
    },
  ],
  [
    'a parameter of two types',
    async () => {
      @Controller('/burgers')
      class Burgers {
        // @ts-expect-error -- the compiler sees it, too
        @Get() async find(@Query('open', { type: Boolean }) open: string) {
          return open;
        }
      }
      return onlyOne(await errorOf(() => appOf([Burgers])));
    },
  ],
  [
    'a parameter of a type that is not known',
    async () => {
      @Controller('/burgers')
      class Burgers {
        // @ts-expect-error -- the compiler sees it, too
        @Get() async find(@Query('limit') limit: number | 'all') {
          return limit;
        }
      }
      return onlyOne(await errorOf(() => appOf([Burgers])));
    },
  ],

  ...[Query('limit'), Body()].map((parameter): Provocation => [
    'a parameter without metadata that is read from the request',
    async () => {
      // As a compiler without metadata leaves it.
      class Burgers {
        async find(limit: number) {
          return limit;
        }
      }
      parameter(Burgers.prototype, 'find', 0);
      Post()(Burgers.prototype, 'find', { value: Burgers.prototype.find });
      Controller('/burgers')(Burgers);
      return onlyOne(await errorOf(() => appOf([Burgers])));
    },
  ]),

  [
    'a dependency that a thread cannot get',
    () => {
      class Reports {
        @Provides(Greeting) static pdf(database: Database) {
          return database.query();
        }
      }
      return problem([Reports]);
    },
  ],
  [
    'a dependency of a class that a thread builds',
    () => {
      @Injectable()
      class Printer {
        constructor(readonly database: Database) {}
        @Provides(Greeting) print() {
          return 'paper';
        }
      }
      return problem([Printer]);
    },
  ],
  [
    'a value in the place of what lives in threads',
    () => {
      interface Guesser {
        guess(): string;
      }
      const Model = token<Guesser>('Model');
      class Models {
        @Provides(Model, { scope: 'thread' }) static model(): Guesser {
          return { guess: () => 'cheese' };
        }
        @Provides(Greeting) static predict(@Inject(Model) model: Guesser) {
          return model.guess();
        }
      }
      const overrides = [value(Model, { guess: () => 'fake' })];
      return problem([Models], { overrides });
    },
  ],
  [
    'a dependency of a thread that the loop uses, too',
    () => {
      @Injectable()
      class Timer {
        now() {
          return 0;
        }
      }
      class Kitchen {
        @Provides(Greeting) static async order(timer: Timer) {
          return String(timer.now());
        }
        @Provides(Burger) static fry(timer: Timer) {
          return String(timer.now());
        }
      }
      return problem([Kitchen]);
    },
  ],
  [
    'a dependency of a class with async and plain methods',
    () => {
      @Injectable()
      class Shop {
        constructor(readonly database: Database) {}
        @Provides(Greeting) async rows() {
          return this.database.query();
        }
        @Provides(Burger) sum() {
          return 'sum';
        }
      }
      return problem([Shop]);
    },
  ],
  [
    'a dependency of a portable class with a private field',
    () => {
      class Accountant {
        @Provides(Greeting) static count(wallet: fixture.Wallet) {
          return String(wallet.rich);
        }
        @Provides(fixture.Wallet) static async wallet() {
          return new fixture.Wallet();
        }
      }
      return problem([Accountant]);
    },
  ],
  [
    'a given value that a thread cannot get',
    () => {
      const Config = token<object>('Config');
      class Reports {
        @Provides(Greeting) static pdf(@Inject(Config) _config: object) {
          return 'pdf';
        }
      }
      return problem([Reports, value(Config, { now: () => 1 })]);
    },
  ],
  [
    'a singleton that a thread makes',
    () => {
      class Connections {
        @Provides(Database) static open() {
          return new Database();
        }
      }
      return problem([Connections]);
    },
  ],
  [
    'what is made in a thread before a handler there, with the loop between',
    () => {
      const User = token('User');
      class Checks {
        @Provides(Database, { scope: 'request' }) static open() {
          return new Database();
        }
        @Provides(User, { scope: 'request' }) static async user() {
          return 'user';
        }
      }
      class Orders {
        static add(@Inject(Database) _database: Database) {
          return 'added';
        }
      }
      declareHandler(Orders, 'add', { finish: (result) => result });
      const before = new Map([[handlerToken(Orders, 'add'), [Database, User]]]);
      return problem([Checks, Orders], { before });
    },
  ],
  [
    'a singleton of a portable class with a private field',
    () => {
      class Safe {
        @Provides(fixture.Wallet) static open() {
          return new fixture.Wallet();
        }
      }
      return problem([Safe]);
    },
  ],
  [
    'a generator in a thread whose value is wanted outside',
    () => {
      class Files {
        @Provides(Plugin, { scope: 'request' }) static *file() {
          yield 'a file';
        }
        @Provides(Greeting, { scope: 'request' }) static async read(@Inject(Plugin) file: string) {
          return file;
        }
      }
      return problem([Files]);
    },
  ],
  [
    'a generator in a group of threads whose value is wanted in another one',
    () => {
      class Files {
        @Provides(Plugin, { scope: 'request', threads: 'writer' }) static *line() {
          yield 'a line';
        }
        @Provides(Greeting, { scope: 'request' }) static count(@Inject(Plugin) line: string) {
          return line;
        }
      }
      return problem([Files], {
        threads: { executor: 'inline', groups: { writer: { size: 1 } } },
      });
    },
  ],
  [
    'scope thread on the event loop',
    () => {
      class Models {
        @Provides(Plugin, { scope: 'thread' }) static load() {
          return 'a model';
        }
        @Provides(Greeting) static async predict(@Inject(Plugin) model: string) {
          return model;
        }
      }
      return problem([Models]);
    },
  ],
  ['a result that cannot cross', () => inThread((scope) => scope.resolve(fixture.Report))],
  ['a parameter that cannot cross', () => inThread((scope) => scope.resolve(fixture.Archive))],
  [
    'the value of a context variable that cannot cross',
    () =>
      fixture.tenant.run({ query: () => 'rows' }, () =>
        inThread((scope) => scope.resolve(fixture.Ticket)),
      ),
  ],
  [
    'a value that was left in a thread',
    () =>
      inThread(async (scope) => {
        await scope.resolve(fixture.Meal);
        return scope.resolve(fixture.Fire);
      }),
  ],
  ['a private field', () => inThread((scope) => scope.resolve(fixture.Purse))],
  [
    'a dependency of an offloaded class',
    () => {
      @Injectable()
      class Hasher {
        constructor(readonly database: Database) {}
        hash(text: string) {
          return text;
        }
      }
      return offloading(Hasher);
    },
  ],
  [
    'an offloaded class that the loop makes',
    () => {
      class Connections {
        @Provides(Database) static async open() {
          return new Database();
        }
      }
      return offloading(Database, Connections);
    },
  ],
  [
    'an offloaded class that a thread makes for the loop',
    () => {
      class Pools {
        @Provides(Database) static open() {
          return new Database();
        }
      }
      return offloading(Database, Pools);
    },
  ],
  [
    'an offloaded class that a thread asks for',
    () => {
      class Signatures {
        @Provides(Greeting) static sign(@Inject(offloaded(fixture.Hasher)) _hasher: unknown) {
          return 'signed';
        }
      }
      return problem([Signatures]);
    },
  ],
  [
    'an argument that cannot cross',
    () =>
      inThread(async (scope) =>
        (await scope.resolve(offloaded(fixture.Hasher))).hash(new fixture.Order(3)),
      ),
  ],

  ['a class in a function', () => unreachableOf('Hidden')],
  ['an offloaded class in a function', () => unreachableOf('Inner')],
  ['provide in a function', () => unreachableOf('provide(Sum)')],
  ['a module that fails in a thread', () => unreachableOf('Store')],
  ['TypeScript without a loader', () => withoutLoader(undefined)],
  ['TypeScript without a loader, under Jest', () => withoutLoader('Jest')],
  ['TypeScript without a loader, under Vitest', () => withoutLoader('Vitest')],
  ['a class below Container.create', () => unreachableOf('Fryer')],
  [
    'classes that a function makes',
    async () => {
      const found = await errorOf(() => Container.create({ providers: fixture.twins() }));
      throw (found as GraphError).errors[0];
    },
  ],
  [
    'a class whose module does not end',
    () => importing(async (scope) => (await scope.resolve(offloaded(Griddle))).fry()),
  ],
  ['a value whose module does not end', () => importing((scope) => scope.resolve(fixture.Flipped))],
  ['a class without a decorator of its own', () => problem([fixture.Inherited])],

  [
    'a context variable that a step sets',
    () => inThread((scope) => scope.resolve(fixture.Tenancy)),
  ],
  [
    'a context variable that a module sets in a thread',
    async () => {
      const { cause } = (await errorOf(() => starting(fixtureUrl('errors-context')))) as Error;
      throw cause as Error;
    },
  ],

  ['an option that Node does not know', () => withThreads({ execArgv: ['--no-such-flag'] })],
  ['a module that is not there', () => starting('file:///srv/plugins.js')],
  ['a module whose import does not end', () => starting(fixtureUrl('errors-hanging'), 20)],
  ['a module that ends the thread', () => starting(fixtureUrl('errors-exiting'))],

  ['an app without controllers', () => createApp(anything({ providers: [] }))],
  [
    'an option of an app that does not exist',
    () => createApp(anything({ controllers: [], provider: [] })),
  ],
  [
    'a header for ids that is none',
    () => createApp({ controllers: [], requestId: anything(true) }),
  ],
  ['a catch of nothing', () => Catch(anything(undefined))],
  [
    'a class that catches nothing',
    () => {
      class Kitchen {}
      return onlyProblem({ controllers: [], catch: [Kitchen] });
    },
  ],
  [
    'two that catch one class',
    () => {
      class Burnt extends Error {}
      class Kitchen {
        @Catch(Burnt) async burnt(error: Burnt) {
          return error.name;
        }
      }
      class Waiters {
        @Catch(Burnt) async burnt(error: Burnt) {
          return error.name;
        }
      }
      return onlyProblem({ controllers: [], catch: [Kitchen, Waiters] });
    },
  ],
  [
    'a catch of what errors lose on the way out of a thread',
    () => {
      class Burnt extends Error {}
      class Errors {
        @Catch(Burnt) burnt(error: Burnt) {
          return error.name;
        }
      }
      return onlyProblem({ controllers: [], catch: [Errors], threads: { executor: 'inline' } });
    },
  ],
  ['a limit that is none', () => createApp({ controllers: [], bodyLimit: -1 })],
  [
    'a middleware without a path',
    async () => (await createApp({ controllers: [], logger: false })).use(anything(7), () => 1),
  ],
  [
    'a middleware that is none',
    async () => (await createApp({ controllers: [], logger: false })).use(anything(undefined)),
  ],
  [
    'dependencies that are none',
    () => createApp({ controllers: [], depends: [anything(undefined)] }),
  ],
  [
    'a limit of forms that does not exist',
    () => createApp(anything({ controllers: [], forms: { parts: 1 } })),
  ],
  ['a limit of forms that is none', () => createApp({ controllers: [], forms: { files: -1 } })],
  ['more headers than Node can count', () => createApp({ controllers: [], headerLimit: 2000 })],
  ['a proxy by name', () => createApp({ controllers: [], trustProxy: ['my-proxy'] })],
  ['a promise of an app', () => serve(anything(Promise.resolve()), { port: 0 })],
  ['an option of listen', async () => (await appOf([])).listen(anything({ hostname: 'x' }))],
  [
    'a route to be explained that is none',
    async () => {
      @Controller('/burgers')
      class Burgers {
        @Get('/:id') async one() {
          return 'burger';
        }
      }
      return (await appOf([Burgers])).explain('GET /drinks');
    },
  ],
  ['a grace that is none', async () => (await appOf([])).close({ grace: -1 })],
  [
    'a header where there is no request',
    async () => {
      class Access {
        @Provides(Greeting, { scope: 'request' })
        static async user(@Header('authorization') key: string) {
          return key;
        }
      }
      const app = await createApp({ controllers: [], providers: [Access], logger: false });
      apps.push(app);
      return app.container.run((scope) => scope.resolve(Greeting));
    },
  ],
  ['a task that is a promise', () => new BackgroundTasks().add(anything(Promise.resolve()))],
  ['a time that is none', async () => (await appOf([])).listen({ port: 0, requestTimeout: -1 })],
  ['no connection at all', async () => (await appOf([])).listen({ port: 0, maxConnections: 0 })],

  ['a controller that is undefined', () => routeProblem(anything(undefined))],
  ['a controller that is none', () => routeProblem(Unknown)],
  [
    'a controller without routes',
    () => {
      @Controller('/burgers')
      class Burgers {}
      return routeProblem(Burgers);
    },
  ],
  [
    'two handlers of one route',
    () => {
      @Controller('/burgers')
      class Burgers {
        @Get('/:id') async one() {
          return 1;
        }
        @Get('/:name') async named() {
          return 2;
        }
      }
      return routeProblem(Burgers);
    },
  ],
  [
    'a query in a path',
    () => {
      @Controller('/burgers')
      class Burgers {
        @Get('?id=1') async one() {
          return 1;
        }
      }
      return routeProblem(Burgers);
    },
  ],
  [
    'a path that cannot be parsed',
    () => {
      @Controller('/burgers')
      class Burgers {
        @Get('/:id(\\d+') async one() {
          return 1;
        }
      }
      return routeProblem(Burgers);
    },
  ],
  [
    'a parameter twice',
    () => {
      @Controller('/burgers')
      class Burgers {
        @Get('/:id/sauces/:id') async one() {
          return 1;
        }
      }
      return routeProblem(Burgers);
    },
  ],
  [
    'a parameter that the path does not have',
    () => {
      @Controller('/burgers')
      class Burgers {
        @Get('/:number') async one(@Path('id') id: number) {
          return id;
        }
      }
      return routeProblem(Burgers);
    },
  ],
  [
    'one body in two ways',
    () => {
      @Controller('/burgers')
      class Burgers {
        @Post() async add(@Body() body: unknown, @Form('name') name: string) {
          return [body, name];
        }
      }
      return routeProblem(Burgers);
    },
  ],
  [
    'one body as text and as a form',
    () => {
      @Controller('/burgers')
      class Burgers {
        @Post() async add(@Body({ as: 'text' }) text: string, @Form('name') name: string) {
          return [text, name];
        }
      }
      return routeProblem(Burgers);
    },
  ],
  [
    'one handler with two lists of dependencies',
    () => {
      @Controller('/burgers')
      class Burgers {
        @Get() async one() {
          return 1;
        }
      }
      @Depends(Fryer)
      @Controller('/menu', { controllers: [Burgers] })
      class Menu {}
      return routeProblem(Burgers, Menu);
    },
  ],
  [
    'a parameter in braces',
    () => {
      @Controller('/burgers')
      class Burgers {
        @Get('/{id}') async one() {
          return 1;
        }
      }
      return routeProblem(Burgers);
    },
  ],
  [
    'a path that is encoded',
    () => {
      @Controller('/burgers')
      class Burgers {
        @Get('/no%20onions') async one() {
          return 1;
        }
      }
      return routeProblem(Burgers);
    },
  ],
  [
    'an optional part in the middle',
    () => {
      @Controller('/burgers')
      class Burgers {
        @Get('/:id?/sauces') async one() {
          return 1;
        }
      }
      return routeProblem(Burgers);
    },
  ],
  [
    'a star behind a name',
    () => {
      @Controller('/burgers')
      class Burgers {
        @Get('/:path*') async one() {
          return 1;
        }
      }
      return routeProblem(Burgers);
    },
  ],
  [
    'a star in the middle',
    () => {
      @Controller('/burgers')
      class Burgers {
        @Get('/*/sauces') async one() {
          return 1;
        }
      }
      return routeProblem(Burgers);
    },
  ],
  [
    'a colon behind a name',
    () => {
      @Controller('/burgers')
      class Burgers {
        @Get('/:id::cancel') async one() {
          return 1;
        }
      }
      return routeProblem(Burgers);
    },
  ],
  [
    'a rest that the path does not have',
    () => {
      @Controller('/burgers')
      class Burgers {
        @Get('/all') async one(@Path('*') _rest: string) {
          return 1;
        }
      }
      return routeProblem(Burgers);
    },
  ],
  [
    'a response',
    () => {
      @Controller('/burgers')
      class Burgers {
        @Get() async one(_response: ServerResponse) {
          return 1;
        }
      }
      return routeProblem(Burgers);
    },
  ],
  [
    'tasks in a thread',
    () => {
      @Controller('/burgers')
      class Burgers {
        @Get() one(_tasks: BackgroundTasks) {
          return 1;
        }
      }
      return routeProblem(Burgers);
    },
  ],
  [
    'a request in a thread',
    () => {
      @Controller('/burgers')
      class Burgers {
        @Get() one(_request: IncomingMessage) {
          return 1;
        }
      }
      return routeProblem(Burgers);
    },
  ],
  [
    'a pattern that repeats a repetition',
    () => {
      @Controller('/burgers')
      class Burgers {
        @Get('/:id(([a-z]+)+)') async one() {
          return 1;
        }
      }
      return routeProblem(Burgers);
    },
  ],
  [
    'a pattern that repeats alternatives',
    () => {
      @Controller('/burgers')
      class Burgers {
        @Get('/:id((a|aa)+)') async one() {
          return 1;
        }
      }
      return routeProblem(Burgers);
    },
  ],
  [
    'a pattern with many repetitions in a row',
    () => {
      @Controller('/burgers')
      class Burgers {
        @Get('/:id(\\d+\\d+\\d+)') async one() {
          return 1;
        }
      }
      return routeProblem(Burgers);
    },
  ],
  [
    'a generator with what has ended',
    () => {
      const Transaction = token<string>('Transaction');
      class Storage {
        @Provides(Transaction, { scope: 'call' }) static async *transaction() {
          yield 'open';
        }
      }
      @Controller('/burgers')
      class Burgers {
        @Get() async *all(@Inject(Transaction) transaction: string) {
          yield transaction;
        }
      }
      return onlyProblem({ controllers: [Burgers], providers: [Storage] });
    },
  ],
  [
    'a controller below itself',
    () => {
      const below: Class[] = [];
      @Controller('/burgers', { controllers: below })
      class Burgers {}
      below.push(Burgers);
      return routeProblem(Burgers);
    },
  ],
  [
    'several problems of routes',
    () => {
      @Controller('/burgers')
      class Burgers {}
      return appOf([Unknown, Burgers]);
    },
  ],

  [
    'a port in use',
    async () => {
      const first = await appOf([]);
      const { port } = await first.listen({ port: 0 });
      return (await appOf([])).listen({ port });
    },
  ],
  ['a port that is none', async () => (await appOf([])).listen({ port: 80_000 })],
  ['an app without a port', async () => (await appOf([])).listen(anything(undefined))],
  [
    'an app that listens already',
    async () => {
      const app = await appOf([]);
      await app.listen({ port: 0 });
      return app.listen({ port: 0 });
    },
  ],
  [
    'an app that is closed',
    async () => {
      const app = await appOf([]);
      await app.close();
      return app.listen({ port: 0 });
    },
  ],

  [
    'a value of a request from the container',
    () => {
      class Kitchen {
        @Provides(Burger, { scope: 'request' }) static async burger() {
          return 'burger';
        }
      }
      return failing({ providers: [Kitchen] }, (_scope, container) => container.resolve(Burger));
    },
  ],
  [
    'a value of a call from a request',
    () => {
      class Storage {
        @Provides(Plugin, { scope: 'call' }) static async transaction() {
          return 'transaction';
        }
      }
      return failing({ providers: [Storage] }, (scope) => scope.resolve(Plugin));
    },
  ],

  [
    'a scope value that was not declared',
    () => failing({}, (scope) => scope.createScope([value(Request, new Request())])),
  ],
  [
    'a scope value that was not given',
    () => failing({ scopeValues: [Request] }, (scope) => scope.resolve(Request)),
  ],
  [
    'a scope value that only a call was given',
    () => {
      const burger = provide(Burger, { scope: 'request', deps: [Request] }, async () => 'burger');
      return failing({ scopeValues: [Request], providers: [burger] }, (scope) =>
        scope.run((call) => call.resolve(Burger), [value(Request, new Request())]),
      );
    },
  ],
  [
    'a scope value with `many`',
    () =>
      failing({ scopeValues: [Request] }, (scope) =>
        scope.createScope([value(Request, new Request(), { many: true })]),
      ),
  ],
  [
    'a method that returns a generator',
    () => {
      function* made() {
        yield 'burger';
      }
      const burger = provide(Burger, { scope: 'request', on: 'loop' }, () => made());
      return failing({ providers: [burger] }, (scope) => scope.resolve(Burger));
    },
  ],

  [
    'parameters that cannot be read',
    () => {
      class Kitchen {
        static async burger(size: number, sauce: string) {
          return `${size} ${sauce}`;
        }
      }
      for (const [index, name] of ['size', 'sauce'].entries()) {
        declareParameter(Kitchen, 'burger', index, {
          from: Request,
          name,
          reader: () => () => {
            throw new Error(`${name} is required`);
          },
        });
      }
      Provides(Burger, { scope: 'request' })(Kitchen, 'burger', { value: Kitchen.burger });
      const options = { providers: [Kitchen], scopeValues: [Request] };
      return failing(options, (_scope, container) =>
        container.run((scope) => scope.resolve(Burger), [value(Request, new Request())]),
      );
    },
  ],

  [
    'more hops than may wait',
    () =>
      inThread(async () => {
        const container = await threads!;
        const busy = [1, 2, 3].map(() => container.run((scope) => scope.resolve(fixture.Ticket)));
        await Promise.all(busy.map((each) => each.catch(() => undefined)));
        return Promise.all(busy);
      }),
  ],

  ['a thread step beyond its deadline', () => inThread((scope) => scope.resolve(fixture.Slow))],
  ['threads that are stuck', () => stuck()],
  [
    'a handler beyond its deadline',
    () => {
      class Counter {
        static async sell() {
          return new Promise(() => undefined);
        }
      }
      declareHandler(Counter, 'sell', { deadline: 20 });
      return failing({ providers: [Counter], teardownTimeout: 20 }, (scope) =>
        scope.resolve(handlerToken(Counter, 'sell')),
      );
    },
  ],
  [
    'a handler that waits beyond its deadline',
    () => {
      class Counter {
        static async sell(_burger: unknown) {
          return 'sold';
        }
        @Provides(Burger, { scope: 'request' }) static async burger() {
          return new Promise<string>(() => undefined);
        }
      }
      Inject(Burger)(Counter, 'sell', 0);
      declareHandler(Counter, 'sell', { deadline: 20 });
      return failing({ providers: [Counter], teardownTimeout: 20 }, (scope) =>
        scope.resolve(handlerToken(Counter, 'sell')),
      );
    },
  ],

  ['process.exit in a thread', () => inThread((scope) => scope.resolve(fixture.Exit))],
  ['an uncaught error in a thread', () => inThread((scope) => scope.resolve(fixture.Leak))],

  [
    'a container that is disposed',
    async () => {
      const container = await Container.create();
      await container.dispose();
      return container.resolve(Burger);
    },
  ],
  [
    'a scope that is disposed',
    () =>
      failing({}, async (_scope, container) => {
        const scope = container.createScope();
        await scope.dispose();
        return scope.resolve(Burger);
      }),
  ],

  [
    'a generator that does not yield',
    () => {
      class Kitchen {
        @Provides(Burger, { scope: 'request' }) static async *burger() {
          if (Math.random() > 1) yield 'burger';
        }
      }
      return ending(Kitchen, Burger);
    },
  ],
  [
    'a generator that yields twice',
    () => {
      class Kitchen {
        @Provides(Burger, { scope: 'request' }) static async *burger() {
          yield 'burger';
          yield 'another';
        }
      }
      return ending(Kitchen, Burger);
    },
  ],

  [
    'a teardown that does not end',
    () => {
      class Kitchen {
        @Provides(Burger, { scope: 'request' }) static async *burger() {
          yield 'burger';
          await never();
        }
      }
      return ending(Kitchen, Burger, 20);
    },
  ],
  [
    'work that does not stop',
    () => {
      class Kitchen {
        @Provides(Burger, { scope: 'request' }) static async burger() {
          return never();
        }
      }
      return failing({ providers: [Kitchen], teardownTimeout: 20 }, async (_scope, container) => {
        const scope = container.createScope();
        scope.resolve(Burger).catch(() => undefined);
        return scope.dispose();
      });
    },
  ],

  [
    'a start that does not end',
    () => {
      class Kitchen {
        @Provides(Burger) static async burger() {
          return never();
        }
        @Provides(Plugin) static async plugin() {
          return never();
        }
      }
      return Container.create({ providers: [Kitchen], startTimeout: 20, teardownTimeout: 20 });
    },
  ],

  [
    'an asynchronous schema',
    () => {
      const schema: StandardSchema = {
        '~standard': { version: 1, vendor: 'zod', validate: async (given) => ({ value: given }) },
      };
      @Controller('/burgers')
      class Burgers {
        @Get() async find(@Query('name', schema) name: string) {
          return name;
        }
      }
      return logged(Burgers, '/burgers?name=whopper');
    },
  ],

  ['a status that is none', () => new Reply().status(99)],
  ['a name that no header has', () => new Reply().header('x y', 'z')],
  ['a header of the framing', () => new Reply().header('Content-Length', 7)],
  ['a line break in a header', () => new Reply().header('x-note', 'a\r\nb: c')],
  ['a name that no cookie has', () => new Reply().cookie('a;b', 'c')],
  ['a redirect that is none', () => redirect('/', 200 as 302)],
  [
    'an event with two lines for its id',
    async () => {
      @Controller('/events')
      class Events {
        @Get() async events() {
          return sse([{ id: '1\n2' }]);
        }
      }
      return logged(Events, '/events');
    },
  ],

  [
    'a BigInt in an answer',
    () => {
      @Controller('/burgers')
      class Burgers {
        @Get() async count() {
          return { count: 3n };
        }
      }
      return logged(Burgers, '/burgers');
    },
  ],
  [
    'a Map in an answer',
    () => {
      @Controller('/burgers')
      class Burgers {
        @Get() async prices() {
          return new Map([['burger', 3]]);
        }
      }
      return logged(Burgers, '/burgers');
    },
  ],
];

/** Each provocation happens once, whoever asks. */
const outcomes = new Map<Provocation, Promise<Error>>();
function outcome(provocation: Provocation): Promise<Error> {
  let found = outcomes.get(provocation);
  if (found === undefined) {
    found = errorOf(provocation[1]).catch((error: unknown) => error) as Promise<Error>;
    outcomes.set(provocation, found);
  }
  return found;
}

describe('docs/errors.md', () => {
  it('lists each error class once, and nothing that does not exist', () => {
    expect(documented().sort()).toEqual(declared().sort());
    expect(new Set(documented()).size).toBe(documented().length);
  });

  it('shows a message of each class', () => {
    const codes = new Set(quotes().map(({ code }) => `### \`${code}\``));
    expect(codes).toEqual(new Set(text.match(/^### .*/gm)));
  });

  it.each(provocations.map((provocation) => ({ what: provocation[0], provocation })))(
    'shows what users see of $what',
    async ({ provocation }) => {
      const error = await outcome(provocation);
      expect(error).toBeInstanceOf(TurnoError);
      const { code, message } = error as TurnoError;
      const codes = quotes()
        .filter(({ pattern }) => pattern.test(normal(message)))
        .map((quote) => quote.code);
      expect({ message, codes }).toEqual({ message, codes: [code] });
    },
  );

  it.each(quotes())('shows what one provocation ends in: $shown', async ({ pattern }) => {
    const messages: string[] = [];
    // One after the other: some of them take all threads.
    for (const provocation of provocations) {
      messages.push(normal((await outcome(provocation)).message));
    }
    expect(messages.filter((message) => pattern.test(message))).toHaveLength(1);
  });
});
