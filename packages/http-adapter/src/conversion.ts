/** Converts the text of a request to the primitive types that parameters are declared with. */

/** The types that text is converted to, as metadata shows them. */
export type PrimitiveType =
  StringConstructor | NumberConstructor | BooleanConstructor | BigIntConstructor;

/**
 * Converts a text.
 * @throws TypeError whose message says what the text must be: `must be a number`.
 */
export type Conversion = (text: string) => unknown;

/** Numbers as JSON writes them: no blanks, no `0x10`, `+1`, `.5`, `01`, `NaN` or `Infinity`. */
const number = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const integer = /^-?(?:0|[1-9]\d*)$/;

const conversions = new Map<unknown, Conversion>([
  [String, (text) => text],
  [Number, toNumber],
  [Boolean, toBoolean],
  [BigInt, toBigInt],
]);

/** The conversion to a type; undefined where text is not converted to that type. */
export function conversionTo(type: unknown): Conversion | undefined {
  return conversions.get(type);
}

/** `Number`, `Date`, …, for messages. */
export function typeName(type: unknown): string {
  return typeof type === 'function' && type.name !== '' ? type.name : String(type);
}

function toNumber(text: string): number {
  const value = number.test(text) ? Number(text) : NaN;
  if (!Number.isFinite(value)) throw new TypeError('must be a number');
  // Silently rounding 9007199254740993 (or 9007199254740993e0) would name another record.
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
    throw new TypeError('must be a number of at most 2^53 - 1');
  }
  return value;
}

function toBoolean(text: string): boolean {
  if (text === 'true' || text === '1') return true;
  if (text === 'false' || text === '0') return false;
  throw new TypeError('must be true or false');
}

function toBigInt(text: string): bigint {
  if (!integer.test(text)) throw new TypeError('must be a whole number');
  return BigInt(text);
}
