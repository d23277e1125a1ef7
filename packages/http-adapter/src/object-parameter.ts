/** All parameters of one kind at once, as an object that a schema checks. */
import { faultOf, type RequestSource, type TextLocation } from './parameter.js';
import type { Query } from './query.js';
import { requestToken, type HttpRequest } from './request.js';
import { checkAgainst, type SchemaIssue, type StandardSchema } from './standard-schema.js';

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
    reader: () => (request) => read(schema, textsOf(request), location),
  };
}

type Texts = Readonly<Record<string, unknown>>;

/**
 * What the schema makes of the texts. It may want an array where there is one text: what it refuses is
 * tried again as an array of one, and stays one where the schema takes it for that.
 * @throws ParameterFault.
 */
function read(schema: StandardSchema, texts: Texts, location: TextLocation): unknown {
  const first = checkAgainst(schema, texts, location);
  if (first.issues === undefined) return first.value;
  const refused = hasLists.has(location) ? refusedTexts(first.issues, texts) : [];
  if (refused.length === 0) throw faultOf(first.issues, texts, location, '');
  const all = inArrays(texts, refused);
  const second = checkAgainst(schema, all, location);
  if (second.issues === undefined) return second.value;
  const others = new Set(second.issues.map((issue) => keyOf(issue)));
  const lists = refused.filter((key) => !others.has(key));
  if (lists.length === refused.length) throw faultOf(second.issues, all, location, '');
  if (lists.length === 0) throw faultOf(first.issues, texts, location, '');
  const some = inArrays(texts, lists);
  const last = checkAgainst(schema, some, location);
  if (last.issues === undefined) return last.value;
  throw faultOf(last.issues, some, location, '');
}

/** Where a name may come several times. */
const hasLists: ReadonlySet<TextLocation> = new Set(['query', 'form', 'header']);

/** Names of those texts that are refused themselves. */
function refusedTexts(issues: readonly SchemaIssue[], texts: Texts): string[] {
  const keys = new Set(issues.map((issue) => keyOf(issue)));
  return Object.keys(texts).filter((key) => keys.has(key) && typeof texts[key] === 'string');
}

/** The name of what an issue is about; undefined where it is something inside of it, or the whole. */
function keyOf({ path = [] }: SchemaIssue): string | undefined {
  const [segment] = path;
  if (segment === undefined || path.length > 1) return undefined;
  return String(typeof segment === 'object' ? segment.key : segment);
}

function inArrays(texts: Texts, keys: readonly string[]): Texts {
  return { ...texts, ...Object.fromEntries(keys.map((key) => [key, [texts[key]]])) };
}

const readers: Record<TextLocation, (request: HttpRequest) => Texts> = {
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
function objectOf(entries: Iterable<[string, unknown]>): Texts {
  const all = Object.fromEntries(entries);
  delete all.__proto__;
  return all;
}
