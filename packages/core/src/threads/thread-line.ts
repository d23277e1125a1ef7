/** The line to a thread: a port of its own, on which short hops follow one another without a pause. */
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';

import type { HopDefinition } from './executor.js';
import type { Packed } from './freight.js';
import {
  abortCells,
  newCells,
  progressIn,
  type HopCells,
  type StepProgress,
} from './hop-control.js';
import type { HopLine, LineHost } from './hop-line.js';
import { ThreadGone } from './thread-gone.js';
import type { Departure, HopImport, Trip } from './lane.js';
import type { FarEnd, HopTask } from './message.js';
import { claimTicket, hasPlace, issueTicket, isUnclaimed, newTickets } from './ticket.js';
import { addToWire, fromWireReply, type WireReply } from './wire.js';

/**
 * For how long all that is on a line may be expected to keep the thread, in milliseconds, so that one more hop
 * may wait there. About twice what it costs to wake up a thread that has fallen asleep, as one of tinypool
 * does after each task.
 */
const mostAhead = 0.2;

/** As it is now: fake timers of a test would stop hops, which nobody expects of them. */
const later = setImmediate;

/** So many hops leave at once: the thread shall not wait for a turn that is long. */
const mostInMessage = 16;

export class ThreadLine implements HopLine {
  /** What the thread is given at its start; its port has to be transferred. */
  readonly farEnd: FarEnd;
  readonly #port;
  readonly #tickets = newTickets();
  /** In the order in which they were sent, in which the thread answers them. */
  readonly #trips: ThreadTrip[] = [];
  #lastTicket = 0;
  /** The message that hops wait for, and how many are in it. */
  #outbox: unknown[] = [];
  #outgoing = 0;
  /** What all of them are expected to take, in milliseconds. */
  #ahead = 0;
  /** The first of them when it was last looked whether the thread goes on. */
  #seen: ThreadTrip | undefined;
  /** Whether the thread did not go on then, so that nothing more shall wait for it. */
  #isLate = false;

  constructor(private readonly host: LineHost) {
    const { port1, port2 } = new MessageChannel();
    this.farEnd = { port: port2, tickets: this.#tickets };
    this.#port = port1;
    port1.on('message', (reply: WireReply) => {
      this.#answer(reply);
      this.takeAnswers();
    });
    // What keeps the program alive while a hop is on it is the thread: it tells of its end after the port.
    port1.unref();
  }

  get size(): number {
    return this.#trips.length;
  }

  get first(): HopDefinition | undefined {
    return this.#trips[0]?.departure.definition;
  }

  hasRoom(expected: number): boolean {
    if (this.#isLate || this.#ahead + expected > mostAhead) return false;
    return hasPlace(this.#tickets, this.#lastTicket);
  }

  reserve(expected: number): number {
    this.#lastTicket = issueTicket(this.#tickets, this.#lastTicket);
    this.#ahead += expected;
    return this.#lastTicket;
  }

  release(ticket: number, expected: number): void {
    claimTicket(this.#tickets, ticket);
    this.#ahead = this.#trips.length === 0 ? 0 : this.#ahead - expected;
  }

  send(ticket: number, departure: Departure, task: HopTask, packed: Packed): Trip {
    const cells = departure.isControlled ? newCells() : undefined;
    const isFirst = this.#trips.length === 0;
    const trip = new ThreadTrip(this, this.host, departure, ticket, isFirst, packed, cells);
    if (isFirst || !packed.settled) {
      this.#flush();
      const message: unknown[] = [];
      addToWire(message, ticket, task, cells);
      this.#port.postMessage(message, packed.transfer as never);
    } else {
      addToWire(this.#outbox, ticket, task, cells);
      this.#postLater();
    }
    if (isFirst) this.host.noteBusy();
    this.#trips.push(trip);
    return trip;
  }

  isBegun(ticket: number): boolean {
    return !isUnclaimed(this.#tickets, ticket);
  }

  takeBack(trip: ThreadTrip): boolean {
    const position = this.#trips.indexOf(trip);
    if (position < 0 || !claimTicket(this.#tickets, trip.ticket)) return false;
    this.#leave(trip, position);
    return true;
  }

  takeBackLate(): void {
    // They may be there already, behind what has held the loop.
    this.takeAnswers();
    const [first] = this.#trips;
    this.#isLate = first !== undefined && first === this.#seen;
    this.#seen = first;
    if (!this.#isLate) return;
    // What has moved is not here any more, for another thread to be given.
    const behind = this.#trips.slice(1).filter(({ moves }) => !moves);
    const back = behind.filter((trip) => this.takeBack(trip));
    // Each goes in front of the others.
    for (const { departure } of back.reverse()) departure.returned();
    if (back.length > 0) this.host.noteReturns();
  }

  close(reason: ThreadGone): () => void {
    // What a thread has answered before its end is here, whatever that was.
    this.takeAnswers();
    this.#port.close();
    const [first, ...behind] = this.#trips;
    // All are claimed before anybody hears of it, and the thread can begin none.
    const unclaimed = this.#trips.filter(({ ticket }) => claimTicket(this.#tickets, ticket));
    const back = new Set(unclaimed.filter(({ moves }) => !moves));
    reason.isLost = first !== undefined && !back.has(first);
    this.#trips.length = 0;
    return () => {
      // Each goes in front of the others.
      for (const trip of behind.reverse()) if (back.has(trip)) trip.departure.returned();
      first?.departure.gone(reason);
      const { message, cause } = reason;
      for (const trip of behind) {
        if (!back.has(trip)) trip.departure.gone(new ThreadGone(message, { cause }));
      }
      this.host.noteReturns();
    };
  }

  /**
   * With others that follow in this turn of the loop: a message for each takes twice as long. Not at its next tick,
   * since requests that have come together by several sockets have a tick each.
   */
  #postLater(): void {
    this.#outgoing++;
    if (this.#outgoing === mostInMessage) this.#flush();
    else if (this.#outgoing === 1) later(() => this.#flush());
  }

  #flush(): void {
    if (this.#outgoing === 0) return;
    this.#port.postMessage(this.#outbox);
    this.#outbox = [];
    this.#outgoing = 0;
  }

  takeAnswers(): void {
    // Cheaper than an event for each, and the end of a thread would overtake it.
    for (;;) {
      const received = receiveMessageOnPort(this.#port);
      if (received === undefined) return;
      this.#answer(received.message as WireReply);
    }
  }

  #answer(reply: WireReply): void {
    const trip = this.#trips[0];
    if (trip === undefined) return;
    this.#isLate = false;
    this.#leave(trip, 0);
    trip.departure.answered(fromWireReply(reply, this.host.id));
  }

  #leave(trip: ThreadTrip, position: number): void {
    // Nobody else may hold on to what it was sent with.
    if (this.#seen === trip) this.#seen = undefined;
    if (position === 0) this.#trips.shift();
    else this.#trips.splice(position, 1);
    this.#ahead -= trip.expected;
    const first = this.#trips[0];
    if (first === undefined) {
      this.#ahead = 0;
      this.host.noteFree();
    } else if (position === 0) {
      // What it comes to now waits for its message: the thread has nothing else to do.
      if (this.#trips.length <= this.#outgoing) this.#flush();
      first.since = performance.now();
      first.departure.reached();
    }
  }
}

class ThreadTrip implements Trip {
  since: number;
  readonly bytes: number | undefined;
  /** Whether memory of the user's moves along. */
  readonly moves: boolean;
  readonly expected: number;

  constructor(
    private readonly line: ThreadLine,
    private readonly host: LineHost,
    readonly departure: Departure,
    readonly ticket: number,
    readonly isFirst: boolean,
    packed: Packed,
    private readonly cells: HopCells | undefined,
  ) {
    this.since = isFirst ? performance.now() : Infinity;
    this.bytes = packed.bytes;
    this.moves = packed.moves;
    this.expected = departure.expected;
  }

  get thread(): number {
    return this.host.id;
  }

  get progress(): StepProgress | undefined {
    return this.cells === undefined ? undefined : progressIn(this.cells);
  }

  get importing(): HopImport | undefined {
    return this.line.isBegun(this.ticket)
      ? this.host.importFor(this.departure.definition)
      : undefined;
  }

  abort(): void {
    if (this.cells !== undefined) abortCells(this.cells);
  }

  takeBack(): boolean {
    return this.line.takeBack(this);
  }

  end(): boolean {
    return this.host.endForTrip();
  }
}
