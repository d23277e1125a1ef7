/** The line to a process: one hop at a time, as a task of tinypool; notices beside it tell the rest. */
import { bare } from '../own.js';
import type { HopDefinition } from './executor.js';
import type { Packed } from './freight.js';
import { now, since, type StepProgress } from './hop-control.js';
import type { HopLine, LineHost } from './hop-line.js';
import type { ThreadGone } from './thread-gone.js';
import type { Departure, HopImport, Trip } from './lane.js';
import type { AbortNotice, HopReply, HopTask, ProgressNotice } from './message.js';
import type { ImportProgress } from './import-cells.js';

/** Gives a task to the process. @throws ThreadGone */
type Ask = (task: HopTask) => Promise<HopReply>;

export class ProcessLine implements HopLine {
  /** Number of the last hop, and when it left. */
  #run = 0;
  #sent = 0;
  #trip: ProcessTrip | undefined;
  #notice: ProgressNotice | undefined;
  #send: ((notice: AbortNotice) => void) | undefined;

  constructor(
    private readonly ask: Ask,
    private readonly host: LineHost,
  ) {}

  get size(): number {
    return this.#trip === undefined ? 0 : 1;
  }

  get first(): HopDefinition | undefined {
    return this.#trip?.departure.definition;
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

  takeBackLate(): void {
    // Nothing waits on it.
  }

  takeAnswers(): void {
    // They come by tinypool.
  }

  reserve(): number {
    return 0;
  }

  release(): void {
    // It has one place, which is given away when it is free.
  }

  send(_ticket: number, departure: Departure, task: HopTask, { bytes }: Packed): Trip {
    this.#notice = undefined;
    this.#run++;
    const { isControlled } = departure;
    if (isControlled) this.#sent = now();
    const trip = (this.#trip = new ProcessTrip(this, this.host, departure, bytes));
    const leave = (): boolean => {
      if (this.#trip !== trip) return false;
      this.#trip = undefined;
      this.host.noteFree();
      return true;
    };
    const details = bare({ ...task.details, run: this.#run });
    this.ask(isControlled ? { ...task, details } : task).then(
      (reply) => {
        if (leave()) departure.answered(reply);
      },
      (reason: unknown) => {
        if (leave()) departure.gone(reason as ThreadGone);
      },
    );
    return trip;
  }

  close(): () => void {
    this.#send = undefined;
    // Tinypool fails the task.
    return () => undefined;
  }
}

class ProcessTrip implements Trip {
  readonly since = performance.now();
  readonly isFirst = true;
  /** Nothing can be moved to a process. */
  readonly moves = false;

  constructor(
    private readonly line: ProcessLine,
    private readonly host: LineHost,
    readonly departure: Departure,
    readonly bytes: number | undefined,
  ) {}

  get thread(): number {
    return this.host.id;
  }

  get progress(): StepProgress | undefined {
    return this.departure.isControlled ? this.line.progress : undefined;
  }

  get importing(): HopImport | undefined {
    return this.host.importFor(this.departure.definition);
  }

  abort(): void {
    if (this.departure.isControlled) this.line.abort();
  }

  takeBack(): boolean {
    return false;
  }

  end(): boolean {
    return this.host.endForTrip();
  }
}

function isImport(
  notice: ProgressNotice,
): notice is Extract<ProgressNotice, { importing: number }> {
  return Object.hasOwn(notice, 'importing');
}
