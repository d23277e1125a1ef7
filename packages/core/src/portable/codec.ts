/** The codec: how values cross between loop and thread, the same in both directions. */
export { decode } from './decode.js';
export { encode, encodeExactly, encodeThrown } from './encode.js';
export { classIds, encodedAs, type Encoded, type Parcel } from './encoded.js';
export { Obstacle } from './obstacle.js';
export { transfer } from './transfer.js';
