/** The notices between a process and the program that has started it, beside its tasks. */
import { own } from '../own.js';
import { now } from '../threads/hop-control.js';
import type { HopLink } from '../threads/hop-runner.js';
import type { AbortNotice, ProgressNotice } from '../threads/message.js';

export class ProcessLink implements HopLink {
  readonly #aborts = new Map<number, () => void>();
  /** The last run that was aborted: perhaps before it has begun here. */
  #aborted = 0;

  constructor() {
    process.on('message', (message: Partial<AbortNotice>) => {
      const abort = own(message, 'abort');
      if (abort === undefined) return;
      this.#aborted = abort;
      this.#aborts.get(abort)?.();
    });
    // The program has gone, and with it who could end this process.
    process.on('disconnect', () => process.exit());
    // Ctrl-C goes to all processes of a terminal; when this one ends is for the program to say.
    process.on('SIGINT', () => undefined);
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

  #send(notice: ProgressNotice): void {
    process.send?.(notice, () => undefined);
  }
}
