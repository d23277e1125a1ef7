/** Makes values of what has arrived from the other side. */
import { NotPortableError } from '../errors.js';
import { define, own } from '../own.js';
import { classById, recordById } from '../record.js';
import {
  classIds,
  type CustomStand,
  type Encoded,
  type ErrorStand,
  type Stand,
} from './encoded.js';
import { builtinName } from './kind.js';
import './library-errors.js';

/**
 * Decodes a value. Where nothing but plain data has crossed, this does nothing at all.
 * @param missing - says why a class is not known here; a sentence without its full stop.
 * @throws NotPortableError if a class is not known here, or if its `decode` throws.
 */
export function decode(
  encoded: Encoded,
  missing: (classId: string) => string = notImported,
): unknown {
  const { instances, buffers, stands } = encoded;
  for (const id of classIds(encoded)) {
    if (classById(id) === undefined) throw unknownClass(id, missing(id));
  }
  // In a vm context (Jest's tests are in one) messages arrive with another realm's prototypes.
  const foreign = !(encoded.value instanceof Object);
  const value =
    foreign || stands !== undefined
      ? new Reviver(stands ?? [], foreign).any(encoded.value)
      : encoded.value;
  // After the stands: whatever took the place of one has its class already.
  for (const [id, objects] of instances ?? []) {
    const { prototype } = classById(id) as { readonly prototype: object };
    for (const object of objects) Object.setPrototypeOf(object, prototype);
  }
  for (const view of buffers ?? []) Object.setPrototypeOf(view, Buffer.prototype as object);
  return value;
}

/** Walks a message that is its own: everything in it is changed in place. */
class Reviver {
  readonly #stands: ReadonlySet<object>;
  /** What objects became; an object that has been entered but not left stands for itself. */
  readonly #done = new Map<object, unknown>();

  constructor(
    stands: readonly Stand[],
    readonly foreign: boolean,
  ) {
    this.#stands = new Set(stands);
  }

  any(value: unknown): unknown {
    if (typeof value !== 'object' || value === null) return value;
    if (this.#done.has(value)) return this.#done.get(value);
    if (this.#stands.has(value)) return this.#revive(value as Stand);
    this.#done.set(value, value);
    if (this.foreign) adopt(value);
    if (value instanceof Map) this.#map(value);
    else if (value instanceof Set) this.#set(value);
    else if (!ArrayBuffer.isView(value)) this.#properties(value as Record<string, unknown>);
    return value;
  }

  #properties(object: Record<string, unknown>): void {
    for (const key of Object.keys(object)) {
      const before = object[key];
      if (typeof before !== 'object' || before === null) continue;
      const after = this.any(before);
      // An own property is there already, so that even `__proto__` is nothing but a name.
      if (after !== before) object[key] = after;
    }
  }

  #map(map: Map<unknown, unknown>): void {
    const entries = [...map].map(([key, value]) => [this.any(key), this.any(value)] as const);
    map.clear();
    for (const [key, value] of entries) map.set(key, value);
  }

  #set(set: Set<unknown>): void {
    const items = [...set].map((item) => this.any(item));
    set.clear();
    for (const item of items) set.add(item);
  }

  #revive(stand: Stand): unknown {
    return stand.stand === 'error' ? this.#error(stand) : this.#custom(stand);
  }

  #error(stand: ErrorStand): unknown {
    const error = makeError(stand);
    this.#done.set(stand, error);
    const type = stand.classId === undefined ? undefined : classById(stand.classId);
    if (type !== undefined) Object.setPrototypeOf(error, type.prototype as object);
    // `name` is an own property only where the prototype does not say the same.
    if (error.name !== stand.name) define(error, 'name', stand.name, false);
    if (stand.stack !== undefined) define(error, 'stack', stand.stack, false);
    if (Object.hasOwn(stand, 'cause')) define(error, 'cause', this.any(stand.cause), false);
    if (Object.hasOwn(stand, 'errors')) define(error, 'errors', this.any(stand.errors), false);
    for (const [key, field] of Object.entries(stand.fields))
      define(error, key, this.any(field), true);
    return error;
  }

  #custom(stand: CustomStand): unknown {
    const record = recordById(stand.classId);
    const data = this.any(stand.data);
    try {
      const instance = record?.portable?.decode?.(data as never);
      this.#done.set(stand, instance);
      return instance;
    } catch (error) {
      throw new NotPortableError(
        `A value of class ${record?.target.name ?? stand.classId} arrived, but its \`decode\` failed.`,
        'See the cause.',
        undefined,
        error,
      );
    }
  }
}

function makeError({ base, name, message }: ErrorStand): Error {
  if (base === 'DOMException') return new DOMException(message, name);
  const { stackTraceLimit } = Error;
  // Its stack is that of the other side; collecting one here would be for nothing.
  Error.stackTraceLimit = 0;
  try {
    if (base === 'AggregateError') return new AggregateError([], message);
    return new ((builtinOf(base) as ErrorConstructor | undefined) ?? Error)(message);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** Gives an object of another realm the prototype that it would have had if made here. */
function adopt(value: object): void {
  const prototype = Object.getPrototypeOf(value) as object | null;
  const name = prototype === null ? undefined : builtinName(prototype);
  const here = name === undefined ? undefined : builtinOf(name);
  if (here !== undefined) Object.setPrototypeOf(value, here.prototype);
}

/** The built-in class of a name; undefined where this version of Node does not have it. */
function builtinOf(name: string): { readonly prototype: object } | undefined {
  type Builtins = Readonly<Record<string, { readonly prototype: object } | undefined>>;
  return own(globalThis as unknown as Builtins, name);
}

function unknownClass(id: string, reason: string): NotPortableError {
  const name = id.slice(id.lastIndexOf('#') + 1);
  return new NotPortableError(
    `A value of class ${name} arrived, but that class is not known here: ${reason}.`,
    `Declare ${name} at the top level of a module, decorated with @Portable().`,
  );
}

function notImported(): string {
  return 'its module has not been imported';
}
