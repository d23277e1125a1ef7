/** Finds the route of a request: find-my-way behind an interface of three members. */
import createFindMyWay from 'find-my-way';
import type { HttpMethod } from './record.js';

/** What was found for a request. */
export interface Match<T> {
  readonly route: T;
  /** Decoded; an object without a prototype. */
  readonly params: Readonly<Record<string, string | undefined>>;
  /** The query, as it came, without its `?`. */
  readonly search: string;
}

/** Why a target cannot be looked up: the status of the answer. */
export type Refusal = 400 | 414;

/** A route was added under the parameters of its path, or another one stands there already. */
export type Added<T> =
  { readonly params: readonly string[]; readonly conflict?: undefined } | { readonly conflict: T };

/**
 * The longest path parameter. find-my-way's own limit of 100 refuses tokens and long slugs; a
 * limit there must be, since parameters may be matched by regular expressions.
 */
const maxParamLength = 1024;

/** All methods, in the order of `Allow`. */
export const methods: readonly HttpMethod[] = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
];

const absolute = /^https?:\/\//i;

/**
 * Routes by method and path. Paths are case-sensitive; a trailing slash makes no difference; a
 * static part goes before a parameter, a parameter before `*`; a parameter is never empty.
 */
export class Router<T> {
  readonly #router = createFindMyWay({
    caseSensitive: true,
    ignoreTrailingSlash: true,
    maxParamLength,
    // Who adds a route has looked at its patterns, and more closely.
    allowUnsafeRegex: true,
    // The raw text: parameters parse it, and only when one asks.
    querystringParser: (search) => search,
    onBadUrl: (): Refusal => 400,
    onMaxParamLength: (): Refusal => 414,
  });
  readonly #used = new Set<HttpMethod>();

  /**
   * Adds a route. The names of its parameters include `*` for a wildcard. One of GET serves HEAD as well,
   * where that path has none: those of HEAD have to be added first.
   * @throws an error of find-my-way when the path is malformed.
   */
  add(method: HttpMethod, path: string, route: T): Added<T> {
    try {
      this.#router.on(method, path, handled, route);
    } catch (error) {
      if (!(error as Error).message.includes('already declared')) throw error;
      // One half of an optional parameter's route may be registered by now.
      const conflict = this.#declared(method, path).find(({ store }) => store !== route);
      if (conflict === undefined) throw error;
      return { conflict: conflict.store as T };
    }
    this.#used.add(method);
    if (method === 'GET') for (const half of halvesOf(path)) this.#addHead(half, route);
    return { params: this.#declared(method, path)[0]?.params ?? [] };
  }

  /**
   * Finds the route of a request.
   * @param target - as it stands in the request line: `/a?b=c`, or an absolute URL.
   * @returns a status when the target is malformed (400) or a parameter too long (414).
   */
  find(method: string, target: string): Match<T> | Refusal | undefined {
    // RFC 9110, section 9.3.7: the server as a whole.
    if (target === '*' && method === 'OPTIONS') return undefined;
    // find-my-way takes `*` for `/`, and a fragment, which no request may have, for a query.
    if (!target.startsWith('/') && !absolute.test(target)) return 400;
    if (target.includes('#')) return 400;
    const found = this.#router.find(method as HttpMethod, target);
    if (found === null) return undefined;
    if (found.handler !== handled) return (found.handler as () => Refusal)();
    const { params } = found;
    // `/orders//lines` asks for no order with an empty name.
    for (const name in params) if (params[name] === '' && name !== '*') return undefined;
    return { route: found.store as T, params, search: found.searchParams as unknown as string };
  }

  /**
   * The methods that a target answers to, as `Allow` lists them: those of its routes, HEAD where
   * there is GET, and OPTIONS. Empty where there is no route; a status as for `find`.
   */
  allowed(target: string): readonly string[] | Refusal {
    const allowed: string[] = [];
    for (const method of methods) {
      if (target === '*') {
        if (this.#used.has(method === 'HEAD' ? 'GET' : method)) allowed.push(method);
        continue;
      }
      const found = this.find(method, target);
      if (typeof found === 'number') return found;
      if (found !== undefined) allowed.push(method);
    }
    return allowed.length === 0 || allowed.includes('OPTIONS') ? allowed : [...allowed, 'OPTIONS'];
  }

  /** In the tree of HEAD, so that of a path for it and one of GET the more specific one is found. */
  #addHead(path: string, route: T): void {
    try {
      this.#router.on('HEAD', path, handled, route);
    } catch (error) {
      if (!(error as Error).message.includes('already declared')) throw error;
    }
  }

  /** find-my-way registers `/a/:b?` as `/a/:b` and `/a`: either may be there already. */
  #declared(method: HttpMethod, path: string) {
    const paths = [path.replace(/\?$/, ''), path.replace(/\/:[^/()]*\?$/, '') || '/'];
    return paths
      .map((candidate) => this.#router.findRoute(method, candidate))
      .filter((found) => found !== null);
  }
}

/** `/a/:b?` to `/a/:b` and `/a`. */
export function halvesOf(path: string): readonly string[] {
  const optional = /\/:[^/()]*\?$/.exec(path);
  if (optional === null) return [path];
  return [path.slice(0, -1), path.slice(0, optional.index) || '/'];
}

/** find-my-way answers with a handler; this one is compared, never called. */
function handled(): void {
  return;
}
