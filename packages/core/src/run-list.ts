/** The runs that go on in a scope, in the order in which they began. */
import type { Run } from './run.js';

/** Linked through the runs, each of which is in one list: a set for each request cost 0.1 µs. */
export class RunList {
  private first: Run | undefined = undefined;
  private last: Run | undefined = undefined;

  get isEmpty(): boolean {
    return this.first === undefined;
  }

  add(run: Run): void {
    run.previous = this.last;
    if (this.last === undefined) this.first = run;
    else this.last.next = run;
    this.last = run;
  }

  /** @param run - one that is in it. */
  remove(run: Run): void {
    const { previous, next } = run;
    if (previous === undefined) this.first = next;
    else previous.next = next;
    if (next === undefined) this.last = previous;
    else next.previous = previous;
    run.previous = run.next = undefined;
  }

  /** Those that go on now. */
  get all(): readonly Run[] {
    const runs: Run[] = [];
    for (let run = this.first; run !== undefined; run = run.next) runs.push(run);
    return runs;
  }
}
