/** Turns a value into data that may cross between loop and thread, or says why it cannot. */
import { types } from 'node:util';

import { define } from '../own.js';
import { findRecord, type ClassRecord } from '../record.js';
import type { AbstractClass } from '../token.js';
import {
  encodedAs,
  type CustomStand,
  type ErrorStand,
  type Parcel,
  type Stand,
} from './encoded.js';
import { builtinError, builtinName, classOf, kindOf } from './kind.js';
import { deepest } from './limits.js';
import { Obstacle, type Segment } from './obstacle.js';
import { portability } from './portable-class.js';
import { isLargePlain, isPrimitive, smallCopy, symbolMethod } from './scan.js';
import { isMarked } from './transfer.js';

/**
 * Encodes a value.
 *
 * What crosses, and as what: primitives; plain objects with their own enumerable properties
 * (null-prototype objects arrive as ordinary ones, accessors and Proxies as what was read, what
 * stands under a symbol stays behind); arrays with holes and extra properties; `Map`, `Set`, `Date`,
 * `RegExp`, boxed primitives, binary data, `Buffer`; errors; instances of `@Portable` classes. Cycles
 * and shared references are kept. What was frozen arrives unfrozen.
 *
 * Large plain data is sent as it is, `exact` says so: posting it may still throw, after which
 * {@link encodeExactly} knows why. Everything else is copied here first.
 * @throws Obstacle for everything that cannot cross.
 */
export function encode(value: unknown): Parcel {
  try {
    if (typeof value === 'object' && value !== null) {
      // What most hops bring and give; 0.5 µs less than by the encoder.
      const copy = smallCopy(value);
      if (copy !== undefined) return parcel(copy, true);
      if (isLargePlain(value)) return parcel(value, false);
    }
  } catch {
    // A getter or a Proxy's trap has thrown; the encoder says where.
  }
  return new Encoder({ move: true }).run(value);
}

/** @param isCopy - of what was given. */
function parcel(value: unknown, isCopy: boolean): Parcel {
  return { encoded: encodedAs(value), transfer: nothing, exact: isCopy, settled: isCopy };
}

/**
 * As {@link encode}, but what is sent is a copy of all containers, made while they are looked at:
 * posting it cannot fail, and no accessor or Proxy can turn up something else than was checked.
 * Nothing is moved either, since Node refuses to move some memory (such as its own pool).
 * @param shares - whether memory can be shared with the other side.
 */
export function encodeExactly(value: unknown, shares = true): Parcel {
  return new Encoder({ shares }).run(value);
}

/**
 * Encodes what was thrown; never fails. A field that cannot cross is left out, since the error
 * itself says more than the message about that field would.
 * @param shares - whether memory can be shared with the other side.
 */
export function encodeThrown(thrown: unknown, shares = true): Parcel {
  try {
    return new Encoder({ lenient: true, shares }).run(thrown);
  } catch (error) {
    const found = error instanceof Obstacle ? error.found : 'something that cannot be read';
    return new Encoder({ lenient: true }).run(
      new Error(`Thrown in a thread, and lost on the way: ${found}`),
    );
  }
}

const nothing: readonly never[] = [];

/** State of one call of {@link encode}. */
class Encoder {
  readonly #encoded = encodedAs(undefined);
  #transfer: Set<ArrayBuffer> | undefined;
  /** From each object to what stands in its place. */
  readonly #copies = new Map<object, object>();
  readonly #path: Segment[] = [];
  /** Whether memory of the user's is moved. */
  #moves = false;
  /** Instances whose `encode` runs, or whose data is being encoded. */
  #open: Set<object> | undefined;
  /** Whether all that is sent are copies, of memory too. */
  #isSettled = true;

  constructor(
    private readonly options: {
      /** Fields of errors may be left out. */
      readonly lenient?: boolean;
      /** What was given to `transfer` is moved. */
      readonly move?: boolean;
      /** Whether memory can be shared with the other side. Default: yes. */
      readonly shares?: boolean;
    },
  ) {}

  run(value: unknown): Parcel {
    try {
      this.#encoded.value = this.#any(value);
    } catch (error) {
      if (error instanceof Obstacle) throw error;
      // A getter, a Proxy's trap or a `toJSON`-like surprise of the user's own.
      this.#refuse('something whose properties cannot be read', 'See the cause.', error);
    }
    return {
      encoded: this.#encoded,
      transfer: this.#transfer === undefined ? nothing : [...this.#transfer],
      exact: !this.#moves,
      settled: this.#isSettled,
    };
  }

  #any(value: unknown): unknown {
    switch (typeof value) {
      case 'object':
        return value === null ? null : (this.#copies.get(value) ?? this.#object(value));
      case 'function':
        return this.#refuse(
          isClass(value) ? `the class ${value.name}` : 'a function',
          'Code cannot be sent; pass the data that it works on.',
        );
      case 'symbol':
        return this.#refuse('a symbol', 'Pass a string.');
      default:
        return value;
    }
  }

  #part(segment: Segment, value: unknown): unknown {
    this.#path.push(segment);
    const copy = this.#any(value);
    this.#path.pop();
    return copy;
  }

  #object(value: object): object {
    if (this.#path.length > deepest) {
      this.#refuse(
        `data that is nested more than ${deepest.toLocaleString('en')} levels deep`,
        'Make it flatter, for example a list of nodes that name each other by index.',
      );
    }
    const kind = kindOf(Object.getPrototypeOf(value) as object | null);
    if (kind === 'object') return this.#plain(value);
    if (kind === 'array' && Array.isArray(value)) return this.#array(value);
    const copy = kind === 'other' ? undefined : this.#builtin(value);
    if (copy !== undefined) {
      this.#copies.set(value, copy);
      return copy;
    }
    return this.#instance(value);
  }

  #plain(value: object): object {
    if (types.isModuleNamespaceObject(value)) this.#refuse('a module', 'Pass what it exports.');
    const method = symbolMethod(value);
    if (method !== undefined) {
      this.#refuse(
        `an object with a method [${method}]`,
        'Code cannot be sent; pass the data that it works on.',
      );
    }
    const copy: Record<string, unknown> = { ...value };
    this.#copies.set(value, copy);
    this.#fields(copy);
    return copy;
  }

  /** Encodes the properties of an object that is a copy already. */
  #fields(copy: Record<string, unknown>): void {
    for (const key in copy) {
      const field = copy[key];
      if (typeof field === 'object' ? field === null : isPrimitive(field)) continue;
      // `in` goes on to what somebody has put on `Object.prototype`.
      if (!Object.hasOwn(copy, key)) continue;
      // An own property is there already, so that even `__proto__` is nothing but a name.
      copy[key] = this.#part(key, field);
    }
  }

  #array(value: readonly unknown[]): object {
    const copy = value.slice();
    this.#copies.set(value, copy);
    const { length } = copy;
    for (let index = 0; index < length; index++) {
      const item = copy[index];
      if (typeof item === 'object' ? item === null : isPrimitive(item)) continue;
      copy[index] = this.#part(index, item);
    }
    const keys = Object.keys(value);
    // Of holes and extra properties one of each would make the count right.
    if (keys.length !== length || (length > 0 && keys[length - 1] !== String(length - 1))) {
      this.#extras(value, copy, keys);
    }
    return copy;
  }

  /** Properties that stand on an array beside its items, such as `index` on a match. */
  #extras(value: readonly unknown[], copy: unknown[], keys: readonly string[]): void {
    for (const key of keys) {
      if (Object.hasOwn(copy, key)) continue;
      define(copy, key, this.#part(key, (value as unknown as Record<string, unknown>)[key]));
    }
  }

  /** What stands for an instance of a built-in class; undefined if it only looks like one. */
  #builtin(value: object): object | undefined {
    this.#isSettled = false;
    if (types.isDate(value) || types.isRegExp(value)) return this.#withoutFields(value);
    if (types.isMap(value)) return this.#map(value);
    if (types.isSet(value)) return this.#set(value);
    if (ArrayBuffer.isView(value)) return this.#view(value);
    if (types.isArrayBuffer(value)) {
      this.#memory(value);
      return value;
    }
    if (types.isSharedArrayBuffer(value)) return this.#shared(value);
    // A boxed string has its characters as properties.
    if (types.isStringObject(value)) return value;
    const isBoxed = types.isBoxedPrimitive(value) && !types.isSymbolObject(value);
    return isBoxed ? this.#withoutFields(value) : undefined;
  }

  #map(value: ReadonlyMap<unknown, unknown>): object {
    this.#withoutFields(value);
    const copy = new Map<unknown, unknown>();
    this.#copies.set(value, copy);
    let index = 0;
    for (const [key, item] of value) {
      const isSimple = isPrimitive(key);
      const name = () => (isSimple ? `get(${showKey(key)})` : `<value ${index}>`);
      copy.set(
        isSimple ? key : this.#part({ name: `<key ${index}>` }, key),
        isPrimitive(item) ? item : this.#part({ name: name() }, item),
      );
      index++;
    }
    return copy;
  }

  #set(value: ReadonlySet<unknown>): object {
    this.#withoutFields(value);
    const copy = new Set<unknown>();
    this.#copies.set(value, copy);
    for (const item of value) {
      copy.add(isPrimitive(item) ? item : this.#part({ name: `<element ${copy.size}>` }, item));
    }
    return copy;
  }

  #view(value: ArrayBufferView): object {
    if (value.byteLength === 0 && isOutOfBounds(value)) {
      this.#refuse('a view of memory that has become too small for it', 'Pass a copy of the data.');
    }
    if (types.isSharedArrayBuffer(value.buffer)) return this.#asBuffer(this.#shared(value));
    this.#memory(value.buffer);
    if (Object.getPrototypeOf(value) !== Buffer.prototype) return value;
    const whole = value.byteLength === value.buffer.byteLength;
    if (whole || this.#transfer?.has(value.buffer) === true) return this.#asBuffer(value);
    // Cut out of Node's pool or a larger read: structured clone would copy all of that memory.
    const part = new Uint8Array(value as Uint8Array);
    // Made for this crossing only, so that moving it spares the second copy.
    if (part.byteLength >= 65_536) (this.#transfer ??= new Set()).add(part.buffer);
    return this.#asBuffer(part, true);
  }

  /** Structured clone makes a `Uint8Array` of a `Buffer`, which prints and concatenates otherwise. */
  #asBuffer(view: ArrayBufferView, is = Object.getPrototypeOf(view) === Buffer.prototype): object {
    if (is) (this.#encoded.buffers ??= []).push(view as Uint8Array);
    return view;
  }

  #shared<T extends object>(value: T): T {
    if (this.options.shares !== false) return value;
    return this.#refuse(
      'shared memory (a SharedArrayBuffer)',
      'A process shares none: pass a copy of it, or use worker threads.',
    );
  }

  #memory(buffer: ArrayBuffer): void {
    if (buffer.byteLength === 0 && isDetached(buffer)) {
      this.#refuse(
        'binary data that has been moved away (its ArrayBuffer is detached)',
        'Use a value that was given to `transfer` only once.',
      );
    }
    if (this.options.move !== true || !isMarked(buffer)) return;
    this.#moves = true;
    (this.#transfer ??= new Set()).add(buffer);
  }

  /** The value itself: properties of its own would be dropped by structured clone, silently. */
  #withoutFields(value: object): object {
    const [field] = Object.keys(value);
    if (field === undefined) return value;
    const name = builtinName(Object.getPrototypeOf(value) as object) ?? 'object';
    return this.#refuse(
      `a ${name} with a property of its own (${field})`,
      `Put the ${name} and that property into an object.`,
    );
  }

  #instance(value: object): object {
    const prototype = Object.getPrototypeOf(value) as object;
    const type = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value as unknown;
    const record = typeof type === 'function' ? findRecord(type as AbstractClass) : undefined;
    const portable = record?.portable;
    if (record !== undefined && portable !== undefined) {
      const answer = portability(record.target);
      if (!answer.crosses) {
        if (this.options.lenient === true && isError(value)) return this.#error(value, undefined);
        this.#refuse(`an instance of ${record.target.name}, ${answer.reason}`, answer.remedy);
      }
      if (portable.encode !== undefined) return this.#custom(value, record, portable.encode);
      if (isError(value)) return this.#error(value, record);
      return this.#ofClass(value, record);
    }
    if (isError(value)) return this.#error(value, portableAncestor(prototype));
    return this.#refuseInstance(value);
  }

  #ofClass(value: object, record: ClassRecord): object {
    const copy: Record<string, unknown> = { ...value };
    this.#copies.set(value, copy);
    const instances = (this.#encoded.instances ??= new Map<string, object[]>());
    const ofClass = instances.get(record.id);
    if (ofClass === undefined) instances.set(record.id, [copy]);
    else ofClass.push(copy);
    this.#fields(copy);
    return copy;
  }

  #custom(
    value: object,
    record: ClassRecord,
    encodeInstance: (instance: never) => unknown,
  ): object {
    if (this.#open?.has(value) === true) {
      this.#refuse(
        `an instance of ${record.target.name} inside its own encoded form`,
        'Let `encode` return data that does not hold the instance.',
      );
    }
    (this.#open ??= new Set()).add(value);
    let data: unknown;
    try {
      data = encodeInstance(value as never);
    } catch (error) {
      this.#refuse(
        `an instance of ${record.target.name}, whose \`encode\` failed`,
        'See the cause.',
        error,
      );
    }
    const stand: CustomStand = { stand: 'custom', classId: record.id, data: undefined };
    stand.data = this.#part({ name: '<encoded>' }, data);
    this.#open.delete(value);
    return this.#stand(value, stand);
  }

  #error(error: object, record: ClassRecord | undefined): object {
    const { name, message, stack } = error as Partial<Error>;
    const stand: Mutable<ErrorStand> = {
      stand: 'error',
      classId: record?.id,
      base: isDomException(error) ? 'DOMException' : builtinError(error),
      name: text(name) ?? 'Error',
      message: text(message) ?? '',
      stack: text(stack),
      fields: {},
    };
    // Before its parts: a chain of causes may end where it began.
    this.#stand(error, stand);
    const own = error as { readonly cause?: unknown; readonly errors?: unknown };
    for (const [key, field] of Object.entries(error)) {
      if (apart.has(key)) continue;
      if (isPrimitive(field)) define(stand.fields, key, field);
      else if (record !== undefined) this.#errorPart(stand.fields, key, field);
    }
    // A prototype may define it too (`get code()`), as in Node's own errors.
    const code = (error as { readonly code?: unknown }).code;
    if (
      record === undefined &&
      stand.base !== 'DOMException' &&
      code !== undefined &&
      isPrimitive(code)
    ) {
      define(stand.fields, 'code', code);
    }
    if (own.cause !== undefined) this.#errorPart(stand, 'cause', own.cause);
    if (Array.isArray(own.errors)) this.#errorPart(stand, 'errors', own.errors);
    return stand;
  }

  /** A part of an error: left out where that is allowed and it cannot cross. */
  #errorPart(into: object, key: string, value: unknown): void {
    if (this.options.lenient !== true || isError(value) || isPrimitive(value)) {
      define(into, key, this.#part(key, value));
      return;
    }
    if (Array.isArray(value)) {
      // Item by item, so that of several errors those arrive that can.
      const items = value.filter((item) => isError(item) || crosses(item));
      define(into, key, this.#part(key, items));
    } else if (crosses(value)) {
      // Tried on its own first: a failure half-way would leave halves behind.
      define(into, key, this.#part(key, value));
    }
  }

  #stand(value: object, stand: Stand): object {
    this.#copies.set(value, stand);
    (this.#encoded.stands ??= []).push(stand);
    return stand;
  }

  #refuseInstance(value: object): never {
    const type = classOf(value);
    if (type === undefined) {
      this.#refuse('an object with a prototype of its own', 'Pass plain data.');
    }
    if (types.isPromise(value)) {
      this.#refuse('a Promise', 'Await it first; a provider may be async.');
    }
    const answer = portability(type);
    if (answer.crosses || builtinName(type.prototype as object) !== undefined) {
      this.#refuse(`a ${type.name}`, 'Pass the data that it holds.');
    }
    this.#refuse(`an instance of ${type.name}, ${answer.reason}`, answer.remedy);
  }

  #refuse(found: string, remedy: string, cause?: unknown): never {
    throw new Obstacle(found, this.#path.slice(0, 20), remedy, cause);
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Properties of errors that have a place of their own in {@link ErrorStand}. */
const apart: ReadonlySet<string> = new Set(['name', 'message', 'stack', 'cause', 'errors']);

/** Whether a value crosses as it is, without leaving anything out. */
function crosses(value: unknown): boolean {
  try {
    new Encoder({}).run(value);
    return true;
  } catch {
    return false;
  }
}

/** Of a buffer that can be resized; structured clone refuses it. */
function isOutOfBounds(value: ArrayBufferView): boolean {
  if ((value.buffer as { readonly resizable?: boolean }).resizable !== true) return false;
  try {
    structuredClone(value);
    return false;
  } catch {
    return true;
  }
}

function isError(value: unknown): value is object {
  return types.isNativeError(value) || value instanceof Error || isDomException(value);
}

/** Node's, whatever realm asks: in Jest `instanceof` knows another class. */
function isDomException(value: unknown): boolean {
  return Object.prototype.toString.call(value) === '[object DOMException]';
}

function isClass(value: unknown): value is AbstractClass {
  return typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value));
}

function isDetached(buffer: ArrayBuffer): boolean {
  try {
    new Uint8Array(buffer);
    return false;
  } catch {
    return true;
  }
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function showKey(key: unknown): string {
  return typeof key === 'string' ? JSON.stringify(key) : String(key);
}

/**
 * The nearest class that an error is an instance of and that may cross: one that catches it by that
 * class still does.
 */
function portableAncestor(prototype: object): ClassRecord | undefined {
  for (
    let at = Object.getPrototypeOf(prototype) as object | null;
    at !== null;
    at = Object.getPrototypeOf(at) as object | null
  ) {
    const type = Object.getOwnPropertyDescriptor(at, 'constructor')?.value as unknown;
    const record = typeof type === 'function' ? findRecord(type as AbstractClass) : undefined;
    const { portable } = record ?? {};
    if (record === undefined || portable === undefined || portable.encode !== undefined) continue;
    if (portability(record.target).crosses) return record;
  }
  return undefined;
}
