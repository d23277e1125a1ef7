/** The app: routes and a container; lets requests in, counts them, and closes. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Container } from '@turno/core';
import type { InjectOptions, Response as InjectResponse } from 'light-my-request';
import { hasUnreadExcess } from './body.js';
import { onClientRefusal } from './client-error.js';
import { checkCloseOptions, type CloseOptions } from './close-options.js';
import { endWith, isBehindEnd, isLastOf, leaveAfter, takeTurn } from './connection.js';
import { endpointsOf, type Endpoint } from './endpoint.js';
import { ListenError } from './errors.js';
import { Exchange, type ExchangeContext } from './exchange.js';
import { Failures, type FailureContext } from './failure.js';
import { routeCalled } from './find-route.js';
import { originForm, refusalOf } from './guard.js';
import type { HttpError } from './http-error.js';
import { reportRefusals } from './limits.js';
import type { Logger } from './logger.js';
import {
  MiddlewareChain,
  type ErrorMiddleware,
  type Middleware,
  type Next,
  type Refused,
} from './middleware.js';
import { refuseUnknownOptions } from './misuse.js';
import { problemAnswer } from './problem.js';
import { RequestLog } from './request-log.js';
import type { RequestLimits } from './request-options.js';
import type { SendOptions } from './head.js';
import { cutOff, send } from './response.js';
import type { Route, RouteTable } from './route.js';
import { closeServer, openServer, type Address, type ListenOptions } from './server.js';
import { serverClosing } from './stream.js';

const defaultGrace = 10_000;

const injectNames = [
  'method',
  'url',
  'path',
  'query',
  'headers',
  'cookies',
  'payload',
  'body',
  'authority',
  'remoteAddress',
  'signal',
  'simulate',
  'validate',
  'payloadAsStream',
  'server',
  'autoStart',
  'Request',
] as const satisfies (keyof InjectOptions)[];

/** What `createApp` makes: routes over a container, with or without a server. */
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
  #endpoints: ReadonlyMap<Route, Endpoint>;
  /** Of the container, when the endpoints were compiled: an override may change what they need. */
  #revision: number;
  readonly #limits: RequestLimits;
  readonly #requestLog: RequestLog;
  readonly #exchanges: ExchangeContext;
  readonly #isLogged: boolean;
  readonly #ids: FailureContext['ids'];
  #listening: ReturnType<typeof openServer> | undefined;
  #closing: Promise<void> | undefined;
  #isClosed = false;
  /** What ends answers that would not end by themselves. */
  readonly #endless = new Set<(reason: unknown) => void>();
  /** Requests that middleware has. */
  readonly #passing = new Set<ServerResponse>();
  #inWork = 0;
  #onIdle: (() => void) | undefined;

  /** @internal Use `createApp`. */
  constructor(
    { router, routes }: RouteTable,
    readonly container: Container,
    limits: RequestLimits,
    readonly log: Logger,
    { catches, ids, isLogged }: Pick<FailureContext, 'catches' | 'ids' | 'isLogged'>,
  ) {
    this.#router = router;
    this.#limits = limits;
    this.#requestLog = new RequestLog(log, ids);
    this.#isLogged = isLogged;
    this.#ids = ids;
    const known = {
      container,
      log: this.#requestLog,
      isLogged,
      isClosed: () => this.#isClosed,
      manner: (request: IncomingMessage, isWatched?: boolean) => this.#manner(request, isWatched),
    };
    this.#exchanges = {
      ...known,
      router,
      limits,
      failures: new Failures({ ...known, catches, ids }),
      endpointOf: (route) => this.#endpointOf(route),
      dropped: (count) => {
        log.error({ count }, 'background tasks were dropped, since the app has closed');
      },
      left: () => this.#leave(),
    };
    this.#revision = container.revision;
    this.#endpoints = endpointsOf(routes, container);
    this.handler = (request, response, next) => {
      if (isBehindEnd(request)) return;
      takeTurn(request, response);
      const refusal = this.#refuse(request);
      if (refusal !== undefined) void this.#turnAway(request, response, refusal);
      else if (this.#middleware.isEmpty) this.#handle(request, response, next);
      else this.#pass(request, response, next);
    };
  }

  /**
   * Adds a middleware of the Connect shape: `app.use(helmet())`. They run before requests are routed, in
   * the order in which they were added. One with four parameters gets what others throw or pass to
   * `next`; what none of them takes is answered as an error of a handler is.
   * @param path - only for requests to it and below, a literal one; the middleware gets the rest of it as
   * `url`.
   * @throws OptionsError for what is no middleware, and for patterns.
   */
  use(...middleware: readonly [Middleware, ...Middleware[]]): this;
  // Not one signature with a union: the compiler tells the types of arrow functions by their number
  // of parameters.
  use(...middleware: readonly [ErrorMiddleware, ...ErrorMiddleware[]]): this;
  use(path: string, ...middleware: readonly [Middleware, ...Middleware[]]): this;
  use(path: string, ...middleware: readonly [ErrorMiddleware, ...ErrorMiddleware[]]): this;
  use(...given: readonly unknown[]): this {
    const [first, ...others] = given;
    if (typeof first === 'function' || others.length === 0) this.#middleware.add('/', given);
    else this.#middleware.add(first, others);
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
      const { server, address } = await this.#listening;
      reportRefusals(server.server, this.log);
      if (this.#isLogged) {
        onClientRefusal(server.server, (status, reason) => {
          this.log.info({ status, reason }, 'no request');
        });
      }
      this.log.info({ url: address.url }, 'listening');
      return address;
    } catch (error) {
      // Another port may be free.
      this.#listening = undefined;
      throw error;
    }
  }

  /**
   * Answers a request without a socket, for tests: a path, or method, url, headers and payload.
   * @throws OptionsError for an option that does not exist.
   */
  async inject(request: string | InjectOptions): Promise<InjectResponse> {
    if (typeof request !== 'string') refuseUnknownOptions('inject', request, injectNames);
    const { default: inject } = await import('light-my-request');
    return inject(this.handler, request);
  }

  /**
   * Says in text what is made for a route, in which order and where; see `container.explain`.
   * @param route - method and path, as declared or as asked for: `GET /users/:id`, `GET /users/7`.
   * @throws OptionsError where there is no such route.
   */
  explain(route: string): string {
    const found = routeCalled(this.#router, this.#endpoints.keys(), route);
    return this.container.explain(this.#endpointOf(found).token);
  }

  /**
   * Stops accepting connections, lets requests in work end (and their connections with them),
   * ends what is left after the grace, then disposes the container: threads, singletons. Each
   * further call returns the same promise.
   * @throws OptionsError, and nothing has happened; what a teardown throws.
   */
  close(options: CloseOptions = {}): Promise<void> {
    try {
      checkCloseOptions('close', options);
    } catch (error) {
      return Promise.reject(error);
    }
    return (this.#closing ??= this.#close(options.grace ?? defaultGrace));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(grace: number): Promise<void> {
    for (const response of this.#passing) leaveAfter(response);
    let expire: NodeJS.Timeout | undefined;
    const expired = new Promise<boolean>((resolve) => {
      expire = setTimeout(resolve, grace, false);
    });
    const drained = () => Promise.race([this.#idle(), expired]);
    // A server that is just about to open is closed as well; one that failed to is none.
    const opened = await this.#listening?.catch(() => undefined);
    for (const end of this.#endless) end(serverClosing());
    await (opened === undefined ? drained() : closeServer(opened.server, grace, drained));
    clearTimeout(expire);
    this.#isClosed = true;
    await this.container.dispose();
  }

  /** Resolves when no request is in work. */
  #idle(): Promise<true> {
    return new Promise((resolve) => {
      this.#onIdle = () => resolve(true);
      if (this.#inWork === 0) resolve(true);
    });
  }

  /** Before anybody else sees the request. */
  #refuse(request: IncomingMessage): HttpError | undefined {
    const refusal = refusalOf(request, this.#limits.head);
    if (refusal === undefined && request.url !== undefined) request.url = originForm(request.url);
    return refusal;
  }

  /** Answers what is no proper request, and ends its connection. Never rejects. */
  async #turnAway(
    request: IncomingMessage,
    response: ServerResponse,
    refusal: HttpError,
  ): Promise<void> {
    this.#inWork += 1;
    const started = this.#isLogged ? this.#requestLog.begin(request, response) : 0;
    // In HTTP/2 no request can be a part of another one.
    const isLast = request.httpVersionMajor < 2;
    if (isLast) endWith(request);
    const how = { close: isLast, linger: isLast && !request.complete };
    try {
      const id = this.#isLogged ? this.#ids.of(request) : undefined;
      const answer = problemAnswer(refusal, id);
      const header = this.#ids.headerOf(request);
      await send(request, response, answer, { ...how, header });
      if (this.#isLogged) this.#requestLog.answered(request, response, started);
    } catch (error) {
      this.#requestLog.error(error, request, 'the answer could not be sent');
      cutOff(response);
    } finally {
      this.#leave();
    }
  }

  #pass(request: IncomingMessage, response: ServerResponse, next: Next | undefined): void {
    // One of them may answer, now or later.
    this.#inWork += 1;
    this.#passing.add(response);
    if (this.#closing !== undefined) leaveAfter(response);
    const started = this.#isLogged ? this.#requestLog.begin(request, response) : 0;
    let isHandedOn = false;
    const header = this.#ids.headerOf(request);
    if (header !== undefined) response.setHeader(...header);
    response.once('close', () => {
      if (this.#isLogged && !isHandedOn) this.#requestLog.answered(request, response, started);
      this.#passing.delete(response);
      this.#leave();
    });
    this.#middleware.run(
      request,
      response,
      (refused) => {
        isHandedOn = true;
        this.#handle(request, response, next, refused);
      },
      (error) => this.#requestLog.error(error, request, 'a middleware failed after it had gone on'),
    );
  }

  #leave(): void {
    this.#inWork -= 1;
    if (this.#inWork === 0) this.#onIdle?.();
  }

  #handle(
    request: IncomingMessage,
    response: ServerResponse,
    next?: Next,
    refused?: Refused,
  ): void {
    this.#inWork += 1;
    new Exchange(this.#exchanges, request, response).begin(next, refused);
  }

  readonly #onClosing = (end: (reason: unknown) => void) => {
    if (this.#closing === undefined) this.#endless.add(end);
    else end(serverClosing());
    return () => this.#endless.delete(end);
  };

  #manner(request: IncomingMessage, isWatched = false): SendOptions {
    // `close` ends sessions of HTTP/2 in order.
    const mayClose = request.httpVersionMajor < 2;
    return {
      // The last one of its connection says so: what waits behind this one is answered, too.
      close: mayClose && this.#closing !== undefined && isLastOf(request),
      linger: mayClose && hasUnreadExcess(request, this.#limits.bodyLimit),
      onClosing: this.#onClosing,
      // Middleware may have put another one in its place.
      header: this.#middleware.isEmpty ? this.#ids.headerOf(request) : undefined,
      isWatched,
    };
  }

  #endpointOf(route: Route): Endpoint {
    if (this.#revision !== this.container.revision) {
      this.#revision = this.container.revision;
      const routes = this.#endpoints.keys();
      this.#endpoints = endpointsOf(routes, this.container);
    }
    // There is one for each route, from the constructor on.
    return this.#endpoints.get(route) as Endpoint;
  }
}
