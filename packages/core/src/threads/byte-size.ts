/** Estimates how many bytes an encoded value is in a message: structured clone does not say. */
import { types } from 'node:util';
import { Serializer } from 'node:v8';

import type { Encoded } from '../portable/codec.js';

/** What Node's serializer calls, and its types leave out. */
interface Hooks {
  _setTreatArrayBufferViewsAsHostObjects(mode: boolean): void;
}

/** Writes what structured clone would write, except for binary data, which is only counted. */
class Scale extends Serializer {
  #binary = 0;

  /** @throws what cannot be cloned. */
  weigh(value: unknown, moved: readonly unknown[]): number {
    (this as unknown as Hooks)._setTreatArrayBufferViewsAsHostObjects(true);
    for (const [id, buffer] of moved.entries()) {
      if (!types.isArrayBuffer(buffer)) continue;
      this.#binary += buffer.byteLength;
      this.transferArrayBuffer(id, buffer);
    }
    this.writeValue(value);
    return this.releaseBuffer().byteLength + this.#binary;
  }

  /** Called for views; for anything else that only a real message could carry, too. */
  _writeHostObject(found: unknown): void {
    if (!ArrayBuffer.isView(found) || types.isSharedArrayBuffer(found.buffer)) return;
    this.#binary += found.byteLength;
  }

  /** Shared memory stays where it is. */
  _getSharedArrayBufferId(): number {
    return 0;
  }

  readonly _getDataCloneError = Error;
}

/**
 * About as many bytes as the message has; what is moved counts as well, shared memory as nothing.
 * Costs about as much as posting the value.
 * @param moved - what is moved with it, and not copied.
 * @returns undefined where it cannot be told.
 */
export function byteSize(encoded: Encoded, moved: readonly unknown[]): number | undefined {
  try {
    return new Scale().weigh(encoded, moved);
  } catch {
    return undefined;
  }
}
