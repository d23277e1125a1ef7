/** The app: routes, a container and the way of a request through both. */
import { inspect } from 'node:util';
import { IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import {
  Container,
  DisposedError,
  errorPath,
  GraphError,
  suppressedErrors,
  handlerToken,
  value,
  type Class,
  type ContainerOptions,
  type ParameterSource,
  type Provider,
  type ScopeInstance,
  type Token,
} from '@turno/core';
import type { InjectOptions, Response as InjectResponse } from 'light-my-request';
import { hasUnreadExcess, readJsonBody } from './body.js';
import { AppError, ListenError, OptionsError, RouteError } from './errors.js';
import { originForm, refusalOf } from './guard.js';
import {
  BadRequest,
  MethodNotAllowed,
  NotFound,
  ServiceUnavailable,
  UriTooLong,
  type HttpError,
} from './http-error.js';
import { reportRefusals } from './limits.js';
import { silent, type Logger } from './logger.js';
import { asRequestSource } from './parameter.js';
import { problemOf, problemReply } from './problem.js';
import { HttpRequest, requestToken } from './request.js';
import { requestInfoProvider, trustOf } from './request-info.js';
import {
  checkRequestOptions,
  requestOptionNames,
  type RequestLimits,
  type RequestOptions,
} from './request-options.js';
import { encode, isGone, send, type Reply } from './response.js';
import type { Route, RouteTable } from './route.js';
import { closeServer, openServer, type Address, type ListenOptions } from './server.js';

/** Options of {@link createApp}. */
export interface AppOptions
  extends
    RequestOptions,
    Pick<
      ContainerOptions,
      'overrides' | 'threads' | 'modules' | 'startTimeout' | 'teardownTimeout' | 'deadline'
    > {
  /** Classes that are decorated with `@Controller()`. */
  readonly controllers: readonly Class[];
  /** What else is in the container: as for `Container.create`. */
  readonly providers?: readonly Provider[];
  /** Longest body of a request, in bytes. Default 1 MiB. */
  readonly bodyLimit?: number;
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
  'overrides',
  'threads',
  'modules',
  'bodyLimit',
  'logger',
  'startTimeout',
  'teardownTimeout',
  'deadline',
  ...requestOptionNames,
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
  const checked = checkOptions(options);
  const { controllers, logger } = checked;
  const trust = await trustOf(checked.trustProxy);
  // Here, with the router behind it: worker threads import this package for its decorators only.
  const { collectRoutes } = await import('./route.js');
  const table = collectRoutes(controllers);
  // What is wrong with the other ones the routes say.
  const withRoutes = new Set(table.routes.map(({ controller }) => controller));
  const served = controllers.filter((controller) => withRoutes.has(controller));
  const container = await startContainer({
    providers: [
      ...new Set<Provider>([...served, ...(options.providers ?? [])]),
      requestInfoProvider(trust),
    ],
    scopeValues: [IncomingMessage, requestToken],
    check: (inputs) => [
      ...table.problems,
      ...(inputs === undefined ? [] : unknownPathParameters(table.routes, inputs)),
    ],
    ...(options.overrides === undefined ? {} : { overrides: options.overrides }),
    ...(options.threads === undefined ? {} : { threads: options.threads }),
    ...(options.modules === undefined ? {} : { modules: options.modules }),
    ...(options.startTimeout === undefined ? {} : { startTimeout: options.startTimeout }),
    ...(options.teardownTimeout === undefined ? {} : { teardownTimeout: options.teardownTimeout }),
    ...(options.deadline === undefined ? {} : { deadline: options.deadline }),
  });
  return new App(table, container, checked, logger ?? (await defaultLogger()));
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
    ...checkRequestOptions(options ?? {}),
    bodyLimit,
    controllers: controllers as readonly Class[],
    logger: logger === false ? silent : logger,
  };
}

/** Imported here: a worker thread has no use for it, and its start-up time counts. */
async function defaultLogger(): Promise<Logger> {
  const { pino } = await import('pino');
  const logger: Logger = pino();
  return logger;
}

/** `@Path("id")`, in a handler or one of its providers, under a route without `:id`. */
function unknownPathParameters(
  routes: readonly Route[],
  inputs: (token: Token) => readonly ParameterSource[],
): RouteError[] {
  return routes.flatMap((route) => {
    const missing = new Set<string>();
    for (const source of inputs(tokenOf(route))) {
      const own = asRequestSource(source);
      if (own?.location === 'path' && own.required && !route.params.includes(own.key)) {
        missing.add(own.key);
      }
    }
    return [...missing].map(
      (key) =>
        new RouteError(
          `${route.method} ${route.path} of ${route.label} has no parameter "${key}", which @Path("${key}") of the handler or one of its providers asks for.`,
          `Add it to the path (/:${key}), or make the parameter optional: @Path("${key}", { optional: true }).`,
        ),
    );
  });
}

function tokenOf({ controller, handler }: Route): Token {
  return handlerToken(controller, handler);
}

/** What is known of a route once its plan is compiled. */
interface Endpoint {
  readonly token: Token;
  /** Whether some parameter of the plan is read from the body. */
  readonly wantsBody: boolean;
}

/** What {@link createApp} makes: routes over a container, with or without a server. */
export class App implements AsyncDisposable {
  /**
   * Handles one request; for a server of your own: `http.createServer(app.handler)`. It never
   * throws. Closing that server is yours; `close` waits for the requests in work here as well.
   */
  readonly handler: RequestListener;

  readonly #router: RouteTable['router'];
  readonly #endpoints = new Map<Route, Endpoint>();
  /** Of the container, when the endpoints were compiled: an override may change what they need. */
  #revision: number;
  readonly #limits: RequestLimits;
  #listening: ReturnType<typeof openServer> | undefined;
  #closing: Promise<void> | undefined;
  #isClosed = false;
  #inWork = 0;
  #onIdle: (() => void) | undefined;

  /** Use {@link createApp}. */
  constructor(
    { router, routes }: RouteTable,
    readonly container: Container,
    limits: RequestLimits,
    readonly log: Logger,
  ) {
    this.#router = router;
    this.#limits = limits;
    this.#revision = container.revision;
    for (const route of routes) this.#endpoints.set(route, endpointOf(route, container));
    this.handler = (request, response) => {
      void this.#handle(request, response);
    };
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
      const { server, address } = await this.#listening;
      reportRefusals(server, this.log);
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

  /** Never rejects. */
  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#inWork += 1;
    let scope: ScopeInstance | undefined;
    let failure: unknown;
    let refusal: HttpError | undefined;
    try {
      let reply: Reply;
      try {
        if ((refusal = this.#refuse(request)) !== undefined) throw refusal;
        if (this.#isClosed) throw closing();
        const { route, params, search } = this.#find(request);
        const endpoint = this.#endpointOf(route);
        const body = endpoint.wantsBody ? await this.#readBody(request) : undefined;
        scope = this.container.createScope([
          value(IncomingMessage, request),
          value(requestToken, new HttpRequest(request.headers, params, search, body)),
        ]);
        cancelWith(response, scope);
        const result = await scope.resolve(endpoint.token);
        reply = encode(route.label, result, route.status);
      } catch (error) {
        failure = error;
        if (isGone(response)) {
          // There is nobody to answer, and that work was interrupted is no fault.
          if (scope !== undefined && !isInterruption(error)) {
            this.#logError(error, request, failedUnseen);
          }
          return;
        }
        // A refusal is the client's fault, whatever its status says of this server.
        reply = refusal ? problemReply(refusal) : this.#replyTo(error, request);
      }
      await send(request, response, reply, {
        close: this.#closing !== undefined || refusal !== undefined,
        linger: hasUnreadExcess(request, this.#limits.bodyLimit),
      });
    } catch (error) {
      this.#logError(error, request, 'the answer could not be sent');
      response.destroy();
    } finally {
      await this.#dispose(scope, request, failure);
      this.#inWork -= 1;
      if (this.#inWork === 0) this.#onIdle?.();
    }
  }

  /** Before anybody else sees the request. */
  #refuse(request: IncomingMessage): HttpError | undefined {
    const refusal = refusalOf(request, this.#limits.head);
    if (refusal === undefined && request.url !== undefined) request.url = originForm(request.url);
    return refusal;
  }

  #readBody(request: IncomingMessage): Promise<unknown> {
    const { bodyLimit, decompress } = this.#limits;
    return readJsonBody(request, bodyLimit, decompress);
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

  #find({ method = 'GET', url = '/' }: IncomingMessage) {
    const match = this.#router.find(method, url);
    if (typeof match === 'object') return match;
    const allowed = match ?? this.#router.allowed(url);
    if (allowed === 400) throw new BadRequest('The URL is malformed.');
    if (allowed === 414) throw new UriTooLong('A parameter in the path is too long.');
    if (allowed.length === 0) throw new NotFound();
    throw new MethodNotAllowed(undefined, { headers: { allow: allowed.join(', ') } });
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
  #about(err: unknown, { method, url }: IncomingMessage): object {
    const path = errorPath(err)?.join(' -> ');
    const suppressed = suppressedErrors(err);
    return {
      err,
      method,
      url: url?.split('?', 1)[0],
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

function endpointOf(route: Route, container: Container): Endpoint {
  const token = tokenOf(route);
  const sources = container.inputs(token).map(asRequestSource);
  return {
    token,
    wantsBody: sources.some((source) => source?.location === 'body'),
  };
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
