/** Parameters that are read from the request: where from, converted and checked how. */
import { Portable, type ParameterInfo, type ParameterSource } from '@turno/core';
import { decodeJson } from './body.js';
import { conversionTo, typeName, type Conversion, type PrimitiveType } from './conversion.js';
import { requestToken, type HttpRequest } from './request.js';
import { checkAgainst, isSchema, issuePath, type StandardSchema } from './standard-schema.js';

/** The part of a request that a parameter is read from. */
export type Location = 'path' | 'query' | 'header' | 'body';

/** How a parameter is read when no schema says it. */
export interface ParameterOptions {
  /** Missing means `undefined` instead of a fault. */
  readonly optional?: boolean;
  /** The value of a missing parameter; of the declared type. */
  readonly default?: string | number | boolean | bigint;
  /** What to convert to, where the declared type does not tell (no metadata, a union). */
  readonly type?: PrimitiveType;
}

/** How `@Body` is read when no schema says it. */
export type BodyOptions = Pick<ParameterOptions, 'optional'>;

/** One fault of one parameter, as the 422 answer lists it. */
export interface ParameterProblem {
  readonly location: Location;
  /** Name of the parameter; with a schema followed by the path inside: `items.0.name`. */
  readonly path: string;
  readonly message: string;
}

/** A parameter of a request is missing or wrong. */
@Portable()
export class ParameterFault extends Error {
  constructor(readonly problems: readonly ParameterProblem[]) {
    super(
      problems.map(({ location, path, message }) => `${location} ${path} ${message}`).join('; '),
    );
  }

  override get name(): string {
    return 'ParameterFault';
  }
}

/** What the decorators of this package declare. */
export interface RequestSource extends ParameterSource<HttpRequest> {
  readonly location: Location;
  /** Name of the parameter; empty for the body. */
  readonly key: string;
  /** Whether a request without it is refused, as far as that is known without a schema's answer. */
  readonly required: boolean;
}

/** The source as one of this package's own, if it is one. */
export function asRequestSource(source: ParameterSource): RequestSource | undefined {
  return source.from === requestToken ? (source as RequestSource) : undefined;
}

type TextLocation = Exclude<Location, 'body'>;

/** A parameter that is a text in the request: a part of the path, a query key, a header. */
export function textSource(
  location: TextLocation,
  key: string,
  how: ParameterOptions | StandardSchema,
): RequestSource {
  const name = `${location} "${key}"`;
  const fault = (message: string) => new ParameterFault([{ location, path: key, message }]);
  const text = textIn(location, key, fault);
  return {
    from: requestToken,
    name,
    location,
    key,
    required: !isSchema(how) && how.optional !== true && how.default === undefined,
    reader(parameter) {
      if (isSchema(how)) {
        // The schema alone decides, also what a missing parameter means: it gets the text as it is,
        // so that it works the same without metadata.
        return (request) => checked(how, text(request), location, key, name);
      }
      const convert = conversionOf(parameter, how, location, key);
      const { optional, default: fallback } = how;
      return (request) => {
        const found = text(request);
        if (found !== undefined) return converted(convert, found, fault);
        if (fallback === undefined && optional !== true) throw fault('is required');
        return fallback;
      };
    },
  };
}

/** A body of so many bytes is decoded in less time than a request takes anyway. */
const cheapBody = 16_384;

/** The parameter that is the decoded JSON body. */
export function bodySource(how: BodyOptions | StandardSchema): RequestSource {
  const name = 'body';
  const fault = (message: string) => new ParameterFault([{ location: 'body', path: '', message }]);
  const bodyReader = (parameter: ParameterInfo): ((body: unknown) => unknown) => {
    if (isSchema(how)) return (body) => checked(how, body, 'body', '', name);
    const check = bodyCheck(parameter.type);
    return (body) => {
      if (body === undefined) {
        if (how.optional === true) return undefined;
        throw fault('is required');
      }
      const expected = check(body);
      if (expected !== undefined) throw fault(`must be ${expected}`);
      return body;
    };
  };
  return {
    from: requestToken,
    name,
    location: 'body',
    key: '',
    required: !isSchema(how) && how.optional !== true,
    reader(parameter) {
      const read = bodyReader(parameter);
      return ({ body }) => read(body);
    },
    late: {
      pick: ({ bytes }) => bytes,
      reader(parameter) {
        const read = bodyReader(parameter);
        return (bytes) => read(bytes === undefined ? undefined : decodeJson(bytes as Buffer));
      },
      isCheap: ({ bytes }) => (bytes?.length ?? 0) <= cheapBody,
    },
  };
}

function textIn(
  location: TextLocation,
  key: string,
  fault: (message: string) => ParameterFault,
): (request: HttpRequest) => string | undefined {
  if (location === 'path') return ({ params }) => params[key];
  if (location === 'query') {
    return ({ query }) => {
      const values = query.get(key);
      // Taking the first or the last would let two programs read one request differently.
      if (values !== undefined && values.length > 1) throw fault('is given more than once');
      return values?.[0];
    };
  }
  const header = key.toLowerCase();
  return ({ headers }) => {
    // Own: `constructor` is a valid name of a header, and `headers` has a prototype.
    const value = Object.hasOwn(headers, header) ? headers[header] : undefined;
    if (Array.isArray(value)) throw fault('is given more than once');
    return value;
  };
}

function converted(
  convert: Conversion,
  text: string,
  fault: (message: string) => ParameterFault,
): unknown {
  try {
    return convert(text);
  } catch (error) {
    throw fault((error as Error).message);
  }
}

function checked(
  schema: StandardSchema,
  value: unknown,
  location: Location,
  key: string,
  name: string,
): unknown {
  const result = checkAgainst(schema, value, name);
  if (result.issues === undefined) return result.value;
  throw new ParameterFault(
    result.issues.map((issue) => ({
      location,
      path: [key, issuePath(issue)].filter((part) => part !== '').join('.'),
      message: issue.message,
    })),
  );
}

function conversionOf(
  { type }: ParameterInfo,
  how: ParameterOptions,
  location: TextLocation,
  key: string,
): Conversion {
  // Without metadata there is nothing to convert to: the text is taken as it is.
  const wanted = how.type ?? type ?? String;
  const conversion = conversionTo(wanted);
  if (conversion === undefined) {
    const decorator = `@${{ path: 'Path', query: 'Query', header: 'Header' }[location]}`;
    const remedy = `declare it as string, number, boolean or bigint, name one: ${decorator}("${key}", { type: Number }), or give a Standard Schema: ${decorator}("${key}", schema)`;
    throw new TypeError(
      wanted === Object
        ? `the compiler does not tell its type (a union, an interface or an imported alias); ${remedy}.`
        : `a text is not converted to its type ${typeName(wanted)}; ${remedy}.`,
    );
  }
  if (how.default !== undefined && typeof how.default !== typeName(wanted).toLowerCase()) {
    throw new TypeError(
      `its default is a ${typeof how.default}, but its type is ${typeName(wanted)}; make them the same.`,
    );
  }
  return conversion;
}

/** @returns what the body must be instead, or undefined if it is right. */
type BodyCheck = (body: unknown) => string | undefined;

/** Without a schema only the outermost type is checked, as far as metadata tells it. */
function bodyCheck(type: unknown): BodyCheck {
  if (type === undefined || type === Object) return () => undefined;
  if (type === Array) return (body) => (Array.isArray(body) ? undefined : 'an array');
  if (type === String || type === Number || type === Boolean) {
    const name = typeName(type).toLowerCase();
    return (body) => (typeof body === name ? undefined : `a ${name}`);
  }
  throw new TypeError(
    `JSON is plain data and no instance of ${typeName(type)}; give a Standard Schema, @Body(schema), or declare it by an interface, which is not checked.`,
  );
}
