/** Errors that say which answer the client gets; they keep class and status across threads. */
import { STATUS_CODES } from 'node:http';
import { Portable } from '@turno/core';

/** What an {@link HttpError} says beyond its status and message; all of it is sent to the client. */
export interface HttpErrorOptions {
  /** URI reference that identifies the kind of problem (RFC 9457). Default: none, `about:blank`. */
  readonly type?: string;
  /** Short name of the kind of problem. Default: the phrase of the status, `Not Found`. */
  readonly title?: string;
  /** Headers of the answer, such as `Retry-After`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Further members of the problem document; JSON data. */
  readonly members?: Readonly<Record<string, unknown>>;
  /** For the log only; never sent. */
  readonly cause?: unknown;
}

/**
 * Thrown by a handler or a provider, on the loop or in a thread, it becomes an
 * `application/problem+json` answer with its status; the message is the document's `detail`, so
 * write it for the client.
 *
 * A subclass of your own needs `@Portable()` as well, to arrive from a thread as what it is.
 */
@Portable()
export class HttpError extends Error {
  /** 400 to 599. */
  readonly status: number;
  readonly type: string | undefined;
  readonly title: string | undefined;
  readonly headers: Readonly<Record<string, string>> | undefined;
  readonly members: Readonly<Record<string, unknown>> | undefined;

  /**
   * @param status - 400 to 599.
   * @param message - for the client; default: the phrase of the status.
   * @throws RangeError when `status` is not the status of an error.
   */
  constructor(status: number, message?: string, options: HttpErrorOptions = {}) {
    const { type, title, headers, members, cause } = options;
    super(message ?? phraseOf(status), cause === undefined ? undefined : { cause });
    if (!Number.isInteger(status) || status < 400 || status > 599) {
      throw new RangeError(`${String(status)} is not the status of an error: use 400 to 599.`);
    }
    this.status = status;
    this.type = type;
    this.title = title;
    this.headers = headers;
    this.members = members;
  }

  /** The class's own name, also for subclasses. */
  override get name(): string {
    return this.constructor.name;
  }
}

/** The phrase that belongs to a status: `Not Found`. */
export function phraseOf(status: number): string {
  return STATUS_CODES[status] ?? 'Error';
}

/** 400. */
@Portable()
export class BadRequest extends HttpError {
  constructor(message?: string, options?: HttpErrorOptions) {
    super(400, message, options);
  }
}

/** 401. */
@Portable()
export class Unauthorized extends HttpError {
  constructor(message?: string, options?: HttpErrorOptions) {
    super(401, message, options);
  }
}

/** 402. */
@Portable()
export class PaymentRequired extends HttpError {
  constructor(message?: string, options?: HttpErrorOptions) {
    super(402, message, options);
  }
}

/** 403. */
@Portable()
export class Forbidden extends HttpError {
  constructor(message?: string, options?: HttpErrorOptions) {
    super(403, message, options);
  }
}

/** 404. */
@Portable()
export class NotFound extends HttpError {
  constructor(message?: string, options?: HttpErrorOptions) {
    super(404, message, options);
  }
}

/** 405. */
@Portable()
export class MethodNotAllowed extends HttpError {
  constructor(message?: string, options?: HttpErrorOptions) {
    super(405, message, options);
  }
}

/** 406. */
@Portable()
export class NotAcceptable extends HttpError {
  constructor(message?: string, options?: HttpErrorOptions) {
    super(406, message, options);
  }
}

/** 409. */
@Portable()
export class Conflict extends HttpError {
  constructor(message?: string, options?: HttpErrorOptions) {
    super(409, message, options);
  }
}

/** 410. */
@Portable()
export class Gone extends HttpError {
  constructor(message?: string, options?: HttpErrorOptions) {
    super(410, message, options);
  }
}

/** 412. */
@Portable()
export class PreconditionFailed extends HttpError {
  constructor(message?: string, options?: HttpErrorOptions) {
    super(412, message, options);
  }
}

/** 413. */
@Portable()
export class PayloadTooLarge extends HttpError {
  constructor(message?: string, options?: HttpErrorOptions) {
    super(413, message, options);
  }
}

/** 414. */
@Portable()
export class UriTooLong extends HttpError {
  constructor(message?: string, options?: HttpErrorOptions) {
    super(414, message, options);
  }
}

/** 415. */
@Portable()
export class UnsupportedMediaType extends HttpError {
  constructor(message?: string, options?: HttpErrorOptions) {
    super(415, message, options);
  }
}

/** 422. */
@Portable()
export class UnprocessableContent extends HttpError {
  constructor(message?: string, options?: HttpErrorOptions) {
    super(422, message, options);
  }
}

/** 429. */
@Portable()
export class TooManyRequests extends HttpError {
  constructor(message?: string, options?: HttpErrorOptions) {
    super(429, message, options);
  }
}

/** 500. */
@Portable()
export class InternalServerError extends HttpError {
  constructor(message?: string, options?: HttpErrorOptions) {
    super(500, message, options);
  }
}

/** 501. */
@Portable()
export class NotImplemented extends HttpError {
  constructor(message?: string, options?: HttpErrorOptions) {
    super(501, message, options);
  }
}

/** 502. */
@Portable()
export class BadGateway extends HttpError {
  constructor(message?: string, options?: HttpErrorOptions) {
    super(502, message, options);
  }
}

/** 503. */
@Portable()
export class ServiceUnavailable extends HttpError {
  constructor(message?: string, options?: HttpErrorOptions) {
    super(503, message, options);
  }
}

/** 504. */
@Portable()
export class GatewayTimeout extends HttpError {
  constructor(message?: string, options?: HttpErrorOptions) {
    super(504, message, options);
  }
}

const classes = {
  400: BadRequest,
  401: Unauthorized,
  402: PaymentRequired,
  403: Forbidden,
  404: NotFound,
  405: MethodNotAllowed,
  406: NotAcceptable,
  409: Conflict,
  410: Gone,
  412: PreconditionFailed,
  413: PayloadTooLarge,
  414: UriTooLong,
  415: UnsupportedMediaType,
  422: UnprocessableContent,
  429: TooManyRequests,
  500: InternalServerError,
  501: NotImplemented,
  502: BadGateway,
  503: ServiceUnavailable,
  504: GatewayTimeout,
} as const;

/** The error of a status, of the class that has its name where there is one. */
export function httpErrorOf(
  status: number,
  message?: string,
  options?: HttpErrorOptions,
): HttpError {
  const known = (classes as Readonly<Record<number, (typeof classes)[keyof typeof classes]>>)[
    status
  ];
  return known === undefined
    ? new HttpError(status, message, options)
    : new known(message, options);
}
