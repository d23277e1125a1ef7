/** The thread's end of the line that its hops come by: it runs one after the other. */
import { AsyncResource } from 'node:async_hooks';

import { discard } from '../threads/freight.js';
import type { HopRunner, Sent } from '../threads/hop-runner.js';
import type { FarEnd } from '../threads/message.js';
import { claimTicket } from '../threads/ticket.js';
import { fromWireTasks, toWireReply, type TicketedTask, type WireTasks } from '../threads/wire.js';

export class HopPort {
  /** Hops that have come while another one goes on. */
  readonly #waiting: TicketedTask[] = [];
  #isBusy = false;

  constructor(
    private readonly end: FarEnd,
    private readonly runner: HopRunner,
  ) {}

  open(): void {
    this.end.port.on('message', (message: WireTasks) => {
      this.#waiting.push(...fromWireTasks(message));
      if (!this.#isBusy) this.#goOn();
    });
  }

  #run({ ticket, task }: TicketedTask): void {
    // Also of what has been taken back: the loop counts on it.
    this.runner.learn(task);
    if (!claimTicket(this.end.tickets, ticket)) {
      discard({ freight: task.inputs });
      return;
    }
    // What a step enters by `enterWith` of an AsyncLocalStorage would stay with the port, for all others.
    const sent = new AsyncResource('turno.hop').runInAsyncScope(() => this.runner.run(task));
    if (!(sent instanceof Promise)) {
      this.#post(sent);
      return;
    }
    this.#isBusy = true;
    void sent.then((made) => {
      this.#post(made);
      this.#isBusy = false;
      this.#goOn();
    });
  }

  #goOn(): void {
    const next = this.#waiting.shift();
    if (next === undefined) return;
    this.#run(next);
    if (this.#isBusy || this.#waiting.length === 0) return;
    // What a hop has left to microtasks comes before the next one.
    this.#isBusy = true;
    queueMicrotask(() => {
      this.#isBusy = false;
      this.#goOn();
    });
  }

  #post({ reply, transfer }: Sent): void {
    // Each on its own: what comes next may be the end of the thread.
    try {
      this.end.port.postMessage(toWireReply(reply), transfer);
    } catch (error) {
      // Such as a view of memory that has become too small for it.
      this.#post(this.runner.failure(error));
    }
  }
}
