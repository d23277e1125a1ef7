/** The decorators of parameters: they write records and do nothing else. */
import { DeclarationError, declareParameter } from '@turno/core';
import type { ParameterOf, TextParameterOf } from './declared-parameter.js';
import { filesSource, fileSource, type FileOptions } from './file-parameter.js';
import { checkOptions, refuseNonText } from './misuse.js';
import { objectSource } from './object-parameter.js';
import {
  bodySource,
  textSource,
  type BodyOptions,
  type ParameterOptions,
  type RequestSource,
  type TextLocation,
} from './parameter.js';
import { rawBodySource } from './raw-body.js';
import { isSchema, type Infer, type StandardSchema } from './standard-schema.js';
import type { UploadedFile } from './uploaded-file.js';

/** A decorator that reads a text of the request, or all texts of one kind at once. */
export interface TextDecorator {
  /** One text as it is, or `undefined`, through a schema. */
  <Schema extends StandardSchema>(name: string, schema: Schema): ParameterOf<Infer<Schema>>;
  /** One text, converted to the declared type or to `type` of the options. */
  <const Options extends ParameterOptions = object>(
    name: string,
    options?: Options,
  ): TextParameterOf<Options>;
  /**
   * All of them as one object, through a schema. Values are texts; in a query or a form a key that
   * comes several times has an array of them, and one text that is refused is tried again as an array.
   */
  <Schema extends StandardSchema>(schema: Schema): ParameterOf<Infer<Schema>>;
}

/**
 * Reads a parameter from the path: `:name` in the path of the route. It is converted to its
 * declared type; a Standard Schema gets the text as it is.
 */
export const Path = textDecorator('Path', 'path');
/**
 * Reads a parameter from the query of the URL, likewise. A key that is repeated is refused, unless
 * the parameter is an array: `@Query('tag', { type: [String] })`.
 */
export const Query = textDecorator('Query', 'query');
/** Reads a parameter from a header, likewise; the case of the name does not matter. */
export const Header = textDecorator('Header', 'header');
/** Reads a parameter from a cookie, likewise. Of two with one name the first counts. */
export const Cookie = textDecorator('Cookie', 'cookie');
/**
 * Reads a parameter from a field of the form that is the body (`multipart/form-data` or
 * `application/x-www-form-urlencoded`), as from the query.
 */
export const Form = textDecorator('Form', 'form');

/** What `@Body` with such options gives. */
type BodyValue<Options> = Options extends { readonly as: 'text' }
  ? string
  : Options extends { readonly as: 'bytes' }
    ? Buffer
    : Options extends { readonly optional: true }
      ? never
      : unknown;

/**
 * Reads the JSON body. A Standard Schema checks it; without one only the outermost type is
 * checked. `{ as: 'text' }` and `{ as: 'bytes' }` take a body of whatever media type.
 */
export function Body<Schema extends StandardSchema>(schema: Schema): ParameterOf<Infer<Schema>>;
export function Body<const Options extends BodyOptions = object>(
  options?: Options,
): ParameterOf<
  BodyValue<Options> | (Options extends { readonly optional: true } ? undefined : never)
>;
export function Body(
  ...given: [how?: BodyOptions | StandardSchema | undefined]
): ParameterOf<unknown> {
  if (given.length > 1) {
    throw new DeclarationError('@Body was applied without parentheses.', 'Write @Body().');
  }
  const how = howOf('Body', given, ['optional', 'as', 'type']);
  if (isSchema(how)) return declare(bodySource(how));
  const { as = 'json', optional = false } = how;
  // JavaScript may pass anything.
  const wanted: string = as;
  if (as === 'json') return declare(bodySource(how));
  if (wanted === 'text' || wanted === 'bytes') return declare(rawBodySource(wanted, optional));
  throw new DeclarationError(
    `@Body was given ${JSON.stringify(as)} for \`as\`.`,
    `Write { as: 'json' }, { as: 'text' } or { as: 'bytes' }.`,
  );
}

/** Takes one file of a multipart form. */
export function File(
  name: string,
  options: FileOptions & { readonly optional: true },
): ParameterOf<UploadedFile | undefined>;
export function File(name: string, options?: FileOptions): ParameterOf<UploadedFile>;
export function File(name: string, options: FileOptions = {}): ParameterOf<UploadedFile> {
  checkName('File', name);
  checkOptions('File', options, ['optional']);
  return declare(fileSource(name, options));
}

/** Takes all files of a multipart form that have one name: at least one, unless they are optional. */
export function Files(name: string, options: FileOptions = {}): ParameterOf<UploadedFile[]> {
  checkName('Files', name);
  checkOptions('Files', options, ['optional']);
  return declare(filesSource(name, options));
}

function declare(source: RequestSource): ParameterOf<unknown> {
  return (target: object, name: string | symbol | undefined, index: number): void => {
    declareParameter(target, name, index, source);
  };
}

function textDecorator(decorator: string, location: TextLocation): TextDecorator {
  return (
    name: unknown,
    ...given: [how?: ParameterOptions | StandardSchema]
  ): ParameterOf<unknown> => {
    if (isSchema(name)) {
      if (given.length === 0) return declare(objectSource(location, name));
      throw new DeclarationError(
        `@${decorator} was given something else after its schema.`,
        `Write @${decorator}(schema) for all of them, or @${decorator}('id', schema) for one.`,
      );
    }
    checkName(decorator, name);
    const how = howOf(decorator, given, ['optional', 'default', 'type']);
    return declare(textSource(location, name, how));
  };
}

function checkName(decorator: string, name: unknown): asserts name is string {
  refuseNonText(decorator, 'name', name);
  if (name !== '') return;
  throw new DeclarationError(
    `@${decorator} has an empty name.`,
    `Give the name: @${decorator}('id').`,
  );
}

/** The options or schema that a parameter's decorator was given. */
function howOf<How extends ParameterOptions | BodyOptions>(
  decorator: string,
  given: readonly (How | StandardSchema | undefined)[],
  known: readonly string[],
): How | StandardSchema {
  // Left out is fine, undefined is not: a schema that is missing must not mean "unchecked".
  if (given.length > 0 && given[0] === undefined) {
    throw new DeclarationError(
      `@${decorator} was given undefined for its schema or options.`,
      'Two modules import each other, or a name is misspelt.',
    );
  }
  const how = given[0] ?? ({} as How);
  if (!isSchema(how)) checkOptions(decorator, how, known);
  return how;
}
