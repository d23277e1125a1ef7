/** The numbers of hops on their way to a thread: each is begun by the thread, or taken back by the loop. */
/// <reference lib="es2024.sharedmemory" />

/** How many hops may wait for one thread. */
const places = 32;

/** So that a number is a positive `Int32`, and has the next place also where they begin anew. */
const numbers = 2 ** 30;

/** Stands in a place whose hop has been begun, or taken back. */
const none = 0;

/** Cells that the loop and a thread share: in the place of each hop that waits stands its number. */
export type TicketCells = Int32Array;

export function newTickets(): TicketCells {
  return new Int32Array(new SharedArrayBuffer(places * Int32Array.BYTES_PER_ELEMENT));
}

/** On the loop: whether there is a place for the hop after the one with the number `last`. */
export function hasPlace(cells: TicketCells, last: number): boolean {
  return Atomics.load(cells, next(last) % places) === none;
}

/** On the loop: gives a number to the hop after that; only while it {@link hasPlace}. */
export function issueTicket(cells: TicketCells, last: number): number {
  const ticket = next(last);
  Atomics.store(cells, ticket % places, ticket);
  return ticket;
}

/**
 * In the thread to begin a hop, on the loop to take it back.
 * @returns false where the other side was first.
 */
export function claimTicket(cells: TicketCells, ticket: number): boolean {
  return Atomics.compareExchange(cells, ticket % places, ticket, none) === ticket;
}

/** On the loop: whether the thread has not begun the hop. */
export function isUnclaimed(cells: TicketCells, ticket: number): boolean {
  return Atomics.load(cells, ticket % places) === ticket;
}

function next(last: number): number {
  return (last % numbers) + 1;
}
