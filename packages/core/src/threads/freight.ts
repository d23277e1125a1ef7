/** Puts encoded values into messages in such a way that posting the message cannot fail. */
import { isUint8Array } from 'node:util/types';
import { Deserializer, Serializer } from 'node:v8';
import { MessageChannel, MessagePort, receiveMessageOnPort } from 'node:worker_threads';

import { encode, encodeExactly, encodeThrown, type Encoded } from '../portable/codec.js';
import { byteSize } from './byte-size.js';
import type { Freight } from './message.js';

/** What can be moved. */
export type Transferable = ArrayBuffer | MessagePort;

/** A value that is ready to be posted. */
export interface Packed {
  readonly freight: Freight;
  readonly transfer: readonly Transferable[];
  /** Memory of the user's is moved, so that the value cannot be packed once more. */
  readonly moves: boolean;
  /** It can be posted later as well: nothing changes it any more. */
  readonly settled: boolean;
  /** Where it was asked for and can be told: about how many bytes it has. */
  readonly bytes?: number | undefined;
}

/** How values are made ready for one kind of thread. */
export interface Packer {
  /**
   * @param sized - whether its bytes are to be counted.
   * @throws Obstacle for a value that cannot cross.
   */
  pack(value: unknown, sized?: boolean): Packed;
  /** Packs what was thrown; never fails. */
  packThrown(thrown: unknown): Packed;
  /** Whether a value could cross. */
  canPack(value: unknown): boolean;
}

/** For threads of this process. */
export const threadPacker: Packer = {
  /**
   * A value that may turn out not to be cloneable is posted here, into a channel of its own whose
   * other end travels instead: in a pool's hands the failure would cost a thread (tinypool posts
   * results without a net).
   */
  pack(value, sized = false) {
    const { encoded, transfer, exact, settled } = encode(value);
    // Before anything of it moves.
    const bytes = sized ? byteSize(encoded, transfer) : undefined;
    const moves = transfer.length > 0;
    if (exact) return { freight: encoded, transfer, moves, settled, bytes };
    const { port1, port2 } = new MessageChannel();
    try {
      port1.postMessage(encoded, transfer);
      return { freight: port2, transfer: [port2], moves, settled: false, bytes };
    } catch {
      port2.close();
      const parcel = encodeExactly(value);
      return { freight: parcel.encoded, transfer: parcel.transfer, moves, settled: false, bytes };
    } finally {
      // What has been posted stays in the queue of the other end.
      port1.close();
    }
  },
  packThrown(thrown) {
    const { encoded, transfer } = encodeThrown(thrown);
    return { freight: encoded, transfer, moves: false, settled: true };
  },
  canPack: (value) => canEncode(value, true),
};

/** For other processes, to which nothing can be moved, and with which no memory is shared. */
export const processPacker: Packer = {
  pack(value) {
    const freight = serialise(encodeExactly(value, false).encoded);
    return { freight, transfer: [], moves: false, settled: true, bytes: freight.byteLength };
  },
  packThrown: (thrown) => ({
    freight: serialise(encodeThrown(thrown, false).encoded),
    transfer: [],
    moves: false,
    settled: true,
  }),
  canPack: (value) => canEncode(value, false),
};

function canEncode(value: unknown, shares: boolean): boolean {
  try {
    encodeExactly(value, shares);
    return true;
  } catch {
    return false;
  }
}

/** Gives up what was packed and will not be sent: a port would stay open for ever. */
export function discard({ freight }: Pick<Packed, 'freight'>): void {
  if (freight instanceof MessagePort) freight.close();
}

/** The encoded value in a message that has arrived; to be called once. */
export function unpack(freight: Freight): Encoded {
  if (freight instanceof MessagePort) {
    const received = receiveMessageOnPort(freight) as { readonly message: Encoded };
    freight.close();
    return received.message;
  }
  return isUint8Array(freight) ? deserialise(freight) : freight;
}

/** Not `v8.serialize`, which gives each view memory of its own, and arrives as views of the message. */
function serialise(encoded: Encoded): Uint8Array {
  const serializer = new Serializer();
  serializer.writeHeader();
  serializer.writeValue(encoded);
  return serializer.releaseBuffer();
}

function deserialise(bytes: Uint8Array): Encoded {
  const deserializer = new Deserializer(bytes);
  deserializer.readHeader();
  return deserializer.readValue() as Encoded;
}
