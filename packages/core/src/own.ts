/** Looks at objects in such a way that what somebody has put on `Object.prototype` says nothing. */

/**
 * A copy of an object's own fields without a prototype: a field that may be missing is then missing,
 * whatever `Object.prototype` holds. For what is read often, and for what users wrote: null, an array
 * and what else JavaScript may pass for options stays what it is, for whoever refuses it.
 */
export function bare<T extends object>(object: T): T {
  const given: unknown = object;
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return object;
  // Not Object.create(null): objects that begin without a prototype are slow to read.
  return Object.setPrototypeOf({ ...object }, null) as T;
}

/** A field that may be missing, if the object has it itself. For messages, which are read once. */
export function own<T extends object, K extends keyof T>(object: T, key: K): T[K] | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** A field that may be missing, of the object or of its class: an `AbortController` has a `signal`. */
export function givenField<T extends object, K extends keyof T>(
  object: T,
  key: K,
): T[K] | undefined {
  const isOfAll = !Object.hasOwn(object, key) && Object.hasOwn(Object.prototype, key);
  return isOfAll ? undefined : object[key];
}

/** Defines a property, whatever it is called: `__proto__` too is then nothing but a name. */
export function define(object: object, key: string, value: unknown, enumerable = true): void {
  const descriptor = { value, writable: true, enumerable, configurable: true };
  // With a polluted prototype it might be one with `get`, too.
  Object.defineProperty(object, key, bare(descriptor));
}
