/** What the loop and a thread tell each other while a hop runs: stop, and which step it is at. */
/// <reference lib="es2024.sharedmemory" />

/** Which step of a hop runs. */
export interface StepProgress {
  /** Index into `HopDefinition.steps`. */
  readonly step: number;
  /** For how long it has been running, in milliseconds. */
  readonly ran: number;
}

/** Positions in the cells that loop and thread share. */
const [aborted, step, begun] = [0, 1, 2] as const;

/**
 * Cells that the loop and a thread share while a hop runs: 1 when it is aborted; the index of the step
 * that runs, plus one; when that began.
 */
export type HopCells = Int32Array;

export function newCells(): HopCells {
  return new Int32Array(new SharedArrayBuffer(3 * Int32Array.BYTES_PER_ELEMENT));
}

/** On the loop: tells the hop that it is aborted. */
export function abortCells(cells: HopCells): void {
  Atomics.store(cells, aborted, 1);
  Atomics.notify(cells, aborted);
}

/** On the loop: which step runs; undefined before the first. */
export function progressIn(cells: HopCells): StepProgress | undefined {
  const running = Atomics.load(cells, step);
  return running === 0 ? undefined : { step: running - 1, ran: since(Atomics.load(cells, begun)) };
}

/** In the thread: a step begins. */
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
