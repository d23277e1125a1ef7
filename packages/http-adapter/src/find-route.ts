/** Finds the route of a request, or what is answered where there is none. */
import type { IncomingMessage } from 'node:http';
import { OptionsError } from './errors.js';
import { BadRequest, MethodNotAllowed, NotFound, UriTooLong } from './http-error.js';
import type { Answer } from './response.js';
import type { Match, Router } from './router.js';

/** Whether no route has the path of a request, by whatever method. */
export function hasNoRoute<T>(router: Router<T>, { method = 'GET', url = '/' }: IncomingMessage) {
  if (router.find(method, url) !== undefined) return false;
  const allowed = router.allowed(url);
  return typeof allowed === 'object' && allowed.length === 0;
}

/** What {@link routeCalled} looks at. */
interface Named {
  readonly method: string;
  readonly path: string;
}

/**
 * The route that a text names, as it is declared (`GET /users/:id`) or as it is asked for (`GET /users/7`).
 * @throws OptionsError where there is none.
 */
export function routeCalled<T extends Named>(
  router: Router<T>,
  routes: Iterable<T>,
  called: unknown,
): T {
  const all = [...routes];
  const [, verb = '', path = ''] = /^(\w+) +(\/.*)$/.exec(String(called)) ?? [];
  const method = verb.toUpperCase();
  const bare = path.replace(/(?<=.)\/$/, '');
  const declared = all.find((route) => route.method === method && route.path === bare);
  if (declared !== undefined) return declared;
  const match = path === '' ? undefined : router.find(method, path);
  if (typeof match === 'object') return match.route;
  throw new OptionsError(
    `explain was given ${typeof called === 'string' ? JSON.stringify(called) : String(called)}, which is no route.`,
    `The routes are ${all.map((route) => `'${route.method} ${route.path}'`).join(', ')}.`,
  );
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
