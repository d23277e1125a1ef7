/** Puts encoded values into messages in such a way that posting the message cannot fail. */
import { MessageChannel, MessagePort, receiveMessageOnPort } from 'node:worker_threads';

import type { Encoded, Parcel } from '../portable/codec.js';
import type { Freight } from './message.js';

/** What can be moved. */
export type Transferable = ArrayBuffer | MessagePort;

/** A value that is ready to be posted. */
export interface Packed {
  readonly freight: Freight;
  readonly transfer: readonly Transferable[];
}

/**
 * Packs an encoded value. One that may turn out not to be cloneable is posted here, into a channel
 * of its own whose other end travels instead: in a pool's hands the failure would cost a thread
 * (tinypool posts results without a net).
 * @param exactly - encodes the same value with certainty; may throw an Obstacle.
 */
export function pack(parcel: Parcel, exactly: () => Parcel): Packed {
  if (parcel.exact) return { freight: parcel.encoded, transfer: parcel.transfer };
  const { port1, port2 } = new MessageChannel();
  try {
    port1.postMessage(parcel.encoded, parcel.transfer);
    return { freight: port2, transfer: [port2] };
  } catch {
    port2.close();
    const { encoded, transfer } = exactly();
    return { freight: encoded, transfer };
  } finally {
    // What has been posted stays in the queue of the other end.
    port1.close();
  }
}

/** The encoded value in a message that has arrived; to be called once. */
export function unpack(freight: Freight): Encoded {
  if (!isPort(freight)) return freight;
  const received = receiveMessageOnPort(freight) as { readonly message: Encoded };
  freight.close();
  return received.message;
}

function isPort(freight: Freight): freight is MessagePort {
  // Not by `value in`: user data never stands at this level, but a port has no own `value` anyway.
  return freight instanceof MessagePort;
}
