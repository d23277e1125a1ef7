/** What a thread tells the loop of its imports, in cells that they share: it may be too busy for messages. */
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
const [imported, begun] = [0, 1] as const;

/** The index of the module that the thread imports; since when. */
export type ImportCells = Int32Array;

export function newImportCells(): ImportCells {
  return new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT));
}

/** In the thread: an import begins. The index behind the modules of the manifest: none does. */
export function noteImport(cells: ImportCells, index: number): void {
  Atomics.store(cells, begun, now());
  Atomics.store(cells, imported, index);
}

/** On the loop. */
export function importIn(cells: ImportCells): ImportProgress {
  return { index: Atomics.load(cells, imported), ran: since(Atomics.load(cells, begun)) };
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
