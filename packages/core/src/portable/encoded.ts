/** The form in which values travel between loop and thread. Only plain, cloneable data. */

/**
 * An encoded value. `value` is a tree of structured-clone data; the lists say which of its objects
 * become something else on arrival. They name these objects by identity, which structured clone
 * keeps within one message: nothing inside `value` can pass itself off as one of them. All fields
 * are there, also where they are undefined: one that is missing would be read from a polluted
 * `Object.prototype`.
 */
export interface Encoded {
  value: unknown;
  /** Objects that get the prototype of a `@Portable` class back, by class id. */
  instances: Map<string, object[]> | undefined;
  /** Views that were a `Buffer`. */
  buffers: Uint8Array[] | undefined;
  /** Objects in whose place something is made: errors, and instances with `decode`. */
  stands: Stand[] | undefined;
}

/** An object that stands for something that structured clone cannot carry. */
export type Stand = ErrorStand | CustomStand;

export interface ErrorStand {
  readonly stand: 'error';
  /** Name of the nearest built-in class: `TypeError`; also `DOMException`. */
  readonly base: string;
  /** Of a `@Portable` class, or of one of the library's own errors. */
  readonly classId: string | undefined;
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  /** Own enumerable fields: all of them with a `classId`, else those with a primitive value. */
  readonly fields: Record<string, unknown>;
  readonly cause?: unknown;
  /** Of an `AggregateError`. */
  readonly errors?: unknown;
}

export interface CustomStand {
  readonly stand: 'custom';
  readonly classId: string;
  /** What `encode` returned, encoded in its turn. */
  data: unknown;
}

/** An encoded value with the buffers that are moved instead of copied. */
export interface Parcel {
  readonly encoded: Encoded;
  readonly transfer: readonly ArrayBuffer[];
  /** Whether posting it cannot fail: `value` holds copies only, and nothing of the user's moves. */
  readonly exact: boolean;
  /** Whether nothing that anybody does to the original can change it any more: no memory is the user's. */
  readonly settled: boolean;
}

/** Data to which nothing has to be done on arrival, so far. */
export function encodedAs(value: unknown): Encoded {
  return { value, instances: undefined, buffers: undefined, stands: undefined };
}

/** Ids of all classes that {@link Encoded} needs where it is decoded. */
export function classIds(encoded: Encoded): ReadonlySet<string> {
  if (encoded.instances === undefined && encoded.stands === undefined) return none;
  const ids = new Set<string>(encoded.instances?.keys());
  for (const stand of encoded.stands ?? []) {
    if (stand.classId !== undefined) ids.add(stand.classId);
  }
  return ids;
}

const none: ReadonlySet<string> = new Set();
