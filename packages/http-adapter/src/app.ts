/** The app: routes, a container and the way of a request through both. */
import { IncomingMessage, type ServerResponse } from 'node:http';
import {
  Container,
  GraphError,
  value,
  type Class,
  type ContainerOptions,
  type Provider,
  type ScopeInstance,
  type Token,
} from '@turno/core';
import type { InjectOptions, Response as InjectResponse } from 'light-my-request';
import type { BackgroundTasks } from './background.js';
import { hasUnreadExcess } from './body.js';
import { Catches, errorToken } from './catch.js';
import { endpointOf, unfillable, type Endpoint } from './endpoint.js';
import { AppError, ListenError, OptionsError, RouteError } from './errors.js';
import type { FormLimits } from './form.js';
import { checkDepends, formLimits } from './app-options.js';
import { findRoute, hasNoRoute } from './find-route.js';
import { closing, Failures, type FailureContext } from './failure.js';
import { silent, type Logger } from './logger.js';
import {
  MiddlewareChain,
  type ErrorMiddleware,
  type Middleware,
  type Next,
  type Refused,
} from './middleware.js';
import { readBodyOf, readFormOf } from './read.js';
import { HttpRequest, requestToken } from './request.js';
import { RequestIds } from './request-id.js';
import { RequestLog } from './request-log.js';
import { RequestProviders } from './request-providers.js';
import { send, type SendOptions } from './response.js';
import type { Route, RouteTable } from './route.js';
import { clientGone } from './stream.js';
import { transmit, type Manner } from './transmit.js';
import { closeServer, openServer, type Address, type ListenOptions } from './server.js';

/** Options of {@link createApp}. */
export interface AppOptions extends Pick<
  ContainerOptions,
  'overrides' | 'threads' | 'modules' | 'startTimeout' | 'teardownTimeout' | 'deadline'
> {
  /** Classes that are decorated with `@Controller()`. */
  readonly controllers: readonly Class[];
  /** What is made before all handlers, for its effect; see {@link Depends}. */
  readonly depends?: readonly Token[];
  /** What else is in the container: as for `Container.create`. */
  readonly providers?: readonly Provider[];
  /** Longest body of a request, in bytes. Default 1 MiB. */
  readonly bodyLimit?: number;
  /** What forms may be at most; see {@link FormLimits}. */
  readonly forms?: Partial<FormLimits>;
  /**
   * Classes with methods that are decorated with `@Catch(TheError)`. Those of `providers` that have
   * some count as well.
   */
  readonly catch?: readonly Class[];
  /**
   * The header that may bring the id of a request, which stands in the log and in problem documents;
   * where it brings none an id is made. Default `x-request-id`; `false`: always made. Every client can
   * say it, unless a proxy replaces it.
   */
  readonly requestId?: string | false;
  /** Logs a line for each request: method, path, status, milliseconds, id. Default false. */
  readonly logRequests?: boolean;
  /** Default: a pino instance of its own, which writes to stdout. `false` logs nothing. */
  readonly logger?: Logger | false;
}

/** Options of {@link App.close}. */
export interface CloseOptions {
  /** How long requests in work may take to end, in milliseconds. Default 10,000. */
  readonly grace?: number;
}

const optionNames: ReadonlySet<string> = new Set([
  'controllers',
  'providers',
  'depends',
  'overrides',
  'threads',
  'modules',
  'bodyLimit',
  'forms',
  'catch',
  'requestId',
  'logRequests',
  'logger',
  'startTimeout',
  'teardownTimeout',
  'deadline',
]);
const defaultBodyLimit = 1024 * 1024;
const defaultGrace = 10_000;

/**
 * Compiles and checks controllers and providers, makes the singletons and starts the threads.
 * In a worker thread, which imports the same modules, it never settles.
 * @throws OptionsError; AppError with all problems of the routes; whatever `Container.create`
 * throws.
 */
export async function createApp(options: AppOptions): Promise<App> {
  const { controllers, depends, bodyLimit, forms, logger, requestId } = checkOptions(options);
  // Here, with the router behind it: worker threads import this package for its decorators only.
  const { collectRoutes } = await import('./route.js');
  const table = collectRoutes(controllers, depends);
  const catches = new Catches(options.catch ?? [], options.providers ?? []);
  // What is wrong with the other ones the routes say.
  const served = new Set(table.routes.map(({ controller }) => controller as Class));
  const container = await startContainer({
    providers: [
      ...new Set<Provider>([
        RequestProviders,
        ...served,
        ...(options.providers ?? []),
        ...catches.owners,
      ]),
    ],
    scopeValues: [IncomingMessage, requestToken, errorToken],
    before: table.before,
    check: (inputs) => [
      ...table.problems,
      ...catches.problems,
      ...(inputs === undefined ? [] : unfillable(table.routes, inputs)),
    ],
    ...(options.overrides === undefined ? {} : { overrides: options.overrides }),
    ...(options.threads === undefined ? {} : { threads: options.threads }),
    ...(options.modules === undefined ? {} : { modules: options.modules }),
    ...(options.startTimeout === undefined ? {} : { startTimeout: options.startTimeout }),
    ...(options.teardownTimeout === undefined ? {} : { teardownTimeout: options.teardownTimeout }),
    ...(options.deadline === undefined ? {} : { deadline: options.deadline }),
  });
  return new App(table, container, { bodyLimit, forms }, logger ?? (await defaultLogger()), {
    catches,
    ids: new RequestIds(requestId === false ? undefined : requestId.toLowerCase()),
    isLogged: options.logRequests === true,
  });
}

/** Where routes are wrong too, all problems are those of the app. */
async function startContainer(options: ContainerOptions): Promise<Container> {
  try {
    return await Container.create(options);
  } catch (error) {
    const errors = error instanceof GraphError ? error.errors : [];
    throw errors.some((each) => each instanceof RouteError) ? new AppError(errors) : error;
  }
}

function checkOptions(options: AppOptions | undefined) {
  const {
    controllers,
    bodyLimit = defaultBodyLimit,
    logger,
    requestId = 'x-request-id',
  } = options ?? ({} as AppOptions);
  const unknown = Object.keys(options ?? {}).find((name) => !optionNames.has(name));
  if (unknown !== undefined) {
    throw new OptionsError(
      `createApp has no option "${unknown}".`,
      `Its options are ${[...optionNames].join(', ')}.`,
    );
  }
  if (!Array.isArray(controllers)) {
    throw new OptionsError(
      'createApp was given no `controllers`.',
      'List the classes that are decorated with @Controller(): createApp({ controllers: [Burgers] }).',
    );
  }
  if (!Number.isSafeInteger(bodyLimit) || bodyLimit < 0) {
    throw new OptionsError(
      `createApp was given the \`bodyLimit\` ${String(bodyLimit)}.`,
      'It is a whole number of bytes.',
    );
  }
  // JavaScript may pass anything.
  const header: unknown = requestId;
  if (header !== false && (typeof header !== 'string' || header === '')) {
    throw new OptionsError(
      `createApp was given the \`requestId\` ${String(header)}.`,
      'It is the name of a header, or false.',
    );
  }
  return {
    controllers: controllers as readonly Class[],
    depends: checkDepends(options?.depends),
    bodyLimit,
    forms: formLimits(options?.forms),
    requestId,
    logger: logger === false ? silent : logger,
  };
}

/** Imported here: a worker thread has no use for it, and its start-up time counts. */
async function defaultLogger(): Promise<Logger> {
  const { pino } = await import('pino');
  const logger: Logger = pino();
  return logger;
}

interface Limits {
  /** Of a JSON body, in bytes. */
  readonly bodyLimit: number;
  readonly forms: FormLimits;
}

/** What {@link createApp} makes: routes over a container, with or without a server. */
export class App implements AsyncDisposable {
  /**
   * Handles one request; for a server of your own: `http.createServer(app.handler)`. It never
   * throws. Closing that server is yours; `close` waits for the requests in work here as well.
   * @param next - of Express and the like: is called, instead of a 404, where no route has that path.
   */
  readonly handler: (
    request: IncomingMessage,
    response: ServerResponse,
    next?: (error?: unknown) => void,
  ) => void;

  readonly #middleware = new MiddlewareChain();

  readonly #router: RouteTable['router'];
  readonly #endpoints = new Map<Route, Endpoint>();
  /** Of the container, when the endpoints were compiled: an override may change what they need. */
  #revision: number;
  readonly #limits: Limits;
  readonly #requestLog: RequestLog;
  readonly #failures: Failures;
  readonly #isLogged: boolean;
  #listening: ReturnType<typeof openServer> | undefined;
  #closing: Promise<void> | undefined;
  #isClosed = false;
  #inWork = 0;
  #onIdle: (() => void) | undefined;

  /** Use {@link createApp}. */
  constructor(
    { router, routes }: RouteTable,
    readonly container: Container,
    limits: Limits,
    readonly log: Logger,
    { catches, ids, isLogged }: Pick<FailureContext, 'catches' | 'ids' | 'isLogged'>,
  ) {
    this.#router = router;
    this.#limits = limits;
    this.#requestLog = new RequestLog(log, ids);
    this.#isLogged = isLogged;
    this.#failures = new Failures({
      catches,
      ids,
      isLogged,
      log: this.#requestLog,
      openScope: (request, asked) => this.#openScope(request, asked),
      isClosed: () => this.#isClosed,
      manner: (request) => this.#manner(request),
    });
    this.#revision = container.revision;
    for (const route of routes) this.#endpoints.set(route, endpointOf(route, container));
    this.handler = (request, response, next) => {
      if (this.#middleware.isEmpty) void this.#handle(request, response, next);
      else this.#pass(request, response, next);
    };
  }

  /**
   * Adds a middleware of the Connect shape: `app.use(helmet())`. They run before requests are routed, in
   * the order in which they were added. One with four parameters gets what others throw or pass to
   * `next`; what none of them takes is answered as an error of a handler is.
   * @param path - only for requests to it and below; the middleware gets the rest of it as `url`.
   * @throws OptionsError for what is no middleware.
   */
  use(middleware: Middleware): this;
  // Not one signature with a union: the compiler tells the types of arrow functions by their number
  // of parameters.
  // eslint-disable-next-line @typescript-eslint/unified-signatures -- see above
  use(middleware: ErrorMiddleware): this;
  use(path: string, middleware: Middleware): this;
  // eslint-disable-next-line @typescript-eslint/unified-signatures -- see above
  use(path: string, middleware: ErrorMiddleware): this;
  use(...given: readonly unknown[]): this {
    const [path, middleware] = given.length > 1 ? given : ['/', given[0]];
    this.#middleware.add(path, middleware);
    return this;
  }

  /**
   * Opens a server. Port 0 takes a free port.
   * @throws ListenError when it cannot listen there, listens already, or is closed.
   */
  async listen(options: ListenOptions): Promise<Address> {
    if (this.#closing !== undefined) {
      throw new ListenError('The app is closed.', 'Create a new one.');
    }
    if (this.#listening !== undefined) {
      throw new ListenError(
        'The app listens already.',
        'For a second address give `app.handler` to a server of your own.',
      );
    }
    this.#listening = openServer(this.handler, options);
    try {
      const { address } = await this.#listening;
      this.log.info({ url: address.url }, 'listening');
      return address;
    } catch (error) {
      // Another port may be free.
      this.#listening = undefined;
      throw error;
    }
  }

  /** Answers a request without a socket, for tests: a path, or method, url, headers and payload. */
  async inject(request: string | InjectOptions): Promise<InjectResponse> {
    const { default: inject } = await import('light-my-request');
    return inject(this.handler, request);
  }

  /**
   * Stops accepting connections, lets requests in work end (and their connections with them),
   * ends what is left after the grace, then disposes the container: threads, singletons. Each
   * further call returns the same promise.
   */
  close({ grace = defaultGrace }: CloseOptions = {}): Promise<void> {
    return (this.#closing ??= this.#close(grace));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(grace: number): Promise<void> {
    let expire: NodeJS.Timeout | undefined;
    const drained = new Promise<void>((resolve) => {
      this.#onIdle = resolve;
      if (this.#inWork === 0) resolve();
      else expire = setTimeout(resolve, grace);
    });
    // A server that is just about to open is closed as well; one that failed to is none.
    const opened = await this.#listening?.catch(() => undefined);
    await Promise.all([drained, opened && closeServer(opened.server, drained)]);
    clearTimeout(expire);
    this.#isClosed = true;
    await this.container.dispose();
  }

  #pass(request: IncomingMessage, response: ServerResponse, next: Next | undefined): void {
    // One of them may answer, now or later.
    this.#inWork += 1;
    const started = this.#isLogged ? performance.now() : 0;
    let isHandedOn = false;
    response.once('close', () => {
      if (this.#isLogged && !isHandedOn) this.#requestLog.answered(request, response, started);
      this.#leave();
    });
    this.#middleware.run(
      request,
      response,
      (refused) => {
        isHandedOn = true;
        void this.#handle(request, response, next, refused);
      },
      (error) => this.#requestLog.error(error, request, 'a middleware failed after it had gone on'),
    );
  }

  #leave(): void {
    this.#inWork -= 1;
    if (this.#inWork === 0) this.#onIdle?.();
  }

  /** Never rejects. @param refused - what a middleware has failed with. */
  async #handle(
    request: IncomingMessage,
    response: ServerResponse,
    next?: Next,
    refused?: Refused,
  ): Promise<void> {
    this.#inWork += 1;
    const started = this.#isLogged ? performance.now() : 0;
    let scope: ScopeInstance | undefined;
    let asked: HttpRequest | undefined;
    let hasSucceeded = false;
    let failure: unknown;
    try {
      try {
        if (this.#isClosed) throw closing();
        if (refused !== undefined) throw refused.error;
        if (next !== undefined && hasNoRoute(this.#router, request)) {
          next();
          return;
        }
        const found = findRoute(this.#router, request);
        if ('status' in found) {
          await send(request, response, found, this.#manner(request));
        } else {
          const { route, params, search } = found;
          const endpoint = this.#endpointOf(route);
          const { reads } = endpoint;
          const body =
            reads === 'body' ? await readBodyOf(request, this.#limits.bodyLimit) : undefined;
          const form = reads === 'form' ? await readFormOf(request, this.#limits.forms) : undefined;
          asked = new HttpRequest(request, params, search, body, form);
          scope = this.#openScope(request, asked);
          cancelWith(response, scope, asked);
          const result = await scope.resolve(endpoint.token);
          asked.isAnswered = true;
          await transmit(request, response, result, mannerOf(route, asked), this.#manner(request));
        }
        hasSucceeded = true;
      } catch (error) {
        failure = error;
        await this.#failures.answer(error, request, response, scope, asked);
      }
      if (this.#isLogged) this.#requestLog.answered(request, response, started);
      if (hasSucceeded && asked?.tasks !== undefined && scope !== undefined) {
        await this.#work(asked.tasks, scope, request);
      }
    } catch (error) {
      this.#requestLog.error(error, request, 'the answer could not be sent');
      response.destroy();
    } finally {
      await this.#failures.end(scope, request, failure);
      this.#leave();
    }
  }

  #openScope(request: IncomingMessage, asked: HttpRequest): ScopeInstance {
    return this.container.createScope([
      value(IncomingMessage, request),
      value(requestToken, asked),
    ]);
  }

  #manner(request: IncomingMessage): SendOptions {
    return {
      close: this.#closing !== undefined,
      linger: hasUnreadExcess(request, this.#limits.bodyLimit),
    };
  }

  #work(tasks: BackgroundTasks, scope: ScopeInstance, request: IncomingMessage): Promise<void> {
    return tasks.run(scope, {
      failed: (error) => this.#requestLog.error(error, request, 'a background task failed'),
      isOver: () => this.#isClosed,
      dropped: (count) => {
        this.log.error({ count }, 'background tasks were dropped, since the app has closed');
      },
    });
  }

  #endpointOf(route: Route): Endpoint {
    if (this.#revision !== this.container.revision) {
      this.#revision = this.container.revision;
      for (const each of this.#endpoints.keys()) {
        this.#endpoints.set(each, endpointOf(each, this.container));
      }
    }
    // There is one for each route, from the constructor on.
    return this.#endpoints.get(route) as Endpoint;
  }
}

function mannerOf({ label, status }: Route, { reply }: HttpRequest): Manner {
  return { label, status, reply };
}

/**
 * Ends the scope when the client goes away before its answer, which cancels what is being made in
 * it. The scope makes an AbortSignal only where a provider asks for one; a controller of its own
 * for each request would cost a quarter of the rate of a bare server.
 */
function cancelWith(response: ServerResponse, scope: ScopeInstance, asked: HttpRequest): void {
  response.once('close', () => {
    if (response.writableEnded) return;
    const reason = clientGone();
    if (asked.isAnswered) {
      // What sends the answer ends it; it may wait for something with a signal.
      scope.abort(reason);
      return;
    }
    // Whoever waits for the scope's end sees an error of its teardown.
    scope.dispose(reason).catch(() => undefined);
  });
}
