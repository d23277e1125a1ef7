/** All parameters of one kind at once, as an object that a schema checks. */
import { checked, type RequestSource, type TextLocation } from './parameter.js';
import type { Query } from './query.js';
import { requestToken, type HttpRequest } from './request.js';
import type { StandardSchema } from './standard-schema.js';

/** The parameter that is what a schema makes of all texts of one location. */
export function objectSource(location: TextLocation, schema: StandardSchema): RequestSource {
  const textsOf = readers[location];
  return {
    from: requestToken,
    name: location,
    location,
    key: '',
    reads: location === 'form' ? 'form' : undefined,
    required: false,
    reader: () => (request) => checked(schema, textsOf(request), location, '', location),
  };
}

const readers: Record<TextLocation, (request: HttpRequest) => object> = {
  path: ({ params }) => objectOf(Object.entries(params)),
  query: ({ query }) => objectOf(flattened(query)),
  // Without the pseudo headers of HTTP/2.
  header: ({ headers }) =>
    objectOf(Object.entries(headers).filter(([name]) => !name.startsWith(':'))),
  cookie: ({ cookies }) => objectOf(cookies),
  form: ({ form }) => objectOf(form === undefined ? [] : flattened(form.fields)),
};

function flattened(values: Query): [string, string | readonly string[]][] {
  return [...values].map(([key, all]) => [key, all.length === 1 ? (all[0] as string) : all]);
}

/** Plain, as schemas want it; the one name that has a meaning of its own there is left out. */
function objectOf(entries: Iterable<[string, unknown]>): object {
  const all = Object.fromEntries(entries);
  delete all.__proto__;
  return all;
}
