/** One request on its way: to its route, through the container, to the end of its response. */
import { AsyncResource } from 'node:async_hooks';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Container, Receiver, ResolveOptions, ScopeInstance } from '@turno/core';
import { BodyBytes } from './body-bytes.js';
import { cancelWith } from './cancel.js';
import type { Endpoint } from './endpoint.js';
import { closing, type Failures } from './failure.js';
import { findRoute, hasNoRoute } from './find-route.js';
import { noteForeign } from './foreign-error.js';
import type { SendOptions } from './head.js';
import type { Next, Refused } from './middleware.js';
import { readBodyOf, readBytesOf, readFormOf } from './read.js';
import { isInterruption, type RequestLog } from './request-log.js';
import { limitsOf, type RequestLimits } from './request-options.js';
import { openScope } from './request-scope.js';
import { HttpRequest, type ResponseWatcher } from './request.js';
import { cutOff, isGone, send } from './response.js';
import type { Route, RouteTable } from './route.js';
import { clientGone } from './stream.js';
import { transmit } from './transmit.js';

/** What the app knows and its exchanges need. */
export interface ExchangeContext {
  readonly container: Container;
  readonly router: RouteTable['router'];
  readonly limits: RequestLimits;
  readonly failures: Failures;
  readonly log: RequestLog;
  /** Whether each request is logged. */
  readonly isLogged: boolean;
  readonly endpointOf: (route: Route) => Endpoint;
  /** Whether the container is disposed. */
  readonly isClosed: () => boolean;
  readonly manner: (request: IncomingMessage, isWatched?: boolean) => SendOptions;
  /** Told how many background tasks have not begun when the app was closed. */
  readonly dropped: (count: number) => void;
  /** Told that nothing of a request is in work any more. */
  readonly left: () => void;
}

/**
 * No async function leads through it: where the answer is there as soon as its handler is, nothing is awaited but
 * what the user's code waits for. As one function with an `await` for each step, a request had three promises and a
 * kilobyte of garbage more.
 */
export class Exchange implements Receiver, ResponseWatcher {
  private readonly started: number;
  /** The context that it was in when its handler had been asked for. */
  private own: AsyncResource | undefined;
  // Both set once its route is found.
  private route: Route | undefined;
  private asked: HttpRequest | undefined;
  private scope: ScopeInstance | undefined;

  constructor(
    private readonly context: ExchangeContext,
    private readonly request: IncomingMessage,
    private readonly response: ServerResponse,
  ) {
    this.started = context.isLogged ? context.log.begin(request, response) : 0;
  }

  /**
   * Never throws.
   * @param next - as for the app's handler.
   * @param refused - what a middleware has failed with.
   */
  begin(next: Next | undefined, refused: Refused | undefined): void {
    try {
      this.find(next, refused);
    } catch (error) {
      this.fail(error);
    }
  }

  private find(next: Next | undefined, refused: Refused | undefined): void {
    const { context, request, response } = this;
    const { router } = context;
    if (context.isClosed()) throw closing();
    if (refused !== undefined) {
      noteForeign(refused.error);
      throw refused.error;
    }
    if (next !== undefined && hasNoRoute(router, request)) {
      next();
      context.left();
      return;
    }
    const found = findRoute(router, request);
    if ('status' in found) {
      void this.sent(send(request, response, found, context.manner(request)));
      return;
    }
    const { route, params, search } = found;
    this.route = route;
    const asked = (this.asked = new HttpRequest(request, params, search));
    const endpoint = context.endpointOf(route);
    if (endpoint.reads === undefined) this.resolve(asked, endpoint);
    else void this.readAndResolve(asked, endpoint);
  }

  private async readAndResolve(asked: HttpRequest, endpoint: Endpoint): Promise<void> {
    try {
      await this.read(endpoint.reads, asked, endpoint);
      this.resolve(asked, endpoint);
    } catch (error) {
      this.fail(error);
    }
  }

  private resolve(asked: HttpRequest, endpoint: Endpoint): void {
    const { context, request, response } = this;
    const scope = (this.scope = openScope(context.container, request, asked));
    cancelWith(response, scope, asked);
    const options = endpoint.readsLater && this.readBetween(asked, endpoint);
    scope.settle(endpoint.token, this, options);
    // Not before: what users have put into their storages until now belongs to it.
    this.own = new AsyncResource('turno.request');
  }

  resolved(result: unknown): void {
    try {
      const sending = this.transmit(result);
      if (sending !== undefined) void this.sent(sending);
    } catch (error) {
      this.fail(error);
    }
  }

  rejected(error: unknown): void {
    this.fail(error);
  }

  /** @returns undefined where the end of the response ends the exchange. */
  private transmit(result: unknown): Promise<void> | undefined {
    const { context, request, response } = this;
    const { label, status } = this.route as Route;
    const asked = this.asked as HttpRequest;
    asked.isAnswered = true;
    // Tasks come before the end of the scope, and may take their time.
    const isWatched = asked.tasks === undefined;
    const manner = { label, status, reply: asked.reply, scope: this.scope };
    const options = context.manner(request, isWatched);
    const sending = transmit(request, response, result, manner, options);
    // A stream that is destroyed while it is written closes its response within the call.
    if (sending !== undefined || asked.hasClosed) return sending ?? Promise.resolve();
    // Nothing can fail any more. To wait for the end here would take 0.5 µs more.
    asked.watcher = this;
    return undefined;
  }

  inContext(body: () => void): void {
    if (this.own === undefined) body();
    else this.own.runInAsyncScope(body);
  }

  responseClosed(): void {
    // What closes a response may belong to another request, with what that has put into its storages.
    this.inContext(() => {
      const { context, request, response, started } = this;
      if (context.isLogged) context.log.answered(request, response, started);
      void this.end(undefined);
    });
  }

  /** Never rejects. */
  private async sent(sending: Promise<void> | undefined): Promise<void> {
    try {
      await sending;
    } catch (error) {
      this.fail(error);
      return;
    }
    await this.conclude(undefined);
  }

  private fail(error: unknown): void {
    void this.conclude(error, this.answerFailure(error));
  }

  /** @returns whether the handler has done what it does: whether its client takes the whole answer or not. */
  private async answerFailure(error: unknown): Promise<boolean> {
    const { context, request, response, scope, asked } = this;
    const hasSucceeded = asked?.isAnswered === true && isGone(response) && isInterruption(error);
    await context.failures.answer(error, request, response, scope, asked);
    return hasSucceeded;
  }

  /** Does what comes after the answer. Never rejects. @param answering - of a failure. */
  private async conclude(failure: unknown, answering?: Promise<boolean>): Promise<void> {
    const { context, request, response, scope, asked, started } = this;
    const { log } = context;
    try {
      const hasSucceeded = answering === undefined || (await answering);
      if (context.isLogged) log.answered(request, response, started);
      if (hasSucceeded && asked?.tasks !== undefined && scope !== undefined) {
        await asked.tasks.run(scope, {
          failed: (error) => log.error(error, request, 'a background task failed'),
          isOver: context.isClosed,
          dropped: context.dropped,
        });
      }
    } catch (error) {
      log.error(error, request, 'the answer could not be sent');
      cutOff(response);
    } finally {
      await this.end(failure);
    }
  }

  /** Never rejects. */
  private end(failure: unknown): Promise<void> | undefined {
    const { context, scope, request } = this;
    const ending = context.failures.end(scope, request, failure);
    if (ending !== undefined) return ending.then(context.left);
    context.left();
    return undefined;
  }

  private async read(
    as: Endpoint['reads'],
    asked: HttpRequest,
    { readsOnce, limits: own }: Endpoint,
  ): Promise<void> {
    const { request } = this;
    const limits = limitsOf(this.context.limits, own);
    if (as === 'form') {
      asked.form = await readFormOf(request, limits);
      return;
    }
    const read = as === 'body' ? readBodyOf : readBytesOf;
    const body = await read(request, limits);
    if (body instanceof BodyBytes) body.mayMove = readsOnce;
    asked.receive(body);
  }

  /** Reads the body when the dependencies of levels are made, which may refuse the request before. */
  private readBetween(asked: HttpRequest, endpoint: Endpoint): ResolveOptions {
    const between = async (): Promise<void> => {
      const { response } = this;
      try {
        // Of a connection that has ended nothing comes any more, no event either.
        if (isGone(response)) throw clientGone();
        await this.read(endpoint.readsLater, asked, endpoint);
      } catch (error) {
        throw isGone(response) ? clientGone() : error;
      }
    };
    return { between };
  }
}
