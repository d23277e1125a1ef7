/** The notices between a process and the program that has started it, beside its tasks. */
import { own } from '../own.js';
import { processPacker } from '../threads/freight.js';
import { now } from '../threads/hop-control.js';
import type { HopLink } from '../threads/hop-runner.js';
import type { AbortNotice, FaultNotice, ProgressNotice } from '../threads/message.js';
import { watchProgram } from './watchdog.js';

/** How long a process that is to be ended waits for that, in milliseconds. */
const patience = 1_000;

export class ProcessLink implements HopLink {
  readonly #aborts = new Map<number, () => void>();
  /** The last run that was aborted: perhaps before it has begun here. */
  #aborted = 0;
  /** How many hops have begun, and how many of them were answered. */
  #begun = 0;
  #answered = 0;
  /** Set when an error has come that nobody caught. */
  #isLost = false;

  constructor() {
    process.on('message', (message: Partial<AbortNotice>) => {
      const abort = own(message, 'abort');
      if (abort === undefined) return;
      this.#aborted = abort;
      this.#aborts.get(abort)?.();
    });
    // The program has gone, and with it who could end this process.
    process.on('disconnect', () => process.exit());
    // That is heard between two turns of the event loop only.
    watchProgram();
    process.on('uncaughtException', (error) => this.#noteFault(error));
    // Ctrl-C goes to all processes of a terminal; when this one ends is for the program to say, which
    // ends its processes in order, or takes them along.
    process.on('SIGINT', () => undefined);
  }

  /** A hop has come. @returns whether it may begin. */
  noteBegin(): boolean {
    if (!this.#isLost) this.#begun++;
    return !this.#isLost;
  }

  /** The answer of a hop is on its way. */
  noteAnswer(): void {
    this.#answered++;
  }

  noteImport(index: number): void {
    this.#send({ importing: index, since: now() });
  }

  noteStep(run: number, step: number): void {
    this.#send({ run, step, since: now() });
  }

  onAbort(run: number, abort: () => void): () => void {
    this.#aborts.set(run, abort);
    if (run === this.#aborted) abort();
    return () => this.#aborts.delete(run);
  }

  /** What ends a thread ends a process: an error that nobody catches, with what it held. */
  #noteFault(error: unknown): void {
    // Somebody else in this process catches it, as in a thread.
    if (process.listenerCount('uncaughtException') > 1 || this.#isLost) return;
    this.#isLost = true;
    const notice: FaultNotice = {
      fault: processPacker.packThrown(error).freight,
      begun: this.#begun,
      answered: this.#answered,
    };
    const end = (): void => {
      // The program ends it when it has taken the answers; meanwhile nothing goes on here.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, patience);
      process.exit(1);
    };
    if (process.send === undefined) end();
    else process.send(notice, end);
  }

  #send(notice: ProgressNotice): void {
    process.send?.(notice, () => undefined);
  }
}
