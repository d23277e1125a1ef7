/** Redirects, as a returned value. */
import { Portable } from '@turno/core';
import { ReplyError } from './errors.js';

/** A status that sends the client elsewhere. */
export type RedirectStatus = 301 | 302 | 303 | 307 | 308;

const statuses: readonly number[] = [301, 302, 303, 307, 308] satisfies RedirectStatus[];

/** What {@link redirect} makes. */
@Portable()
export class Redirect {
  /** @internal Use {@link redirect}. */
  constructor(
    readonly location: string,
    readonly status: number,
  ) {}
}

/**
 * To be returned by a handler: sends the client to another URL. What is no printable ASCII in it is
 * percent-encoded. It is sent as it is: do not take it from a request without checking it.
 * @param status - default 302; 303 for GET after POST, 307 and 308 keep the method.
 * @throws ReplyError for a status that is none of a redirect.
 */
export function redirect(url: string | URL, status: RedirectStatus = 302): Redirect {
  if (!statuses.includes(status)) {
    throw new ReplyError(
      `The status ${String(status)} is none of a redirect.`,
      `Use ${statuses.join(', ')}.`,
    );
  }
  if (typeof url !== 'string' && !(url instanceof URL)) {
    throw new ReplyError(
      `redirect was given ${String(url)} for its URL.`,
      'It is a string or a URL.',
    );
  }
  const location = String(url)
    .replace(/\p{Surrogate}/gu, '\ufffd')
    .replace(/[^\x21-\x7e]/gu, encodeURIComponent);
  return new Redirect(location, status);
}
