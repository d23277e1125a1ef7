/** The quick look at a value: large plain data is sent as it is, without a copy being made first. */
import { types } from 'node:util';

import { deepest } from './limits.js';

/** Objects and array items below which a copy costs less than the care that sending as it is takes. */
const few = 256;

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
 * A copy of an array of primitives, of which one may be a flat array or a plain flat object instead: what most
 * hops bring and give. Undefined for anything else.
 */
export function flatCopy(value: unknown): readonly unknown[] | undefined {
  return Array.isArray(value) ? flatArray(value, true) : undefined;
}

/** @param mayNest - whether one item may be an object: a second one could be the same. */
function flatArray(value: readonly unknown[], mayNest: boolean): readonly unknown[] | undefined {
  if (Object.getPrototypeOf(value) !== Array.prototype) return undefined;
  const { length } = value;
  if (length > few) return undefined;
  let isNested = !mayNest;
  // Not made with that length: what may have holes is written item by item with their indices.
  const copy: unknown[] = [];
  for (let index = 0; index < length; index++) {
    let item: unknown = value[index];
    if (!isPrimitive(item)) {
      if (isNested || typeof item !== 'object') return undefined;
      isNested = true;
      item = Array.isArray(item) ? flatArray(item, false) : flatObject(item as object);
      if (item === undefined) return undefined;
    }
    copy.push(item);
  }
  return hasOnlyItems(value) ? copy : undefined;
}

function flatObject(value: object): object | undefined {
  if (Object.getPrototypeOf(value) !== Object.prototype) return undefined;
  if (symbolMethod(value) !== undefined) return undefined;
  const copy: Record<string, unknown> = { ...value };
  let count = 0;
  // With a polluted prototype it goes on to what is no field, and nothing comes of it.
  for (const key in copy) if (++count > few || !isPrimitive(copy[key])) return undefined;
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
    if (prototype === Date.prototype) return types.isDate(value) && Object.keys(value).length === 0;
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
