/** Middleware of the Connect shape, which sees requests before they are routed. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { OptionsError } from './errors.js';
import type { MountedMessage } from './target.js';

/** Goes on with the next middleware; with an error, to the next one that takes errors. */
export type Next = (error?: unknown) => void;

/** As Connect and Express have it. (A method's type, so that requests of Express are accepted.) */
export type Middleware = {
  call(request: IncomingMessage, response: ServerResponse, next: Next): unknown;
}['call'];

/** A function of four parameters: gets what others have passed to `next`, or thrown. */
export type ErrorMiddleware = {
  call(error: unknown, request: IncomingMessage, response: ServerResponse, next: Next): unknown;
}['call'];

interface Entry {
  /** Parts of the path that it is for. */
  readonly prefix: readonly string[];
  readonly middleware: Middleware | ErrorMiddleware;
}

/** What went wrong in a middleware, even where that is undefined. */
export interface Refused {
  readonly error: unknown;
}

/** Middleware in the order in which it was added. */
export class MiddlewareChain {
  readonly #entries: Entry[] = [];

  get isEmpty(): boolean {
    return this.#entries.length === 0;
  }

  /** @throws OptionsError for what is no path, or where one is no function. */
  add(path: unknown, middleware: readonly unknown[]): void {
    if (typeof path !== 'string') {
      throw new OptionsError(
        'app.use was given a path that is no string.',
        `Write app.use(middleware), or app.use('/admin', middleware).`,
      );
    }
    // It would match nothing but itself, and what guards a path would not be called.
    const [pattern] = /[:*?#()[\]{}]/.exec(path) ?? [];
    if (pattern !== undefined) {
      throw new OptionsError(
        `app.use was given the path ${JSON.stringify(path)}, whose "${pattern}" is no part of a literal one.`,
        'A middleware is for a path and all below it: write what stands before the pattern, and let the middleware look at `request.url`; or use @Depends, which sees @Path.',
      );
    }
    if (!middleware.every((each) => typeof each === 'function')) {
      throw new OptionsError(
        `app.use was given a middleware that is no function.`,
        'A middleware is (request, response, next) => …; what makes one has to be called: app.use(helmet()).',
      );
    }
    const parts = path.split('/').filter((part) => part !== '');
    const prefix = parts.map((part) => decoded(part) ?? part);
    for (const each of middleware) this.#entries.push({ prefix, middleware: each as Middleware });
  }

  /**
   * Runs them until one does not go on.
   * @param done - is called by the last one, in whatever asynchronous context that has set up.
   * @param late - gets what one throws that has gone on already.
   */
  run(
    request: IncomingMessage,
    response: ServerResponse,
    done: (refused?: Refused) => void,
    late: (error: unknown) => void,
  ): void {
    const message = request as MountedMessage;
    message.originalUrl ??= message.url ?? '/';
    const pass = (index: number, refused?: Refused): void => {
      const entry = this.#entries[index];
      if (entry === undefined) {
        done(refused);
        return;
      }
      const { middleware } = entry;
      const whole = request.url ?? '/';
      const cut =
        entry.prefix.length === 0 ? { prefix: '', url: whole } : below(whole, entry.prefix);
      if (cut === undefined || (middleware.length === 4) !== (refused !== undefined)) {
        pass(index + 1, refused);
        return;
      }
      let isOver = false;
      const goOn = (further?: Refused): void => {
        if (isOver) return;
        isOver = true;
        // What it has changed stays changed.
        request.url = request.url === cut.url ? whole : `${cut.prefix}${request.url ?? '/'}`;
        pass(index + 1, further);
      };
      const next: Next = (error) => {
        goOn(error === undefined || error === null ? undefined : { error });
      };
      const fail = (error: unknown): void => {
        if (isOver) late(error);
        else goOn({ error });
      };
      request.url = cut.url;
      try {
        const result: unknown =
          refused === undefined
            ? (middleware as Middleware)(request, response, next)
            : (middleware as ErrorMiddleware)(refused.error, request, response, next);
        if (isThenable(result)) result.then(undefined, fail);
      } catch (error) {
        fail(error);
      }
    };
    pass(0);
  }
}

function isThenable(result: unknown): result is PromiseLike<unknown> {
  return typeof (result as Partial<PromiseLike<unknown>> | undefined | null)?.then === 'function';
}

/**
 * A target in two, the prefix and what is left below it, as Connect hands it on; undefined where it is not below. Parts
 * are compared as routes are found: decoded, one by one.
 */
function below(
  target: string,
  prefix: readonly string[],
): { readonly prefix: string; readonly url: string } | undefined {
  const end = target.indexOf('?');
  const path = end === -1 ? target : target.slice(0, end);
  const parts = path.split('/').slice(1);
  const isBelow = prefix.every((part, index) => decoded(parts[index]) === part);
  if (!isBelow) return undefined;
  const rest = parts.slice(prefix.length).join('/');
  return {
    prefix: `/${parts.slice(0, prefix.length).join('/')}`,
    url: `/${rest}${end === -1 ? '' : target.slice(end)}`,
  };
}

function decoded(part: string | undefined): string | undefined {
  if (part?.includes('%') !== true) return part;
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}
