/**
 * The short form of hops and answers on the line to a thread: names of fields, and each list in a list, are
 * written and read with each message, which takes longer than all else in a small one.
 */
import { encodedAs, type Encoded } from '../portable/codec.js';
import type { HopCells } from './hop-control.js';
import { hasFailed, type Freight, type HopReply, type HopTask } from './message.js';

/**
 * A message to a thread: of each hop its ticket, then its task; in the place of a task with nothing but plain
 * inputs the id of its hop, how many inputs there are, and these.
 */
export type WireTasks = readonly unknown[];

/** A hop that has arrived. */
export interface TicketedTask {
  readonly ticket: number;
  readonly task: HopTask;
}

/** One value that is plain, several, or all that there is to say of an answer. */
export type WireReply = string | number | boolean | readonly unknown[] | HopReply;

/** Adds a hop to a message. @param cells - of a controlled hop. */
export function addToWire(
  message: unknown[],
  ticket: number,
  task: HopTask,
  cells: HopCells | undefined,
): void {
  const { details } = task;
  const isShort = details === undefined && cells === undefined;
  const inputs = isShort ? plainList(task.inputs) : undefined;
  if (inputs !== undefined) message.push(ticket, task.hop, inputs.length, ...inputs);
  else
    message.push(ticket, cells === undefined ? task : { ...task, details: { ...details, cells } });
}

export function fromWireTasks(message: WireTasks): TicketedTask[] {
  const tasks: TicketedTask[] = [];
  for (let at = 0; at < message.length;) {
    const ticket = message[at++] as number;
    const hop = message[at++] as number | HopTask;
    if (typeof hop === 'object') {
      tasks.push({ ticket, task: hop });
      continue;
    }
    const end = at + 1 + (message[at] as number);
    const inputs = encodedAs(message.slice(at + 1, end));
    tasks.push({ ticket, task: { task: 'hop', hop, inputs, details: undefined } });
    at = end;
  }
  return tasks;
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
  if (!isShort) return reply;
  const [value] = values;
  return values.length === 1 && isAlone(value) ? value : values;
}

/** @param thread - that has sent it. */
export function fromWireReply(wire: WireReply, thread: number): HopReply {
  if (isReply(wire)) return wire;
  return { thread, values: encodedAs(isAlone(wire) ? [wire] : wire), stayed: [] };
}

function isReply(wire: WireReply): wire is HopReply {
  return typeof wire === 'object' && !Array.isArray(wire);
}

/** Whether a value is told from all other answers where it is sent without a list around it. */
function isAlone(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

/** The list that freight is, where it is nothing else. */
function plainList(freight: Freight): readonly unknown[] | undefined {
  // A port or bytes would have these from a polluted prototype.
  if (!Object.hasOwn(freight, 'value')) return undefined;
  const { value, instances, buffers, stands } = freight as Encoded;
  const isPlain = instances === undefined && buffers === undefined && stands === undefined;
  return isPlain && Array.isArray(value) ? value : undefined;
}
