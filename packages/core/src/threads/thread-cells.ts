/** What a thread and the loop tell each other of all hops, in cells that they share. */
/// <reference lib="es2024.sharedmemory" />
import { now, since } from './hop-control.js';

/** What a thread imports. */
export interface ImportProgress {
  /** In `modules` of the manifest, or beyond; see {@link lateImport}. */
  readonly index: number;
  /** For how long, in milliseconds. */
  readonly ran: number;
}

/** Positions in the cells. */
const [imported, importBegun, begun, received] = [0, 1, 2, 3] as const;

/** How long a thread that ends waits for the loop to take its answers, in milliseconds. */
const longestReceipt = 1_000;

/**
 * The index of the module that the thread imports; since when; how many hops have begun; how many answers
 * are there.
 */
export type ThreadCells = Int32Array;

export function newThreadCells(): ThreadCells {
  return new Int32Array(new SharedArrayBuffer(4 * Int32Array.BYTES_PER_ELEMENT));
}

/** In the thread: an import begins. The index behind the modules of the manifest: none does. */
export function noteImport(cells: ThreadCells, index: number): void {
  Atomics.store(cells, importBegun, now());
  Atomics.store(cells, imported, index);
}

/** On the loop. */
export function importIn(cells: ThreadCells): ImportProgress {
  return { index: Atomics.load(cells, imported), ran: since(Atomics.load(cells, importBegun)) };
}

/**
 * The index of what is imported for a hop, after the start.
 * @param count - how many modules the manifest has.
 * @param position - among its `portableModules`, followed by `late` of the hop.
 */
export function lateImport(count: number, position: number): number {
  return count + 1 + position;
}

/** The position that {@link lateImport} has made an index of; negative for what is imported at the start. */
export function latePosition(count: number, index: number): number {
  return index - count - 1;
}

/** In the thread: one more hop has begun. */
export function noteBegin(cells: ThreadCells): void {
  Atomics.add(cells, begun, 1);
}

export function begunIn(cells: ThreadCells): number {
  return Atomics.load(cells, begun);
}

/** On the loop: one more answer is there. */
export function noteReceipt(cells: ThreadCells): void {
  Atomics.add(cells, received, 1);
  Atomics.notify(cells, received);
}

/**
 * In the thread: waits until the loop has so many answers. The end of a thread overtakes them, and
 * what is still on its way then is lost.
 */
export function awaitReceipt(cells: ThreadCells, answers: number): void {
  for (;;) {
    const there = Atomics.load(cells, received);
    if (there >= answers) return;
    if (Atomics.wait(cells, received, there, longestReceipt) === 'timed-out') return;
  }
}
