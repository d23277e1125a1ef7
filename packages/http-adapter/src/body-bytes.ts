/** The bytes of a body in the pieces in which they came, so that large ones are never copied as a whole. */
import { transfer } from '@turno/core';

/**
 * Pieces from this size on are kept as they are; smaller ones are filled into blocks, since each piece
 * costs a few hundred bytes, and a client may send single ones. Bytes.
 */
const worthKeeping = 16 * 1024;

const blockSize = 64 * 1024;

/** Up to here a copy costs less than the care that moving takes. Bytes. */
export const worthMoving = 64 * 1024;

/** A body that has been read. */
export class BodyBytes {
  /** In bytes. */
  length = 0;
  /** Whether a thread that wants it may have it for itself: nobody else does. */
  mayMove = false;
  /** Of the first piece and of large ones: as they came. */
  #pieces: Uint8Array[] = [];
  /** Bytes that are used of the last piece, if that is a block. */
  #used = 0;
  #hasBlock = false;

  /** Adds what has come. It must not change afterwards. */
  add(chunk: Uint8Array): void {
    this.length += chunk.length;
    if (this.#pieces.length === 0 || chunk.length >= worthKeeping) {
      this.#closeBlock();
      this.#pieces.push(bytesOf(chunk));
      return;
    }
    for (let rest = chunk; rest.length > 0;) {
      let block = this.#hasBlock ? (this.#pieces.at(-1) as Uint8Array) : undefined;
      if (block === undefined || this.#used === block.length) {
        block = new Uint8Array(blockSize);
        this.#pieces.push(block);
        this.#hasBlock = true;
        this.#used = 0;
      }
      const part = rest.subarray(0, block.length - this.#used);
      block.set(part, this.#used);
      this.#used += part.length;
      rest = rest.subarray(part.length);
    }
  }

  /** All of it in one piece. @throws an error when it is in a thread already. */
  whole(): Buffer {
    this.#closeBlock();
    if (this.#pieces.reduce((sum, { length }) => sum + length, 0) < this.length) {
      throw new Error(
        'The body was moved to the thread that decodes it: what reads it must be a parameter.',
      );
    }
    const whole = joined(this.#pieces);
    this.#pieces = [bytesOf(whole)];
    return whole;
  }

  /** Its pieces for a thread: copied when they cross, or moved if they may be and are worth it. */
  toCross(): readonly Uint8Array[] {
    this.#closeBlock();
    if (this.mayMove && this.length >= worthMoving)
      for (const piece of this.#pieces) transfer(piece);
    return this.#pieces;
  }

  #closeBlock(): void {
    if (!this.#hasBlock) return;
    this.#hasBlock = false;
    const block = this.#pieces.at(-1) as Uint8Array;
    // A copy, so that nothing crosses but what is used.
    if (this.#used < block.length) {
      this.#pieces[this.#pieces.length - 1] = block.slice(0, this.#used);
    }
  }
}

/** One `Buffer` of all pieces. */
export function joined(pieces: readonly Uint8Array[]): Buffer {
  const [only] = pieces;
  if (only === undefined || pieces.length > 1) return Buffer.concat(pieces);
  return Buffer.from(only.buffer, only.byteOffset, only.byteLength);
}

/** A `Buffer` becomes one again on the other side, for nothing. */
function bytesOf({ buffer, byteOffset, byteLength }: Uint8Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
