/** Every way in which an app fails to start or to run: data in fields, the message made of them. */
import { ProblemsError, TurnoError } from '@turno/core';

/** `createApp`, `listen` or `configureServer` was given options that it cannot work with. */
export class OptionsError extends TurnoError {
  readonly code = 'TURNO_OPTIONS';

  constructor(fact: string, remedy: string, cause?: unknown) {
    super({ fact, remedy, cause });
  }
}

/** A controller or one of its routes cannot be served. */
export class RouteError extends TurnoError {
  readonly code = 'TURNO_ROUTE';

  constructor(fact: string, remedy: string, cause?: unknown) {
    super({ fact, remedy, cause });
  }
}

/** `createApp` found problems in routes or catch handlers: all of them, and those of the graph, in `errors`. */
export class AppError extends ProblemsError {
  readonly code = 'TURNO_APP';

  constructor(errors: readonly TurnoError[], hint?: string) {
    super('the app', errors, hint);
  }
}

/** The server cannot listen where it was told to. */
export class ListenError extends TurnoError {
  readonly code = 'TURNO_LISTEN';

  constructor(fact: string, remedy: string, cause?: unknown) {
    super({ fact, remedy, cause });
  }
}

/** A schema answered with a promise: parameters are read without waiting. */
export class AsyncSchemaError extends TurnoError {
  readonly code = 'TURNO_ASYNC_SCHEMA';

  constructor(parameter: string, vendor: string) {
    super({
      fact: `The ${vendor} schema of ${parameter} answered with a promise: it is asynchronous, or (with zod) it has thrown an error.`,
      remedy:
        'Keep the schema synchronous, and do what has to wait (a look-up, say) in an async provider that takes the parameter.',
    });
  }
}

/** A status, header, cookie, redirect or event cannot be what it was told to be. */
export class ReplyError extends TurnoError {
  readonly code = 'TURNO_REPLY';

  constructor(fact: string, remedy: string, cause?: unknown) {
    super({ fact, remedy, cause });
  }
}

/** What a handler returned cannot be sent. */
export class ResponseError extends TurnoError {
  readonly code = 'TURNO_RESPONSE';

  constructor(
    /** `Burgers.parallel`. */
    readonly handler: string,
    /** What is wrong with the value, without a full stop. */
    reason: string,
    cause?: unknown,
  ) {
    super({
      fact: `What "${handler}" returned cannot be sent: ${reason}.`,
      remedy:
        'Return plain data, a string, a Uint8Array, a stream, or undefined for an empty answer.',
      cause,
    });
  }
}
