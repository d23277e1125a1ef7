/** Marks binary data that is moved to the other side instead of copied. */

/** One store for the realm, for the same reason as that of the records. */
const storeKey = Symbol.for('@turno/core:transfer:1');
const realm = globalThis as { [storeKey]?: WeakSet<ArrayBufferLike> | undefined };
const marked: WeakSet<ArrayBufferLike> = (realm[storeKey] ??= new WeakSet());

/**
 * Marks the memory of `data`: the next time that it crosses between loop and thread it is moved,
 * whatever its size, and is empty (detached) where it came from.
 *
 * A view moves only if it covers its whole `ArrayBuffer`; of a part of one (such as a small
 * `Buffer`, which is cut out of Node's pool) a copy crosses, since moving would take the rest away
 * from others. `SharedArrayBuffer`s are shared in any case.
 * @returns `data` itself, so that a provider can `return transfer(pixels)`.
 */
export function transfer<T extends ArrayBufferLike | ArrayBufferView>(data: T): T {
  if (!ArrayBuffer.isView(data)) marked.add(data);
  else if (data.byteLength === data.buffer.byteLength) marked.add(data.buffer);
  return data;
}

/** Whether {@link transfer} was called for that memory. */
export function isMarked(buffer: ArrayBufferLike): boolean {
  return marked.has(buffer);
}
