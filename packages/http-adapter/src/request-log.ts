/** Says in the log what went wrong in a request. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { inspect } from 'node:util';
import { DisposedError, errorPath, suppressedErrors } from '@turno/core';
import type { Logger } from './logger.js';
import type { RequestIds } from './request-id.js';
import { targetOf } from './target.js';

/** Stands in a response of which the system has taken all; a WeakSet for what lives so briefly costs more. */
const isTaken = Symbol('isTaken');

interface Watched extends ServerResponse {
  [isTaken]?: true;
}

/** Writes about requests: which one, what was thrown, by which providers it came. */
export class RequestLog {
  constructor(
    private readonly log: Logger,
    private readonly ids: RequestIds,
  ) {}

  /**
   * To be called when a request comes that will be logged.
   * @returns when that was, as `performance.now()` tells it.
   */
  begin(request: IncomingMessage, response: Watched): number {
    // It comes once: what `once` makes for each listener is not needed.
    response.on('finish', () => {
      if (!isCutOff(request, response)) response[isTaken] = true;
    });
    return performance.now();
  }

  /** @param started - what {@link begin} has returned. */
  answered(request: IncomingMessage, response: Watched, started: number): void {
    const ms = Math.round((performance.now() - started) * 10) / 10;
    const { statusCode, headersSent } = response;
    this.log.info(
      {
        ...this.request(request),
        ...(headersSent ? { status: statusCode } : {}),
        ms,
        ...(response[isTaken] === true ? {} : { aborted: true }),
      },
      'request',
    );
  }

  /** @param others - what else has failed. */
  error(error: unknown, request: IncomingMessage, message: string, ...others: unknown[]): void {
    this.log.error(this.about(error, request, others), message);
  }

  warn(error: unknown, request: IncomingMessage, message: string, ...others: unknown[]): void {
    this.log.warn(this.about(error, request, others), message);
  }

  info(error: unknown, request: IncomingMessage, message: string, ...others: unknown[]): void {
    this.log.info(this.about(error, request, others), message);
  }

  private about(err: unknown, request: IncomingMessage, others: readonly unknown[]): object {
    const path = errorPath(err)?.join(' -> ');
    const suppressed = [...suppressedErrors(err), ...others];
    return {
      err: loggable(err),
      ...this.request(request),
      ...(path === undefined ? {} : { path }),
      ...(suppressed.length === 0 ? {} : { suppressed: suppressed.map(textOf) }),
    };
  }

  /** Without the query, which may hold what a log must not. */
  private request(request: IncomingMessage): object {
    const { method } = request;
    return { method, url: targetOf(request).split('?', 1)[0], requestId: this.ids.of(request) };
  }
}

/** Node says that a response has finished, too, when its connection ends before all of it is taken. */
function isCutOff({ socket }: IncomingMessage, response: ServerResponse): boolean {
  const { stream } = response as { readonly stream?: { readonly rstCode?: number } };
  return stream === undefined ? socket.destroyed : stream.rstCode !== 0;
}

/** Whether work ended because the client has gone, and not by a fault of its own. */
export function isInterruption(error: unknown): boolean {
  if (error instanceof DisposedError) return true;
  try {
    // By name: a DOMException is an Error in its own realm only.
    const { name } = (error ?? {}) as { readonly name?: unknown };
    return name === 'AbortError';
  } catch {
    // Whatever it is that throws at a look.
    return false;
  }
}

/** Loggers leave out what JSON cannot hold, and would so say nothing of what was thrown. */
function loggable(thrown: unknown): unknown {
  if (typeof thrown === 'function') return `${nameOf(thrown)} was thrown itself: write throw new …`;
  const isLost = thrown === undefined || typeof thrown === 'symbol' || typeof thrown === 'bigint';
  return isLost ? `${String(thrown)} was thrown` : thrown;
}

// eslint-disable-next-line @typescript-eslint/no-unsafe-function-type -- whatever was thrown
function nameOf(thrown: Function): string {
  try {
    return `the function or class ${thrown.name}`;
  } catch {
    // A proxy that throws at a look, or a name that is a symbol.
    return 'a function';
  }
}

/** With the stack, which loggers leave out of errors in a list. */
function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? String(error)) : inspect(error);
}
