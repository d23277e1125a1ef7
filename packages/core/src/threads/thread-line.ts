/** The line to a thread: a port of its own, on which short hops follow one another without a pause. */
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';

import type { HopDefinition } from './executor.js';
import {
  abortCells,
  newCells,
  progressIn,
  type HopCells,
  type StepProgress,
} from './hop-control.js';
import {
  ThreadGone,
  type Boarding,
  type HopLine,
  type Passage,
  type TripListener,
} from './hop-line.js';
import type { HopReply, FarEnd } from './message.js';
import { claimTicket, hasPlace, issueTicket, isUnclaimed, newTickets } from './ticket.js';

/**
 * For how long all that is on a line may be expected to keep the thread, in milliseconds, so that one more hop
 * may wait there. About twice what it costs to wake up a thread that has fallen asleep, as one of tinypool
 * does after each task.
 */
const mostAhead = 0.2;

export class ThreadLine implements HopLine {
  /** What the thread is given at its start; its port has to be transferred. */
  readonly farEnd: FarEnd;
  readonly #port;
  readonly #tickets = newTickets();
  /** In the order in which they were sent, in which the thread answers them. */
  readonly #passages: ThreadPassage[] = [];
  #lastTicket = 0;
  /** What all of them are expected to take, in milliseconds. */
  #ahead = 0;
  /** The first of them when it was last looked whether the thread goes on. */
  #seen: ThreadPassage | undefined;
  /** Whether the thread did not go on then. */
  #isStuck = false;

  /** @param onEmpty - told when nothing is on it any more, before whoever waits for the last answer. */
  constructor(private readonly onEmpty: () => void) {
    const { port1, port2 } = new MessageChannel();
    this.farEnd = { port: port2, tickets: this.#tickets };
    this.#port = port1;
    port1.on('message', (reply: HopReply) => {
      this.#answer(reply);
      this.#takeAnswers();
    });
    // It keeps the program alive only while a hop is on it.
    port1.unref();
  }

  get size(): number {
    return this.#passages.length;
  }

  get first(): HopDefinition | undefined {
    return this.#passages[0]?.definition;
  }

  hasRoom(expected: number): boolean {
    if (this.#isStuck || this.#ahead + expected > mostAhead) return false;
    return hasPlace(this.#tickets, this.#lastTicket);
  }

  send({ definition, task, packed, controlled, expected, listener }: Boarding): Passage {
    const ticket = issueTicket(this.#tickets, this.#lastTicket);
    const cells = controlled ? newCells() : undefined;
    const isFirst = this.#passages.length === 0;
    this.#port.postMessage(
      cells === undefined ? { ...task, ticket } : { ...task, ticket, cells },
      packed.transfer as never,
    );
    this.#lastTicket = ticket;
    if (isFirst) this.#port.ref();
    const moves = packed.moves === true;
    const passage = new ThreadPassage(
      this,
      definition,
      listener,
      ticket,
      expected,
      isFirst,
      moves,
      cells,
    );
    this.#passages.push(passage);
    this.#ahead += expected;
    return passage;
  }

  isBegun(ticket: number): boolean {
    return !isUnclaimed(this.#tickets, ticket);
  }

  takeBack(passage: ThreadPassage): boolean {
    // What has moved is not here any more.
    if (passage.moves || !claimTicket(this.#tickets, passage.ticket)) return false;
    this.#leave(passage, this.#passages.indexOf(passage));
    return true;
  }

  takeBackStuck(): void {
    // They may be there already, behind what has held the loop.
    this.#takeAnswers();
    const [first] = this.#passages;
    this.#isStuck = first !== undefined && first === this.#seen;
    this.#seen = first;
    if (!this.#isStuck) return;
    const back = this.#passages.filter((passage) => passage !== first && this.takeBack(passage));
    // Each goes in front of the others.
    for (const { listener } of back.reverse()) listener.returned();
  }

  close(reason: ThreadGone): () => void {
    // What a thread has answered before its end is here, whatever that was.
    this.#takeAnswers();
    this.#port.close();
    const [first, ...behind] = this.#passages;
    const lost = new Set(this.#passages.filter((passage) => !this.takeBack(passage)));
    reason.isLost = first !== undefined && lost.has(first);
    this.#passages.length = 0;
    return () => {
      // Each that goes on elsewhere goes in front of the others.
      for (const passage of behind.reverse()) {
        if (lost.has(passage)) passage.listener.gone(new ThreadGone(reason.message, reason));
        else passage.listener.returned();
      }
      first?.listener.gone(reason);
    };
  }

  #takeAnswers(): void {
    // Cheaper than an event for each, and the end of a thread would overtake it.
    for (;;) {
      const received = receiveMessageOnPort(this.#port);
      if (received === undefined) return;
      this.#answer(received.message as HopReply);
    }
  }

  #answer(reply: HopReply): void {
    const passage = this.#passages[0];
    if (passage === undefined) return;
    this.#isStuck = false;
    this.#leave(passage, 0);
    passage.listener.answered(reply);
  }

  #leave({ expected }: ThreadPassage, position: number): void {
    if (position === 0) this.#passages.shift();
    else this.#passages.splice(position, 1);
    this.#ahead -= expected;
    const first = this.#passages[0];
    if (first === undefined) {
      this.#ahead = 0;
      this.#port.unref();
      this.onEmpty();
    } else if (position === 0) {
      first.since = performance.now();
    }
  }
}

class ThreadPassage implements Passage {
  since: number;

  constructor(
    private readonly line: ThreadLine,
    readonly definition: HopDefinition,
    readonly listener: TripListener,
    readonly ticket: number,
    readonly expected: number,
    readonly isFirst: boolean,
    /** Whether memory of the user's moves along. */
    readonly moves: boolean,
    private readonly cells: HopCells | undefined,
  ) {
    this.since = isFirst ? performance.now() : Infinity;
  }

  get isBegun(): boolean {
    return this.line.isBegun(this.ticket);
  }

  get progress(): StepProgress | undefined {
    return this.cells === undefined ? undefined : progressIn(this.cells);
  }

  abort(): void {
    if (this.cells !== undefined) abortCells(this.cells);
  }

  takeBack(): boolean {
    return this.line.takeBack(this);
  }
}
