/** The quick look at a value: large plain data is sent as it is, without a copy being made first. */
import { types } from 'node:util';

import { deepest } from './limits.js';

/** Objects and array items below which a copy costs less than the care that sending as it is takes. */
const few = 256;

/** Objects of which it is looked one by one whether they are the same: up to here that costs less than a map, a third for ten. */
const fewObjects = 16;

/** How many arrays are looked at for properties beside their items; see {@link hasOnlyItems}. */
const arraysInFull = 100;

/** From here on objects are remembered, so that data shared over and over is looked at once. */
const many = 10_000;

/**
 * Whether a value is nothing but many plain objects, arrays, dates and primitives. What is in doubt
 * (cycles, great depth, any other class) is left to the encoder, which then looks at it again.
 *
 * Yes is not a promise that structured clone takes it: a Proxy, or a getter that changes its mind,
 * shows only then. Whoever posts the value catches that.
 */
export function isLargePlain(value: unknown): boolean {
  if (isPolluted()) return false;
  const scan = new Scan();
  return scan.any(value, 0) && scan.objects + scan.items > few;
}

/**
 * A copy of a value that is nothing but a few plain objects and arrays, none of them twice, and primitives: what
 * most hops bring and give. Undefined for anything else.
 */
export function smallCopy(value: object): object | undefined {
  return copyOf(value, []);
}

/** @param seen - the objects that have been copied, or are being copied: few enough to look through. */
function copyOf(value: object, seen: object[]): object | undefined {
  if (seen.length === fewObjects || seen.includes(value)) return undefined;
  seen.push(value);
  const prototype = Object.getPrototypeOf(value) as object | null;
  if (prototype === Array.prototype) {
    return Array.isArray(value) ? arrayCopy(value, seen) : undefined;
  }
  return prototype === Object.prototype ? plainCopy(value, seen) : undefined;
}

function arrayCopy(value: readonly unknown[], seen: object[]): object | undefined {
  const { length } = value;
  if (length > few) return undefined;
  // Not made with that length: what may have holes is written item by item with their indices.
  const copy: unknown[] = [];
  for (let index = 0; index < length; index++) {
    let item: unknown = value[index];
    if (!isPrimitive(item)) {
      if (typeof item !== 'object') return undefined;
      item = copyOf(item as object, seen);
      if (item === undefined) return undefined;
    }
    copy.push(item);
  }
  // A getter of an item may have changed the array.
  return value.length === length && hasOnlyItems(value) ? copy : undefined;
}

function plainCopy(value: object, seen: object[]): object | undefined {
  if (symbolMethod(value) !== undefined) return undefined;
  // First: to copy a dictionary of 20,000 keys takes 13 ms.
  if (Object.keys(value).length > few) return undefined;
  const copy: Record<string, unknown> = { ...value };
  for (const key in copy) {
    const field = copy[key];
    if (isPrimitive(field)) continue;
    // With a polluted prototype it goes on to what is no field.
    if (typeof field !== 'object' || !Object.hasOwn(copy, key)) return undefined;
    const part = copyOf(field as object, seen);
    if (part === undefined) return undefined;
    copy[key] = part;
  }
  return copy;
}

/** Whether a value is sent as it is, wherever it stands. */
export function isPrimitive(value: unknown): boolean {
  const type = typeof value;
  return type === 'object' ? value === null : type !== 'function' && type !== 'symbol';
}

/** Whether `for … in` would find properties that no plain object has itself. */
function isPolluted(): boolean {
  for (const _key in Object.prototype) return true;
  return false;
}

class Scan {
  objects = 0;
  items = 0;
  private arrays = 0;
  private seen: Set<object> | undefined;

  any(value: unknown, depth: number): boolean {
    if (typeof value === 'object') return value === null || this.object(value, depth);
    return typeof value !== 'function' && typeof value !== 'symbol';
  }

  private object(value: object, depth: number): boolean {
    if (depth > deepest) return false;
    if (++this.objects > many) {
      this.seen ??= new Set();
      if (this.seen.has(value)) return true;
      this.seen.add(value);
    }
    const prototype = Object.getPrototypeOf(value) as object | null;
    if (prototype === Object.prototype) return this.plain(value, depth);
    if (prototype === Array.prototype) return this.array(value, depth);
    // In nearly all rows that come from a database.
    if (prototype === Date.prototype) return isBareDate(value);
    return prototype === null && !types.isModuleNamespaceObject(value) && this.plain(value, depth);
  }

  private plain(value: object, depth: number): boolean {
    // Nothing that a plain object inherits is enumerable (see above), so no check for own ones.
    for (const key in value) {
      const field = (value as Record<string, unknown>)[key];
      if (typeof field === 'object') {
        if (field !== null && !this.object(field, depth + 1)) return false;
      } else if (typeof field === 'function' || typeof field === 'symbol') {
        return false;
      }
    }
    return symbolMethod(value) === undefined;
  }

  private array(value: object, depth: number): boolean {
    if (!Array.isArray(value)) return false;
    const { length } = value;
    const { objects } = this;
    // Counted on the way down: the outermost arrays are those that may carry something.
    const isAsked = ++this.arrays <= arraysInFull;
    this.items += length;
    for (let index = 0; index < length; index++) {
      const item: unknown = value[index];
      // First, since it is the quickest look: lists of numbers in a third of the time.
      if (typeof item === 'number') continue;
      if (typeof item === 'object') {
        if (item !== null && !this.object(item, depth + 1)) return false;
      } else if (typeof item === 'function' || typeof item === 'symbol') {
        return false;
      }
    }
    const isList = length > 1_000 && this.objects === objects;
    return isList || !isAsked || hasOnlyItems(value);
  }
}

// eslint-disable-next-line @typescript-eslint/unbound-method -- each call names what it is called on
const timeOf = Date.prototype.getTime;

/** Whether it is a date, without properties. By its own method, which the engine puts in line; `isDate` of Node is a call. */
function isBareDate(value: object): boolean {
  try {
    timeOf.call(value);
  } catch {
    return false;
  }
  for (const _key in value) return false;
  return true;
}

/**
 * Whether an array is without holes and without properties beside its items. Asking takes longer
 * than all the rest, so it is not asked of long lists of primitives, and of the first of thousands
 * of arrays only. In the others structured clone carries such properties, if it can.
 */
function hasOnlyItems(value: readonly unknown[]): boolean {
  const { length } = value;
  const keys = Object.keys(value);
  return keys.length === length && (length === 0 || keys[length - 1] === String(length - 1));
}

/**
 * The method that an object has for the language to find under a symbol, `Symbol.iterator`.
 * Structured clone leaves out all that stands under symbols; without these an object is not what it
 * was.
 */
export function symbolMethod(value: object): string | undefined {
  // One by one and by `hasOwn`: loops cost more, and reading such properties of objects of many
  // shapes, which V8 does not remember the absence of, thirty times as much.
  if (Object.hasOwn(value, Symbol.iterator)) return 'Symbol.iterator';
  if (Object.hasOwn(value, Symbol.asyncIterator)) return 'Symbol.asyncIterator';
  if (Object.hasOwn(value, Symbol.dispose)) return 'Symbol.dispose';
  if (Object.hasOwn(value, Symbol.asyncDispose)) return 'Symbol.asyncDispose';
  return undefined;
}
