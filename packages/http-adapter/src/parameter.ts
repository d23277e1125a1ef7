/** Parameters that are read from the request: where from, converted and checked how. */
import { Portable, type ParameterInfo, type ParameterSource } from '@turno/core';
import { decodeJson } from './body.js';
import { joined } from './body-bytes.js';
import { conversionTo, typeName, type Conversion, type PrimitiveType } from './conversion.js';
import { listItems } from './header-list.js';
import type { Query } from './query.js';
import { requestToken, type HttpRequest } from './request.js';
import { messageOf } from './secret.js';
import {
  checkAgainst,
  isSchema,
  issuePath,
  type SchemaIssue,
  type StandardSchema,
} from './standard-schema.js';

/** The part of a request that a parameter is read from. */
export type Location = 'path' | 'query' | 'header' | 'cookie' | 'form' | 'file' | 'body';

type Primitive = string | number | boolean | bigint;

/** How a parameter is read when no schema says it. */
export interface ParameterOptions {
  /** Missing means `undefined` instead of a fault. */
  readonly optional?: boolean;
  /** The value of a missing parameter; of the declared type. */
  readonly default?: Primitive | readonly Primitive[];
  /**
   * What to convert to, where the declared type does not tell (no metadata, a union). In brackets: an
   * array of all the values that a query or form has for the key; of a header what commas divide.
   */
  readonly type?: PrimitiveType | readonly [PrimitiveType];
}

/** How `@Body` is read when no schema says it. */
export interface BodyOptions extends Pick<ParameterOptions, 'optional'> {
  /**
   * `json`, which is the default; or of whatever media type: `text` (a string, of UTF-8) or `bytes` (a
   * Buffer), as it came. An empty body is none.
   */
  readonly as?: 'json' | 'text' | 'bytes';
  /** The outermost type, where the declared type does not tell (no metadata). */
  readonly type?: BodyType;
}

/** What a body is read as: JSON, a form, or the bytes of whatever it is. */
export type BodyKind = 'body' | 'form' | 'bytes';

/** The types that a JSON body can be checked against without a schema. */
export type BodyType =
  ObjectConstructor | ArrayConstructor | StringConstructor | NumberConstructor | BooleanConstructor;

const bodyTypes: readonly unknown[] = [Object, Array, String, Number, Boolean];

/** One fault of one parameter, as the 422 answer lists it. */
export interface ParameterProblem {
  readonly location: Location;
  /** Name of the parameter; with a schema followed by the path inside: `items.0.name`. */
  readonly path: string;
  readonly message: string;
}

/**
 * A parameter of a request is missing or wrong. Thrown while parameters are read, it is answered with
 * the faults of all others in one 422.
 */
@Portable()
export class ParameterFault extends Error {
  readonly problems: readonly ParameterProblem[];

  /** @param given - what is wrong; it is sent to the client, so no value of the request in it. */
  constructor(given: ParameterProblem | readonly ParameterProblem[]) {
    const problems = [given].flat();
    super(
      problems.map(({ location, path, message }) => `${location} ${path} ${message}`).join('; '),
    );
    this.problems = problems;
  }

  override get name(): string {
    return 'ParameterFault';
  }
}

/** What the decorators of this package declare. */
export interface RequestSource extends ParameterSource<HttpRequest> {
  /** Undefined for what a parameter of the user's own reads. */
  readonly location: Location | undefined;
  /** Name of the parameter; empty for the body, and for all parameters of one location. */
  readonly key: string;
  /** What has to be read of the request before. */
  readonly reads: BodyKind | undefined;
  /** Whether a request without it is refused, as far as that is known without a schema's answer. */
  readonly required: boolean;
}

/** The source as one of this package's own, if it is one. */
export function asRequestSource(source: ParameterSource): RequestSource | undefined {
  return source.from === requestToken ? (source as RequestSource) : undefined;
}

export type TextLocation = Exclude<Location, 'body' | 'file'>;

/**
 * A parameter that is a text in the request: a part of the path, a query key, a header, a cookie, a
 * field of a form.
 */
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
    reads: location === 'form' ? 'form' : undefined,
    required: !isSchema(how) && how.optional !== true && how.default === undefined,
    reader(parameter) {
      if (!isSchema(how)) refuseOtherType(parameter.type, how.type, location, key);
      if (!isSchema(how) && Array.isArray(how.type)) return listReader(location, key, how);
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
    const check = how.type === undefined ? bodyCheck(parameter.type) : saidBodyCheck(how.type);
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
    reads: 'body',
    required: !isSchema(how) && how.optional !== true,
    reader(parameter) {
      // Here only: the loader of threads may leave no metadata where that of the loop does.
      if (!isSchema(how) && how.type === undefined && parameter.type === undefined) {
        throw new TypeError(
          `${noMetadata}; name its type: @Body({ type: Array }) (or Object, String, Number, Boolean), or give a Standard Schema: @Body(schema).`,
        );
      }
      const read = bodyReader(parameter);
      return ({ body }) => read(body);
    },
    late: {
      // What somebody else has parsed crosses as it is.
      pick: (request) => request.raw?.toCross() ?? { body: request.body },
      reader(parameter) {
        const read = bodyReader(parameter);
        return (picked) => {
          const { body } = picked as { readonly body?: unknown };
          return read(Array.isArray(picked) ? decodeJson(joined(picked as Uint8Array[])) : body);
        };
      },
      isCheap: ({ raw }) => (raw?.length ?? 0) <= cheapBody,
    },
  };
}

function textIn(
  location: TextLocation,
  key: string,
  fault: (message: string) => ParameterFault,
): (request: HttpRequest) => string | undefined {
  if (location === 'path') return ({ params }) => params[key];
  if (location === 'cookie') return ({ cookies }) => cookies.get(key);
  if (location === 'query' || location === 'form') {
    return (request) => {
      const values = valuesIn(location, request)?.get(key);
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

/**
 * All values of a key, where there may be several. Those of a header are divided by commas, as repeated
 * lines are joined by whoever passes them on.
 */
function listIn(
  location: ListLocation,
  key: string,
): (request: HttpRequest) => readonly string[] | undefined {
  if (location !== 'header') return (request) => valuesIn(location, request)?.get(key);
  const name = key.toLowerCase();
  return ({ headers }) => {
    const value = Object.hasOwn(headers, name) ? headers[name] : undefined;
    if (value === undefined) return undefined;
    return [value].flat().flatMap(listItems);
  };
}

type ListLocation = 'query' | 'form' | 'header';

function valuesIn(location: 'query' | 'form', request: HttpRequest): Query | undefined {
  return location === 'query' ? request.query : request.form?.fields;
}

/** Reads all values of a key. */
function listReader(
  location: TextLocation,
  key: string,
  { type, optional, default: fallback }: ParameterOptions,
): (request: HttpRequest) => unknown {
  const [item] = type as readonly [PrimitiveType];
  const conversion = conversionTo(item);
  if (location === 'path' || location === 'cookie' || conversion === undefined) {
    const decorator = `@${decorators[location]}`;
    throw new TypeError(
      conversion === undefined
        ? `a text is not converted to ${typeName(item)}; write ${decorator}("${key}", { type: [String] }), or Number, Boolean or BigInt instead.`
        : `only a query, a form or a header has several values for one name; write ${decorator}("${key}").`,
    );
  }
  const itemType = typeName(item).toLowerCase();
  const isFit = (each: unknown) => typeof each === itemType;
  if (fallback !== undefined && !(Array.isArray(fallback) && fallback.every(isFit))) {
    throw new TypeError(`its default is no array of values of type ${typeName(item)}.`);
  }
  const textsOf = listIn(location, key);
  return (request) => {
    const texts = textsOf(request);
    if (texts === undefined) {
      if (fallback !== undefined) return [...(fallback as readonly Primitive[])];
      if (optional === true) return undefined;
      throw new ParameterFault({ location, path: key, message: 'is required' });
    }
    const values: unknown[] = [];
    const problems: ParameterProblem[] = [];
    texts.forEach((text, index) => {
      try {
        values.push(conversion(text));
      } catch (error) {
        problems.push({ location, path: `${key}.${index}`, message: (error as Error).message });
      }
    });
    if (problems.length > 0) throw new ParameterFault(problems);
    return values;
  };
}

const decorators: Record<TextLocation, string> = {
  path: 'Path',
  query: 'Query',
  header: 'Header',
  cookie: 'Cookie',
  form: 'Form',
};

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

/** @throws ParameterFault with what the schema says, without values that must not be told. */
export function checked(
  schema: StandardSchema,
  value: unknown,
  location: Location,
  key: string,
  name: string,
): unknown {
  const result = checkAgainst(schema, value, name);
  if (result.issues === undefined) return result.value;
  throw faultOf(result.issues, value, location, key);
}

/** What a schema says of a value, without values that must not be told. */
export function faultOf(
  issues: readonly SchemaIssue[],
  value: unknown,
  location: Location,
  key: string,
): ParameterFault {
  return new ParameterFault(
    issues.map((issue) => ({
      location,
      path: [key, issuePath(issue)].filter((part) => part !== '').join('.'),
      message: messageOf(issue, value, location, key),
    })),
  );
}

/** The compiler's metadata and the options of a decorator must not say two things. */
function refuseOtherType(
  declared: unknown,
  type: ParameterOptions['type'],
  location: TextLocation,
  key: string,
): void {
  // Of what is no class (a union, an interface, an enum) the metadata does not tell.
  if (type === undefined || typeof declared !== 'function' || declared === Object) return;
  const isList = Array.isArray(type);
  if (declared === (isList ? Array : type)) return;
  const said = isList ? `[${typeName(type[0])}]` : typeName(type);
  throw new TypeError(
    `it is declared as ${typeName(declared)}, but @${decorators[location]}("${key}", { type: ${said} }) makes ${isList ? 'an array' : `a ${said.toLowerCase()}`} of it; make them the same.`,
  );
}

function conversionOf(
  { type }: ParameterInfo,
  how: ParameterOptions,
  location: TextLocation,
  key: string,
): Conversion {
  const wanted = (how.type as PrimitiveType | undefined) ?? type ?? typeOfDefault(how.default);
  const conversion = conversionTo(wanted);
  if (conversion === undefined) {
    const decorator = `@${decorators[location]}`;
    if (wanted === undefined) {
      throw new TypeError(
        `${noMetadata}; name its type: ${decorator}("${key}", { type: Number }) (or String, Boolean, BigInt), or give a Standard Schema: ${decorator}("${key}", schema).`,
      );
    }
    if (wanted === Array && location !== 'path' && location !== 'cookie') {
      throw new TypeError(
        `the compiler does not tell the type of its items; name it: ${decorator}("${key}", { type: [Number] }).`,
      );
    }
    const named = how.optional === true ? '{ optional: true, type: String }' : '{ type: Number }';
    const remedy = `declare it as string, number, boolean or bigint, name one: ${decorator}("${key}", ${named}), or give a Standard Schema: ${decorator}("${key}", schema)`;
    throw new TypeError(
      wanted === Object || wanted === Function
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

/** Taken as a text it would be a wrong value of the declared type, and nobody would say so. */
const noMetadata = 'the compiler left no type metadata for it';

/** Where no metadata tells the type of a parameter, its default does. */
function typeOfDefault(fallback: ParameterOptions['default']): PrimitiveType | undefined {
  if (typeof fallback === 'string') return String;
  if (typeof fallback === 'number') return Number;
  if (typeof fallback === 'boolean') return Boolean;
  return typeof fallback === 'bigint' ? BigInt : undefined;
}

/** @returns what the body must be instead, or undefined if it is right. */
type BodyCheck = (body: unknown) => string | undefined;

/** That of the type which the options name. */
function saidBodyCheck(type: BodyType): BodyCheck {
  if (!bodyTypes.includes(type)) {
    throw new TypeError(
      `JSON is no ${typeName(type)}; write @Body({ type: Object }) (or Array, String, Number, Boolean), or give a Standard Schema: @Body(schema).`,
    );
  }
  if (type !== Object) return bodyCheck(type);
  return (body) =>
    typeof body === 'object' && body !== null && !Array.isArray(body) ? undefined : 'an object';
}

/** Without a schema only the outermost type is checked, as far as metadata tells it. */
function bodyCheck(type: unknown): BodyCheck {
  if (type === undefined || type === Object) return () => undefined;
  if (type === Array) return (body) => (Array.isArray(body) ? undefined : 'an array');
  if (type === String || type === Number || type === Boolean) {
    const name = typeName(type).toLowerCase();
    return (body) => (typeof body === name ? undefined : `a ${name}`);
  }
  throw new TypeError(
    `JSON is plain data and no instance of ${type === Function ? 'a class' : typeName(type)}; give a Standard Schema, @Body(schema), or declare it by an interface, which is not checked.`,
  );
}
