/** The line to a process: one hop at a time, as a task of tinypool; notices beside it tell the rest. */
import type { HopDefinition } from './executor.js';
import { now, since, type StepProgress } from './hop-control.js';
import type { Boarding, HopLine, Passage, ThreadGone } from './hop-line.js';
import type { AbortNotice, HopReply, HopTask, ProgressNotice } from './message.js';
import type { ImportProgress } from './import-cells.js';

/** Gives a task to the process. @throws ThreadGone */
type Ask = (task: HopTask) => Promise<HopReply>;

export class ProcessLine implements HopLine {
  /** Number of the last hop, and when it left. */
  #run = 0;
  #sent = 0;
  #passage: ProcessPassage | undefined;
  #notice: ProgressNotice | undefined;
  #send: ((notice: AbortNotice) => void) | undefined;

  constructor(
    private readonly ask: Ask,
    private readonly onEmpty: () => void,
  ) {}

  get size(): number {
    return this.#passage === undefined ? 0 : 1;
  }

  get first(): HopDefinition | undefined {
    return this.#passage?.definition;
  }

  /** How many hops it was given. */
  get hops(): number {
    return this.#run;
  }

  /** What it imports; undefined where it has not told. */
  get importing(): ImportProgress | undefined {
    const notice = this.#notice;
    return notice !== undefined && isImport(notice)
      ? { index: notice.importing, ran: since(notice.since) }
      : undefined;
  }

  /** The step that runs. */
  get progress(): StepProgress {
    const notice = this.#notice;
    return notice !== undefined && !isImport(notice) && notice.run === this.#run
      ? { step: notice.step, ran: since(notice.since) }
      : { step: -1, ran: since(this.#sent) };
  }

  /** How the process can be told something. */
  connect(send: (notice: AbortNotice) => void): void {
    this.#send = send;
  }

  /** The process has told where it is. */
  note(notice: ProgressNotice): void {
    this.#notice = notice;
  }

  abort(): void {
    this.#send?.({ abort: this.#run });
  }

  hasRoom(): boolean {
    return false;
  }

  takeBackStuck(): void {
    // Nothing waits on it.
  }

  send({ definition, task, controlled, listener }: Boarding): Passage {
    this.#notice = undefined;
    this.#run++;
    if (controlled) this.#sent = now();
    const passage = (this.#passage = new ProcessPassage(this, definition, controlled));
    const leave = (): boolean => {
      if (this.#passage !== passage) return false;
      this.#passage = undefined;
      this.onEmpty();
      return true;
    };
    this.ask(controlled ? { ...task, run: this.#run } : task).then(
      (reply) => {
        if (leave()) listener.answered(reply);
      },
      (reason: unknown) => {
        if (leave()) listener.gone(reason as ThreadGone);
      },
    );
    return passage;
  }

  close(): () => void {
    this.#send = undefined;
    // Tinypool fails the task.
    return () => undefined;
  }
}

class ProcessPassage implements Passage {
  readonly since = performance.now();
  readonly isFirst = true;
  readonly isBegun = true;

  constructor(
    private readonly line: ProcessLine,
    readonly definition: HopDefinition,
    private readonly controlled: boolean,
  ) {}

  get progress(): StepProgress | undefined {
    return this.controlled ? this.line.progress : undefined;
  }

  abort(): void {
    if (this.controlled) this.line.abort();
  }

  takeBack(): boolean {
    return false;
  }
}

function isImport(
  notice: ProgressNotice,
): notice is Extract<ProgressNotice, { importing: number }> {
  return Object.hasOwn(notice, 'importing');
}
