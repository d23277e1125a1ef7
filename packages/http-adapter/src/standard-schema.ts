/** Standard Schema (https://standardschema.dev), version 1: what zod, valibot, arktype … have in common. */
import { AsyncSchemaError } from './errors.js';

/** A schema of any library that follows Standard Schema. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** What a schema makes: `@Body(Order) order: Infer<typeof Order>`. */
export type Infer<Schema extends StandardSchema> =
  NonNullable<Schema['~standard']['types']> extends { readonly output: infer Output }
    ? Output
    : unknown;

export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** Whether a value is a schema; some libraries make them functions. */
export function isSchema(candidate: unknown): candidate is StandardSchema {
  return (
    ((typeof candidate === 'object' && candidate !== null) || typeof candidate === 'function') &&
    '~standard' in candidate
  );
}

/**
 * Checks a value.
 * @param parameter - for the message: `body`.
 * @throws AsyncSchemaError when the schema does not answer at once; whatever the schema throws.
 */
export function checkAgainst(
  schema: StandardSchema,
  value: unknown,
  parameter: string,
): SchemaResult<unknown> {
  const result = schema['~standard'].validate(value);
  if ('then' in result) {
    // Nobody awaits it: its rejection shall not end the process.
    result.then(undefined, () => undefined);
    throw new AsyncSchemaError(parameter, schema['~standard'].vendor);
  }
  return result;
}

/** Where an issue lies, dotted: `items.0.name`; empty for the value itself. */
export function issuePath(issue: SchemaIssue): string {
  return (issue.path ?? [])
    .map((segment) => String(typeof segment === 'object' ? segment.key : segment))
    .join('.');
}
