/** Says what an object is, whatever realm (vm context) it was made in. */
import type { AbstractClass } from '../token.js';

/** Built-in classes whose instances structured clone copies faithfully. */
const dataClasses = [
  'Map',
  'Set',
  'Date',
  'RegExp',
  'ArrayBuffer',
  'SharedArrayBuffer',
  'DataView',
  'Boolean',
  'Number',
  'String',
  'BigInt',
  'Int8Array',
  'Uint8Array',
  'Uint8ClampedArray',
  'Int16Array',
  'Uint16Array',
  'Int32Array',
  'Uint32Array',
  'Float16Array',
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array',
] as const;

const errorClasses: ReadonlySet<string> = new Set([
  'Error',
  'TypeError',
  'RangeError',
  'SyntaxError',
  'ReferenceError',
  'EvalError',
  'URIError',
  'AggregateError',
  'SuppressedError',
]);

/** What a prototype says of the objects that have it. */
export type Kind = 'object' | 'array' | 'buffer' | (typeof dataClasses)[number] | 'other';

const known: ReadonlySet<string> = new Set(dataClasses);

/** Answers of the slow part of {@link kindOf}; prototypes are few and objects many. */
const kinds = new WeakMap<object, Kind>();

/** The kind of the objects with that prototype. */
export function kindOf(prototype: object | null): Kind {
  if (prototype === null || prototype === Object.prototype) return 'object';
  if (prototype === Array.prototype) return 'array';
  let kind = kinds.get(prototype);
  if (kind === undefined) {
    kind = findKind(prototype);
    kinds.set(prototype, kind);
  }
  return kind;
}

function findKind(prototype: object): Kind {
  if (prototype === Buffer.prototype) return 'buffer';
  const name = builtinName(prototype);
  if (name === 'Object') return 'object';
  if (name === 'Array') return 'array';
  return name !== undefined && known.has(name) ? (name as Kind) : 'other';
}

/**
 * The name of the built-in class whose prototype this is. Told by the source text of native
 * functions, because in a vm context (Jest's tests are in one) `=== Map.prototype` is false for
 * every map that comes from outside.
 */
export function builtinName(prototype: object): string | undefined {
  const constructor: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
  if (typeof constructor !== 'function' || constructor.prototype !== prototype) return undefined;
  const source = Function.prototype.toString.call(constructor);
  return /^function (\w+)\(\) \{ \[native code\] \}$/.exec(source)?.[1];
}

/** Whether that is the name of a built-in class of errors. */
export function isErrorClass(name: string | undefined): boolean {
  return name !== undefined && errorClasses.has(name);
}

/** The nearest built-in error class of an error: `TypeError` also for a subclass of it. */
export function builtinError(error: object): string {
  let prototype: unknown = Object.getPrototypeOf(error);
  while (typeof prototype === 'object' && prototype !== null) {
    const name = builtinName(prototype);
    if (name !== undefined && isErrorClass(name)) return name;
    prototype = Object.getPrototypeOf(prototype);
  }
  return 'Error';
}

/** The class that an object is an instance of; undefined for one that has none with a name. */
export function classOf(value: object): AbstractClass | undefined {
  const prototype = Object.getPrototypeOf(value) as object;
  const constructor: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
  return typeof constructor === 'function' && constructor.name !== ''
    ? (constructor as unknown as AbstractClass)
    : undefined;
}
