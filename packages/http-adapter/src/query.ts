/** Parses the query of a URL. */
import { BadRequest } from './http-error.js';

/** Values by key, in the order of the query. A map: no key has a meaning of its own. */
export type Query = ReadonlyMap<string, readonly string[]>;

/**
 * Parses `a=1&b=x+y` as forms write it: `+` is a blank, percent-encoding is UTF-8, decoded once.
 * @param what - for the message.
 * @throws BadRequest when the percent-encoding is broken.
 */
export function parseQuery(search: string, what = 'query of the URL'): Query {
  const query = new Map<string, string[]>();
  for (const pair of search.split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const key = decode(equals === -1 ? pair : pair.slice(0, equals), what);
    const value = equals === -1 ? '' : decode(pair.slice(equals + 1), what);
    const values = query.get(key);
    if (values === undefined) query.set(key, [value]);
    else values.push(value);
  }
  return query;
}

function decode(text: string, what: string): string {
  const spaced = text.replaceAll('+', ' ');
  if (!spaced.includes('%')) return spaced;
  try {
    return decodeURIComponent(spaced);
  } catch {
    throw new BadRequest(`The ${what} is not validly percent-encoded.`);
  }
}
