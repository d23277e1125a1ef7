/**
 * The short form of hops and answers on the line to a thread: the names of fields are written and read with
 * each message, which takes longer than all else in a small one.
 */
import { encodedAs, type Encoded } from '../portable/codec.js';
import type { HopCells } from './hop-control.js';
import { hasFailed, type Freight, type HopReply, type HopTask } from './message.js';

type ShortTask = readonly [ticket: number, hop: number, inputs: readonly unknown[]];
type LongTask = readonly [ticket: number, task: HopTask];
type ShortReply = readonly [values: readonly unknown[]];

/** A hop of which nothing but plain inputs has to be said, or all that there is to say of one. */
export type WireTask = ShortTask | LongTask;

/** Values that are plain, or all that there is to say of an answer. */
export type WireReply = ShortReply | HopReply;

/** @param cells - of a controlled hop. */
export function toWireTask(ticket: number, task: HopTask, cells: HopCells | undefined): WireTask {
  const { details } = task;
  if (cells !== undefined) return [ticket, { ...task, details: { ...details, cells } }];
  const inputs = details === undefined ? plainList(task.inputs) : undefined;
  return inputs === undefined ? [ticket, task] : [ticket, task.hop, inputs];
}

export function fromWireTask(wire: WireTask): HopTask {
  if (wire.length === 2) return wire[1];
  return { task: 'hop', hop: wire[1], inputs: encodedAs(wire[2]), details: undefined };
}

export function toWireReply(reply: HopReply): WireReply {
  if (hasFailed(reply)) return reply;
  const { ran, took, ended, bytes, crosses, stayed } = reply;
  const values = plainList(reply.values);
  const isShort =
    values !== undefined &&
    stayed.length === 0 &&
    ran === undefined &&
    took === undefined &&
    ended === undefined &&
    bytes === undefined &&
    crosses === undefined;
  return isShort ? [values] : reply;
}

/** @param thread - that has sent it. */
export function fromWireReply(wire: WireReply, thread: number): HopReply {
  return isShortReply(wire) ? { thread, values: encodedAs(wire[0]), stayed: [] } : wire;
}

function isShortReply(wire: WireReply): wire is ShortReply {
  return Array.isArray(wire);
}

/** The list that freight is, where it is nothing else. */
function plainList(freight: Freight): readonly unknown[] | undefined {
  // A port or bytes would have these from a polluted prototype.
  if (!Object.hasOwn(freight, 'value')) return undefined;
  const { value, instances, buffers, stands } = freight as Encoded;
  const isPlain = instances === undefined && buffers === undefined && stands === undefined;
  return isPlain && Array.isArray(value) ? value : undefined;
}
