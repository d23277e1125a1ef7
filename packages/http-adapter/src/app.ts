/** The app: routes, a container and the way of a request through both. */
import { inspect } from 'node:util';
import { IncomingMessage, type ServerResponse } from 'node:http';
import {
  Container,
  DisposedError,
  errorPath,
  GraphError,
  suppressedErrors,
  value,
  type Class,
  type ContainerOptions,
  type Provider,
  type ScopeInstance,
  type Token,
} from '@turno/core';
import type { InjectOptions, Response as InjectResponse } from 'light-my-request';
import { hasUnreadExcess } from './body.js';
import { endpointOf, unfillable, type Endpoint } from './endpoint.js';
import { AppError, ListenError, OptionsError, RouteError } from './errors.js';
import type { FormLimits } from './form.js';
import { checkDepends, formLimits } from './app-options.js';
import { findRoute, hasNoRoute } from './find-route.js';
import { ServiceUnavailable } from './http-error.js';
import { silent, type Logger } from './logger.js';
import {
  MiddlewareChain,
  type ErrorMiddleware,
  type Middleware,
  type Next,
  type Refused,
} from './middleware.js';
import { problemOf } from './problem.js';
import { readBodyOf, readFormOf } from './read.js';
import { HttpRequest, requestToken } from './request.js';
import { encode, isGone, send, type Reply } from './response.js';
import type { Route, RouteTable } from './route.js';
import { targetOf } from './target.js';
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
  'logger',
  'startTimeout',
  'teardownTimeout',
  'deadline',
]);
const defaultBodyLimit = 1024 * 1024;
const defaultGrace = 10_000;
const teardownFailed = 'the teardown of a request failed';
const failedUnseen = 'request failed after its client had gone';

/**
 * Compiles and checks controllers and providers, makes the singletons and starts the threads.
 * In a worker thread, which imports the same modules, it never settles.
 * @throws OptionsError; AppError with all problems of the routes; whatever `Container.create`
 * throws.
 */
export async function createApp(options: AppOptions): Promise<App> {
  const { controllers, depends, bodyLimit, forms, logger } = checkOptions(options);
  // Here, with the router behind it: worker threads import this package for its decorators only.
  const { collectRoutes } = await import('./route.js');
  const table = collectRoutes(controllers, depends);
  // What is wrong with the other ones the routes say.
  const served = new Set(table.routes.map(({ controller }) => controller as Class));
  const container = await startContainer({
    providers: [...new Set<Provider>([...served, ...(options.providers ?? [])])],
    scopeValues: [IncomingMessage, requestToken],
    before: table.before,
    check: (inputs) => [
      ...table.problems,
      ...(inputs === undefined ? [] : unfillable(table.routes, inputs)),
    ],
    ...(options.overrides === undefined ? {} : { overrides: options.overrides }),
    ...(options.threads === undefined ? {} : { threads: options.threads }),
    ...(options.modules === undefined ? {} : { modules: options.modules }),
    ...(options.startTimeout === undefined ? {} : { startTimeout: options.startTimeout }),
    ...(options.teardownTimeout === undefined ? {} : { teardownTimeout: options.teardownTimeout }),
    ...(options.deadline === undefined ? {} : { deadline: options.deadline }),
  });
  return new App(table, container, { bodyLimit, forms }, logger ?? (await defaultLogger()));
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
  const { controllers, bodyLimit = defaultBodyLimit, logger } = options ?? ({} as AppOptions);
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
  return {
    controllers: controllers as readonly Class[],
    depends: checkDepends(options?.depends),
    bodyLimit,
    forms: formLimits(options?.forms),
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
  ) {
    this.#router = router;
    this.#limits = limits;
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
    response.once('close', () => this.#leave());
    this.#middleware.run(
      request,
      response,
      (refused) => void this.#handle(request, response, next, refused),
      (error) => this.#logError(error, request, 'a middleware failed after it had gone on'),
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
    let scope: ScopeInstance | undefined;
    let failure: unknown;
    try {
      let reply: Reply;
      try {
        if (this.#isClosed) throw closing();
        if (refused !== undefined) throw refused.error;
        if (next !== undefined && hasNoRoute(this.#router, request)) {
          next();
          return;
        }
        const found = findRoute(this.#router, request);
        if ('status' in found) {
          reply = found;
        } else {
          const { route, params, search } = found;
          const endpoint = this.#endpointOf(route);
          const { reads } = endpoint;
          const body =
            reads === 'body' ? await readBodyOf(request, this.#limits.bodyLimit) : undefined;
          const form = reads === 'form' ? await readFormOf(request, this.#limits.forms) : undefined;
          scope = this.container.createScope([
            value(IncomingMessage, request),
            value(requestToken, new HttpRequest(request, params, search, body, form)),
          ]);
          cancelWith(response, scope);
          const result = await scope.resolve(endpoint.token);
          reply = encode(route.label, result, route.status);
        }
      } catch (error) {
        failure = error;
        if (isGone(response)) {
          // There is nobody to answer, and that work was interrupted is no fault.
          if (scope !== undefined && !isInterruption(error)) {
            this.#logError(error, request, failedUnseen);
          }
          return;
        }
        reply = this.#replyTo(error, request);
      }
      await send(request, response, reply, {
        close: this.#closing !== undefined,
        linger: hasUnreadExcess(request, this.#limits.bodyLimit),
      });
    } catch (error) {
      this.#logError(error, request, 'the answer could not be sent');
      response.destroy();
    } finally {
      await this.#dispose(scope, request, failure);
      this.#leave();
    }
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

  #replyTo(thrown: unknown, request: IncomingMessage): Reply {
    // What was cut off at the end of the grace can be tried elsewhere.
    const isCutOff = this.#isClosed && thrown instanceof DisposedError;
    const error = isCutOff ? closing() : thrown;
    const { reply, level, logged } = problemOf(error);
    if (level === 'error') this.#logError(logged, request, 'request failed');
    else if (level === 'warn') this.log.warn(this.#about(logged, request), 'request refused');
    return reply;
  }

  #logError(error: unknown, request: IncomingMessage, message: string): void {
    this.log.error(this.#about(error, request), message);
  }

  /** Without the query, which may hold what a log must not. */
  #about(err: unknown, request: IncomingMessage): object {
    const path = errorPath(err)?.join(' -> ');
    const suppressed = suppressedErrors(err);
    return {
      err,
      method: request.method,
      url: targetOf(request).split('?', 1)[0],
      ...(path === undefined ? {} : { path }),
      ...(suppressed.length === 0 ? {} : { suppressed: suppressed.map(textOf) }),
    };
  }

  /** @param failure - what the request has failed with: what it has made sees it. */
  async #dispose(
    scope: ScopeInstance | undefined,
    request: IncomingMessage,
    failure: unknown,
  ): Promise<void> {
    try {
      await scope?.dispose(failure);
      // What failed because, or after, the client had gone has nobody else to tell.
      if (isInterruption(failure)) {
        for (const error of suppressedErrors(failure)) {
          if (!isInterruption(error)) this.#logError(error, request, failedUnseen);
        }
      }
    } catch (error) {
      this.#logError(error, request, teardownFailed);
    }
  }
}

/** Whether work ended because the client has gone, and not by a fault of its own. */
function isInterruption(error: unknown): boolean {
  // By name: a DOMException is an Error in its own realm only.
  const { name } = (error ?? {}) as { readonly name?: unknown };
  return error instanceof DisposedError || name === 'AbortError';
}

/** With the stack, which loggers leave out of errors in a list. */
function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? String(error)) : inspect(error);
}

function closing(): ServiceUnavailable {
  return new ServiceUnavailable('The server is closing.', { headers: { 'retry-after': '1' } });
}

/**
 * Ends the scope when the client goes away before its answer, which cancels what is being made in
 * it. The scope makes an AbortSignal only where a provider asks for one; a controller of its own
 * for each request would cost a quarter of the rate of a bare server.
 */
function cancelWith(response: ServerResponse, scope: ScopeInstance): void {
  response.once('close', () => {
    if (response.writableEnded) return;
    const reason = new DOMException('The client has gone before its answer.', 'AbortError');
    // Whoever waits for the scope's end sees an error of its teardown.
    scope.dispose(reason).catch(() => undefined);
  });
}
