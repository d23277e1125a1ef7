/** The thread's end of the line that its hops come by: it runs one after the other. */
import { HopRunner, type Sent } from '../threads/hop-runner.js';
import type { FarEnd, HopTask } from '../threads/message.js';
import { claimTicket } from '../threads/ticket.js';

export class HopPort {
  /** Hops that have come while another one awaits something. */
  readonly #waiting: HopTask[] = [];
  #isBusy = false;

  constructor(
    private readonly end: FarEnd,
    private readonly runner: HopRunner,
  ) {}

  open(): void {
    this.end.port.on('message', (task: HopTask) => {
      if (this.#isBusy) this.#waiting.push(task);
      else this.#run(task);
    });
  }

  #run(task: HopTask): void {
    this.runner.learn(task);
    if (!claimTicket(this.end.tickets, task.ticket ?? 0)) return;
    const sent = this.runner.run(task);
    if (!(sent instanceof Promise)) {
      this.#post(sent);
      return;
    }
    this.#isBusy = true;
    void sent.then((made) => {
      this.#post(made);
      this.#goOn();
    });
  }

  #goOn(): void {
    this.#isBusy = false;
    while (!this.#isBusy) {
      const task = this.#waiting.shift();
      if (task === undefined) return;
      this.#run(task);
    }
  }

  #post({ reply, transfer }: Sent): void {
    this.end.port.postMessage(reply, transfer);
  }
}
