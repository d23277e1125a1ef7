/**
 * Writes large answers slice by slice, so that no turn of the event loop has all of their bytes. And what
 * waits in a session of HTTP/2 counts as its memory, of which Node allows 10 MB: one answer of that size
 * would have all other requests of its client refused.
 */
import { ServerResponse } from 'node:http';
import { isArrayBuffer } from 'node:util/types';
import { MessageChannel } from 'node:worker_threads';

/** Bytes of one turn. Encrypting or compressing as many takes less than a millisecond. */
const sliceSize = 256 * 1024;

/** Whether an answer is long enough for {@link writeSlices}. */
export function isLarge({ length }: string | Uint8Array): boolean {
  return length > sliceSize;
}

/**
 * Writes bytes, after the head and before the end of an answer: each slice when the client has room for
 * it, in a turn of its own.
 * @param isOurs - nobody else has these bytes: their memory is given back when all is sent.
 * @param done - called when all are handed over; not if the client has gone.
 */
export function writeSlices(
  response: ServerResponse,
  bytes: Uint8Array,
  isOurs: boolean,
  done: () => void,
): void {
  let at = 0;
  // What replaces `write` (a middleware that compresses) may still hold what it was given.
  let unsent = isOurs && response.write === ServerResponse.prototype.write ? bytes.length : NaN;
  const next = (): void => {
    if (response.destroyed) return;
    const slice = bytes.subarray(at, (at += sliceSize));
    const hasRoom = response.write(slice, (error) => {
      if (!error && (unsent -= slice.length) === 0) release(bytes);
    });
    if (at >= bytes.length) done();
    else if (hasRoom) later();
    else response.once('drain', later);
  };
  const later = (): void => void setImmediate(next);
  next();
}

/** Whoever sends to it sends to nobody. */
const nowhere = (() => {
  const { port1 } = new MessageChannel();
  port1.close();
  return port1;
})();

/**
 * Frees the memory of bytes that nobody needs any more. It counts as that of this thread's heap: of a few
 * such answers the garbage collector would be called, which stops the loop for longer than anything
 * else here.
 */
function release({ buffer, byteLength }: Uint8Array): void {
  if (!isArrayBuffer(buffer) || buffer.byteLength !== byteLength) return;
  nowhere.postMessage(undefined, [buffer]);
}
