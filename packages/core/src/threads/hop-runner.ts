/** What a thread does with a task: decode, run the steps, encode, clean up. Also used inline. */
import { classIds, decode, Obstacle, type Encoded } from '../portable/codec.js';
import { inHop } from '../context.js';
import { isDisposable, joinErrors, type TornDown } from '../disposal.js';
import { UnreachableError } from '../errors.js';
import { bare, own } from '../own.js';
import { classById } from '../record.js';
import { warnOfPartial } from '../thread-context.js';
import { disposeValues } from './dispose-values.js';
import { insteadOf, type HopDefinition, type NeededClass } from './executor.js';
import { unpack, type Packer, type Transferable } from './freight.js';
import { contextOf } from './hop-context.js';
import { noteStep } from './hop-control.js';
import { HopSignal } from './hop-signal.js';
import {
  hasFailed,
  type Freight,
  type EndReply,
  type HopDetails,
  type HopReply,
  type HopTask,
} from './message.js';
import { whyUnreachable } from './reach.js';
import { type StepFailure, StepsRun } from './run-steps.js';
import { ThreadValues } from './thread-values.js';

/** A reply, with what is moved along with it. */
export interface Sent<Reply = HopReply> {
  readonly reply: Reply;
  readonly transfer: readonly Transferable[];
}

/** How a thread finds classes that it does not know yet. */
export interface ClassFinder {
  /** Imports the module of a `@Portable` class, if it may. */
  find(classId: string): Promise<void>;
  /**
   * Imports the module of a class that has joined the graph after the start.
   * @param position - of the class in `late` of the hop.
   */
  load(need: NeededClass, position: number): Promise<void>;
  /** Why a class is not known; a sentence without its full stop. */
  reason(classId: string): string;
}

/** How a process is told what threads read in shared cells. */
export interface HopLink {
  /** A step of a run has begun. */
  noteStep(run: number, step: number): void;
  /** Calls back when that run is aborted. @returns a function that ends this. */
  onAbort(run: number, abort: () => void): () => void;
}

export class HopRunner {
  readonly #definitions = new Map<number, HopDefinition>();
  /** Hops whose late classes are there. */
  readonly #complete = new WeakSet<HopDefinition>();
  readonly #kept: ThreadValues;

  constructor(
    /** Id of the thread. */
    readonly thread: number,
    private readonly classes: ClassFinder,
    private readonly packer: Packer,
    /** How long one teardown may take, in milliseconds. */
    private readonly teardownTimeout: number,
    private readonly link?: HopLink,
  ) {
    this.#kept = new ThreadValues(teardownTimeout);
  }

  /** Runs a hop that it has learnt. Never throws; @returns a promise only if something in it is asynchronous. */
  run(task: HopTask): Sent | Promise<Sent> {
    if (task.details === undefined || own(task.details, 'timed') !== true)
      return inHop(undefined, () => this.#run(task));
    const begun = performance.now();
    const sent = inHop(undefined, () => this.#run(task));
    const add = ({ reply, transfer }: Sent): Sent =>
      sentOf({ ...reply, took: performance.now() - begun }, transfer);
    return sent instanceof Promise ? sent.then(add) : add(sent);
  }

  /** How many definitions of hops it keeps. */
  get known(): number {
    return this.#definitions.size;
  }

  /** Takes note of the definitions that come with a task; of each, in order, also where it is not run. */
  learn(task: HopTask): void {
    const { details } = task;
    if (details === undefined) return;
    // A hop that runs has its definition in its hands.
    const forget = own(details, 'forget');
    if (forget !== undefined) this.#definitions.delete(forget);
    const news = own(details, 'definition');
    if (news !== undefined) this.#definitions.set(task.hop, guarded(news));
  }

  #run(task: HopTask): Sent | Promise<Sent> {
    const definition = this.#definitions.get(task.hop);
    if (definition === undefined) {
      return this.#failed(-1, new Error(`This thread does not know the hop ${task.hop}.`));
    }
    const encoded = unpack(task.inputs);
    const late = this.#complete.has(definition) ? [] : (definition.late ?? []);
    if (late.length === 0 && unknownIn(encoded).length === 0) {
      return this.#start(definition, encoded, task);
    }
    return this.#findAndStart(late, definition, encoded, task);
  }

  async #findAndStart(
    late: readonly NeededClass[],
    definition: HopDefinition,
    encoded: Encoded,
    task: HopTask,
  ): Promise<Sent> {
    for (const [position, need] of late.entries()) {
      if (classById(need.classId) === undefined) await this.classes.load(need, position);
      const why = whyUnreachable(need, () => ({ reason: this.classes.reason(need.classId) }));
      if (why === undefined) continue;
      const { reason, remedy } = why;
      const options = { remedy, mayBeAsync: false };
      const [label = ''] = need.labels;
      return this.#failed(-1, new UnreachableError(label, need.module, reason, options));
    }
    this.#complete.add(definition);
    for (const id of unknownIn(encoded)) await this.classes.find(id);
    // What follows has a deadline, the imports have another one.
    this.#beginner(task)?.(-1);
    return this.#start(definition, encoded, task);
  }

  #start(definition: HopDefinition, encoded: Encoded, task: HopTask): Sent | Promise<Sent> {
    const missing = (id: string) => this.classes.reason(id);
    let inputs: unknown[];
    try {
      inputs = decode(encoded, missing) as unknown[];
    } catch (error) {
      return this.#failed(-1, error);
    }
    const context = contextOf(definition, inputs);
    const start = () => this.#runSteps(definition, inputs, task, missing);
    return context === undefined ? start() : inHop(context, start);
  }

  #runSteps(
    definition: HopDefinition,
    inputs: readonly unknown[],
    task: HopTask,
    missing: (classId: string) => string,
  ): Sent | Promise<Sent> {
    const { cells, run: number, timed, sized, probe } = detailsOf(task);
    const signal = new HopSignal(cells);
    const release =
      number === undefined ? undefined : this.link?.onAbort(number, () => signal.abort());
    const ran: number[] | undefined = timed || this.#hasToKeep(definition) ? [] : undefined;
    const begin = this.#beginner(task);
    const run = new StepsRun(definition.steps, inputs, this.#kept, signal, missing, ran, begin);
    const running = run.run();
    const end = (failure: StepFailure | undefined) => {
      release?.();
      // What follows has no deadline of a step.
      begin?.(definition.steps.length);
      // Before the teardown, which may change what would cross.
      const crosses = failure === undefined && this.#crosses(probe, run);
      const sent = this.#end(definition, run, signal, failure, sized === true);
      if (probe === undefined || failure !== undefined) return sent;
      const add = ({ reply, transfer }: Sent): Sent => sentOf({ ...reply, crosses }, transfer);
      return sent instanceof Promise ? sent.then(add) : add(sent);
    };
    const sent = running instanceof Promise ? running.then(end) : end(running);
    if (ran === undefined) return sent;
    return sent instanceof Promise
      ? sent.then((each) => withTimes(each, ran))
      : withTimes(sent, ran);
  }

  #beginner(task: HopTask): ((index: number) => void) | undefined {
    const { link } = this;
    const { cells, run } = detailsOf(task);
    if (cells !== undefined) return (index) => noteStep(cells, index);
    return run === undefined ? undefined : (index) => link?.noteStep(run, index);
  }

  #crosses(probe: HopDetails['probe'], { values }: StepsRun): boolean {
    return (probe ?? []).every(
      (step) => !isDisposable(values[step]) && this.packer.canPack(values[step]),
    );
  }

  /** What to say of a hop whose answer cannot be sent. */
  failure(error: unknown): Sent {
    return this.#failed(-1, error);
  }

  /** Tears down what the thread keeps. Never throws. */
  async end(): Promise<Sent<EndReply>> {
    const faults = await this.#kept.end();
    const { freight, transfer } = this.packer.packThrown(faults.map(({ error }) => error));
    return sentOf({ errors: freight }, transfer);
  }

  /** Whether a run makes a value that the thread keeps from then on: the loop hears of that. */
  #hasToKeep({ steps }: HopDefinition): boolean {
    return steps.some(({ perThread }) => perThread !== undefined && !this.#kept.has(perThread));
  }

  #end(
    definition: HopDefinition,
    run: StepsRun,
    signal: HopSignal,
    failure: StepFailure | undefined,
    sized: boolean,
  ): Sent | Promise<Sent> {
    signal.close();
    // Before the teardown, which may change what is sent.
    const leaves: number[] = [];
    const sent =
      failure === undefined
        ? this.#encode(definition, run, leaves, sized)
        : this.#failed(failure.step, failure.error, failure.step + 1);
    const begun = performance.now();
    const disposing = disposeValues(run, leaves, failure, this.teardownTimeout);
    if (disposing === undefined) return sent;
    const after = (torn: TornDown): Sent => {
      // Generators may have put another error into the place of the one that they saw.
      const { replaced, faults } = torn;
      const errors = faults.map(({ error }) => error);
      if (failure !== undefined) {
        const { error } = torn.failure ?? failure;
        return this.#failed(failure.step, error, failure.step + 1, [...replaced, ...errors]);
      }
      const [first] = faults;
      if (first === undefined || hasFailed(sent.reply)) return sent;
      const step = definition.steps.findIndex(({ label }) => label === first.label);
      return this.#failed(step, joinErrors(errors), run.values.length, replaced);
    };
    return disposing.then((torn) => {
      const { reply, transfer } = after(torn);
      return sentOf({ ...reply, ended: performance.now() - begun }, transfer);
    });
  }

  /** @param leaves - gets the indices of the steps whose values have left the thread. */
  #encode(
    definition: HopDefinition,
    { values, inputs }: StepsRun,
    leaves: number[],
    sized: boolean,
  ): Sent {
    const { outputs, extras, returned = [], steps } = definition;
    const wanted = extras.length === 0 ? outputs : [...outputs, ...extras];
    const list = wanted.map((step) => values[step]);
    for (const position of returned) list.push(inputs[position]);
    const stayed: number[] = [];
    const packList = () => {
      for (;;) {
        try {
          return this.packer.pack(list, sized);
        } catch (error) {
          const position = error instanceof Obstacle ? error.path[0] : undefined;
          const isExtra =
            typeof position === 'number' && position >= outputs.length && position < wanted.length;
          if (!isExtra) throw error;
          stayed.push(position);
          list[position] = undefined;
        }
      }
    };
    try {
      const { freight, transfer, bytes } = packList();
      for (let position = 0; position < wanted.length; position++) {
        if (!stayed.includes(position)) leaves.push(wanted[position] as number);
      }
      const { thread } = this;
      return sized && bytes !== undefined
        ? sentOf({ thread, values: freight, stayed, bytes }, transfer)
        : new SentReply(new ValuesReply(thread, freight, stayed), transfer);
    } catch (error) {
      if (!(error instanceof Obstacle)) return this.#failed(-1, error, values.length);
      const step = wanted[error.path[0] as number] ?? -1;
      const label = steps[step]?.label ?? 'A hop';
      return this.#failed(
        step,
        error
          .from(1)
          .toError(
            `${label} runs in a thread, but its result cannot cross to the event loop`,
            insteadOf(steps[step], label),
          ),
        values.length,
      );
    }
  }

  /**
   * @param count - how many steps have run.
   * @param hidden - what the caller does not see for that error.
   */
  #failed(step: number, error: unknown, count = 0, hidden: readonly unknown[] = []): Sent {
    const { freight, transfer } = this.packer.packThrown(error);
    warnOfPartial(error);
    const reply = { thread: this.thread, step, error: freight, count };
    if (hidden.length === 0) return sentOf(reply, transfer);
    return sentOf(
      { ...reply, hidden: hidden.map((each) => this.packer.packThrown(each).freight) },
      transfer,
    );
  }
}

const noDetails: HopDetails = bare({});

function detailsOf({ details }: HopTask): HopDetails {
  return details === undefined ? noDetails : bare(details);
}

/** Ids of classes that instances in the value are of, and that this thread does not know. */
function unknownIn(encoded: Encoded): string[] {
  return [...classIds(encoded)].filter((id) => classById(id) === undefined);
}

function withTimes({ reply, transfer }: Sent, ran: readonly number[]): Sent {
  return sentOf({ ...reply, ran }, transfer);
}

/** What nearly all hops are answered with. */
class ValuesReply {
  constructor(
    readonly thread: number,
    readonly values: Freight,
    readonly stayed: readonly number[],
  ) {}
}

class SentReply<Reply> implements Sent<Reply> {
  constructor(
    readonly reply: Reply,
    readonly transfer: readonly Transferable[],
  ) {}
}

// Promises would take either for a thenable where `then` is polluted. To take the prototype of each away, as
// `bare` does, took a tenth of the thread's time for a short hop.
for (const { prototype } of [ValuesReply, SentReply]) Object.setPrototypeOf(prototype, null);

function sentOf<Reply extends object>(
  reply: Reply,
  transfer: readonly Transferable[],
): Sent<Reply> {
  return new SentReply(bare(reply), transfer);
}

/** The code in a thread can pollute `Object.prototype`; that shall not say what other hops run. */
function guarded(definition: HopDefinition): HopDefinition {
  return bare({ ...definition, steps: definition.steps.map(bare) });
}
