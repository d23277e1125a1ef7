/** What a thread and the loop tell each other of all hops, in cells that they share. */
/// <reference lib="es2024.sharedmemory" />

/** Positions in the cells. */
const [importing, begun, received] = [0, 1, 2] as const;

/** How long a thread that ends waits for the loop to take its answers, in milliseconds. */
const longestReceipt = 1_000;

/** The index of the module that the thread imports; how many hops have begun; how many answers are there. */
export type ThreadCells = Int32Array;

export function newThreadCells(): ThreadCells {
  return new Int32Array(new SharedArrayBuffer(3 * Int32Array.BYTES_PER_ELEMENT));
}

/** In the thread: it imports that module. */
export function noteImport(cells: ThreadCells, index: number): void {
  Atomics.store(cells, importing, index);
}

export function importIn(cells: ThreadCells): number {
  return Atomics.load(cells, importing);
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
