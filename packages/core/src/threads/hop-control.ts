/** What the loop and a thread tell each other while a hop runs: stop, and which step it is at. */
/// <reference lib="es2024.sharedmemory" />

/** Which step of a hop runs. */
export interface StepProgress {
  /** Index into `HopDefinition.steps`; -1 before the first, while what was sent is decoded. */
  readonly step: number;
  /** For how long it has been running, in milliseconds; before the first step since the hop has left. */
  readonly ran: number;
}

/** Positions in the cells that loop and thread share. */
const [aborted, step, begun] = [0, 1, 2] as const;

/**
 * Cells that the loop and a thread share while a hop runs: 1 when it is aborted; the index of the step
 * that runs, plus one; when that began, or the hop left.
 */
export type HopCells = Int32Array;

export function newCells(): HopCells {
  const cells = new Int32Array(new SharedArrayBuffer(3 * Int32Array.BYTES_PER_ELEMENT));
  cells[begun] = now();
  return cells;
}

/** On the loop: tells the hop that it is aborted. */
export function abortCells(cells: HopCells): void {
  Atomics.store(cells, aborted, 1);
  Atomics.notify(cells, aborted);
}

/** On the loop: which step runs. */
export function progressIn(cells: HopCells): StepProgress {
  return { step: Atomics.load(cells, step) - 1, ran: since(Atomics.load(cells, begun)) };
}

/** In the thread: a step begins; -1 for what comes before the first. */
export function noteStep(cells: HopCells, index: number): void {
  Atomics.store(cells, begun, now());
  Atomics.store(cells, step, index + 1);
}

/** Milliseconds since `then`, on that clock. */
export function since(then: number): number {
  return (now() - then) | 0;
}

/** Milliseconds on a clock that all processes of the machine share, in 32 bits. */
export function now(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return (seconds * 1_000 + nanoseconds / 1_000_000) | 0;
}
