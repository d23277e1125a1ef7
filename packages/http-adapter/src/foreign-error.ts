/** Errors of Connect middleware, which say by convention what they are to HTTP. */
import { HttpError, httpErrorOf } from './http-error.js';

const foreign = new WeakSet<object>();

/**
 * Notes that a middleware has failed with an error. Elsewhere a `status` means nothing: an error of a
 * client of some back end has one as well.
 */
export function noteForeign(error: unknown): void {
  if (typeof error !== 'object' || error === null || error instanceof HttpError) return;
  foreign.add(error);
}

/** As the package `http-errors` makes them. */
interface ForeignError {
  readonly status?: unknown;
  readonly statusCode?: unknown;
  /** Whether its message is for the client. */
  readonly expose?: unknown;
  readonly message?: unknown;
  readonly headers?: unknown;
}

/** What an error of a middleware means where that is a fault of the client; undefined for all others. */
export function foreignMeaning(error: unknown): HttpError | undefined {
  if (typeof error !== 'object' || error === null || !foreign.has(error)) return undefined;
  const { status, statusCode, expose, message, headers } = error as ForeignError;
  const said = typeof status === 'number' ? status : statusCode;
  if (typeof said !== 'number' || !Number.isInteger(said) || said < 400 || said > 499) {
    return undefined;
  }
  // Those of the system name paths, whatever has been said of them since.
  const isTold = expose === true && typeof message === 'string' && !('syscall' in error);
  return httpErrorOf(said, isTold ? message : undefined, {
    cause: error,
    headers: textsOf(headers),
  });
}

function textsOf(headers: unknown): Record<string, string> {
  if (typeof headers !== 'object' || headers === null) return {};
  const texts = Object.entries(headers).filter(
    ([, value]) => typeof value === 'string' || typeof value === 'number',
  );
  return Object.fromEntries(texts.map(([name, value]) => [name, String(value)]));
}
