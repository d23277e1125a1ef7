/** Finds the route of a request, or what is answered where there is none. */
import type { IncomingMessage } from 'node:http';
import { BadRequest, MethodNotAllowed, NotFound, UriTooLong } from './http-error.js';
import type { Answer } from './response.js';
import type { Match, Router } from './router.js';

/** Whether no route has the path of a request, by whatever method. */
export function hasNoRoute<T>(router: Router<T>, { method = 'GET', url = '/' }: IncomingMessage) {
  if (router.find(method, url) !== undefined) return false;
  const allowed = router.allowed(url);
  return typeof allowed === 'object' && allowed.length === 0;
}

/**
 * The route of a request; for OPTIONS, where no route serves it, an answer that says which methods there
 * are.
 * @throws NotFound, MethodNotAllowed, BadRequest, UriTooLong.
 */
export function findRoute<T>(
  router: Router<T>,
  { method = 'GET', url = '/' }: IncomingMessage,
): Match<T> | Answer {
  const match = router.find(method, url);
  if (typeof match === 'object') return match;
  const allowed = match ?? router.allowed(url);
  if (allowed === 400) throw new BadRequest('The URL is malformed.');
  if (allowed === 414) throw new UriTooLong('A parameter in the path is too long.');
  if (allowed.length === 0) throw new NotFound();
  const headers = { allow: allowed.join(', ') };
  if (method === 'OPTIONS') return { status: 204, headers, body: undefined };
  throw new MethodNotAllowed(undefined, { headers });
}
