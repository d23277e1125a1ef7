/** The thread's end of the line that its hops come by: it runs one after the other. */
import type { HopRunner, Sent } from '../threads/hop-runner.js';
import type { FarEnd } from '../threads/message.js';
import { claimTicket } from '../threads/ticket.js';
import { fromWireTask, toWireReply, type WireTask } from '../threads/wire.js';

export class HopPort {
  /** Hops that have come while another one awaits something. */
  readonly #waiting: WireTask[] = [];
  #isBusy = false;

  constructor(
    private readonly end: FarEnd,
    private readonly runner: HopRunner,
  ) {}

  open(): void {
    this.end.port.on('message', (tasks: readonly WireTask[]) => {
      for (const task of tasks) {
        if (this.#isBusy) this.#waiting.push(task);
        else this.#run(task);
      }
    });
  }

  #run(wire: WireTask): void {
    const task = fromWireTask(wire);
    // Also of what has been taken back: the loop counts on it.
    this.runner.learn(task);
    if (!claimTicket(this.end.tickets, wire[0])) return;
    const sent = this.runner.run(task);
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
    while (!this.#isBusy) {
      const task = this.#waiting.shift();
      if (task === undefined) return;
      this.#run(task);
    }
  }

  #post({ reply, transfer }: Sent): void {
    // Each on its own: what comes next may be the end of the thread.
    this.end.port.postMessage(toWireReply(reply), transfer);
  }
}
