/** Says in the log what went wrong in a request. */
import type { IncomingMessage } from 'node:http';
import { inspect } from 'node:util';
import { DisposedError, errorPath, suppressedErrors } from '@turno/core';
import type { Logger } from './logger.js';

/** Writes about requests: which one, what was thrown, by which providers it came. */
export class RequestLog {
  constructor(private readonly log: Logger) {}

  error(error: unknown, request: IncomingMessage, message: string): void {
    this.log.error(about(error, request), message);
  }

  warn(error: unknown, request: IncomingMessage, message: string): void {
    this.log.warn(about(error, request), message);
  }
}

/** Without the query, which may hold what a log must not. */
function about(err: unknown, { method, url }: IncomingMessage): object {
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

/** Whether work ended because the client has gone, and not by a fault of its own. */
export function isInterruption(error: unknown): boolean {
  // By name: a DOMException is an Error in its own realm only.
  const { name } = (error ?? {}) as { readonly name?: unknown };
  return error instanceof DisposedError || name === 'AbortError';
}

/** With the stack, which loggers leave out of errors in a list. */
function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? String(error)) : inspect(error);
}
