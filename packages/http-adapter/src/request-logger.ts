/** The log of the app for handlers and providers, with the id of their request. */
import { IncomingMessage } from 'node:http';
import { provide, type Provider } from '@turno/core';
import { guarded, type Logger } from './logger.js';
import type { RequestIds } from './request-id.js';

/**
 * Writes to the log of the app, each line with the `requestId` of the request: ask for it in an async
 * handler, or in any provider of scope `request` or `call` that runs on the event loop.
 */
export class RequestLogger implements Logger {
  readonly #log: Logger;

  /** Ask for it as a parameter. */
  constructor(log: Logger) {
    this.#log = log;
  }

  error(fields: object, message: string): void {
    this.#log.error(fields, message);
  }

  warn(fields: object, message: string): void {
    this.#log.warn(fields, message);
  }

  info(fields: object, message: string): void {
    this.#log.info(fields, message);
  }
}

/** What loggers like pino make for a part of a program: they write its fields into each line. */
interface Parent extends Logger {
  child?: (fields: object) => Logger;
}

/** Provides {@link RequestLogger}. @param log - asked for when a request comes. */
export function requestLoggerProvider(log: () => Logger, ids: RequestIds): Provider {
  const options = { deps: [IncomingMessage], scope: 'request', on: 'loop' } as const;
  return provide(RequestLogger, options, (request) => {
    const parent: Parent = log();
    const fields = { requestId: ids.of(request) };
    if (typeof parent.child === 'function') return new RequestLogger(guarded(parent.child(fields)));
    const own = guarded(parent);
    return new RequestLogger({
      error: (more, message) => own.error({ ...fields, ...more }, message),
      warn: (more, message) => own.warn({ ...fields, ...more }, message),
      info: (more, message) => own.info({ ...fields, ...more }, message),
    });
  });
}
