/** What a thread tells of its hops beside its answers. */
import { awaitReceipt, noteBegin, type ThreadCells } from '../threads/thread-cells.js';

export class ThreadLink {
  #answers = 0;

  constructor(private readonly cells: ThreadCells) {
    const letGo = (): void => awaitReceipt(cells, this.#answers);
    process.on('uncaughtExceptionMonitor', () => {
      // Somebody else catches it, and the thread lives on.
      if (process.listenerCount('uncaughtException') === 0) letGo();
    });
    process.on('exit', letGo);
  }

  /** A hop has come. @returns whether it may begin. */
  noteBegin(): boolean {
    noteBegin(this.cells);
    return true;
  }

  /** The answer of a hop is on its way. */
  noteAnswer(): void {
    this.#answers++;
  }
}
