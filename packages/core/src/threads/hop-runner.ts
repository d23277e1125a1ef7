/** What a thread does with a task: decode, run the steps, encode, clean up. Also used inline. */
import {
  classIds,
  decode,
  encode,
  encodeExactly,
  encodeThrown,
  Obstacle,
  type Encoded,
  type Parcel,
} from '../portable/codec.js';
import { classById } from '../record.js';
import { joinErrors } from '../disposal.js';
import { bare, own } from '../own.js';
import { disposeValues } from './dispose-values.js';
import type { HopDefinition } from './executor.js';
import { pack, unpack, type Transferable } from './freight.js';
import { HopSignal } from './hop-signal.js';
import { hasFailed, type HopReply, type HopTask } from './message.js';
import { type StepFailure, StepsRun } from './run-steps.js';
import { ThreadValues } from './thread-values.js';

/** A reply, with what is moved along with it. */
export interface Sent {
  readonly reply: HopReply;
  readonly transfer: readonly Transferable[];
}

/** How a thread finds classes that it does not know yet. */
export interface ClassFinder {
  /** Imports the module of a `@Portable` class, if it may. */
  find(classId: string): Promise<void>;
  /** Why a class is not known; a sentence without its full stop. */
  reason(classId: string): string;
}

export class HopRunner {
  readonly #definitions = new Map<number, HopDefinition>();
  readonly #kept = new ThreadValues();

  constructor(
    /** Id of the thread. */
    readonly thread: number,
    private readonly classes: ClassFinder,
    /** How long one teardown may take, in milliseconds. */
    private readonly teardownTimeout: number,
  ) {}

  /** Runs a hop. Never throws; @returns a promise only if something in it is asynchronous. */
  run(task: HopTask): Sent | Promise<Sent> {
    const news = own(task, 'definition');
    if (news !== undefined) this.#definitions.set(task.hop, guarded(news));
    const definition = this.#definitions.get(task.hop);
    if (definition === undefined) {
      return this.#failed(-1, new Error(`This thread does not know the hop ${task.hop}.`));
    }
    const encoded = unpack(task.inputs);
    const unknown = [...classIds(encoded)].filter((id) => classById(id) === undefined);
    if (unknown.length === 0) return this.#start(definition, encoded, task);
    return this.#findAndStart(unknown, definition, encoded, task);
  }

  async #findAndStart(
    unknown: readonly string[],
    definition: HopDefinition,
    encoded: Encoded,
    task: HopTask,
  ): Promise<Sent> {
    for (const id of unknown) await this.classes.find(id);
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
    const signal = new HopSignal(own(task, 'abort'));
    const ran: number[] | undefined = own(task, 'timed') ? [] : undefined;
    const run = new StepsRun(definition.steps, inputs, this.#kept, signal, missing, ran);
    const running = run.run();
    const end = (failure: StepFailure | undefined) => this.#end(definition, run, signal, failure);
    const sent = running instanceof Promise ? running.then(end) : end(running);
    if (ran === undefined) return sent;
    return sent instanceof Promise
      ? sent.then((each) => withTimes(each, ran))
      : withTimes(sent, ran);
  }

  #end(
    definition: HopDefinition,
    run: StepsRun,
    signal: HopSignal,
    failure: StepFailure | undefined,
  ): Sent | Promise<Sent> {
    signal.close();
    // Before the teardown, which may change what is sent.
    const leaves = new Set<number>();
    const sent =
      failure === undefined
        ? this.#encode(definition, run.values, leaves)
        : this.#failed(failure.step, failure.error);
    const disposing = disposeValues(run, leaves, failure, this.teardownTimeout);
    if (disposing === undefined) return sent;
    return disposing.then(({ failure: after, faults }) => {
      // Generators may have put another error into the place of the one that they saw.
      if (failure !== undefined) return this.#failed(failure.step, (after ?? failure).error);
      const [first] = faults;
      if (first === undefined || hasFailed(sent.reply)) return sent;
      const step = definition.steps.findIndex(({ label }) => label === first.label);
      return this.#failed(step, joinErrors(faults.map(({ error }) => error)));
    });
  }

  /** @param leaves - gets the indices of the steps whose values have left the thread. */
  #encode(definition: HopDefinition, values: readonly unknown[], leaves: Set<number>): Sent {
    const { outputs, extras, steps } = definition;
    const wanted = [...outputs, ...extras];
    const list = wanted.map((step) => values[step]);
    const stayed: number[] = [];
    const encodeList = (how: (value: unknown) => Parcel): Parcel => {
      for (;;) {
        try {
          return how(list);
        } catch (error) {
          const position = error instanceof Obstacle ? error.path[0] : undefined;
          if (typeof position !== 'number' || position < outputs.length) throw error;
          stayed.push(position);
          list[position] = undefined;
        }
      }
    };
    try {
      const { freight, transfer } = pack(encodeList(encode), () => encodeList(encodeExactly));
      for (const [position, step] of wanted.entries()) {
        if (!stayed.includes(position)) leaves.add(step);
      }
      return sentOf({ thread: this.thread, values: freight, stayed }, transfer);
    } catch (error) {
      if (!(error instanceof Obstacle)) return this.#failed(-1, error);
      const step = wanted[error.path[0] as number] ?? -1;
      const label = steps[step]?.label ?? 'A hop';
      return this.#failed(
        step,
        error
          .from(1)
          .toError(
            `${label} runs in a thread, but its result cannot cross to the event loop`,
            `make ${label} async, so that it runs on the event loop`,
          ),
      );
    }
  }

  #failed(step: number, error: unknown): Sent {
    const { encoded, transfer } = encodeThrown(error);
    return sentOf({ thread: this.thread, step, error: encoded }, transfer);
  }
}

function withTimes({ reply, transfer }: Sent, ran: readonly number[]): Sent {
  return sentOf({ ...reply, ran }, transfer);
}

/** Without prototypes: promises would take either for a thenable where `then` is polluted. */
function sentOf(reply: HopReply, transfer: readonly Transferable[]): Sent {
  return bare({ reply: bare(reply), transfer });
}

/** The code in a thread can pollute `Object.prototype`; that shall not say what other hops run. */
function guarded(definition: HopDefinition): HopDefinition {
  return { ...definition, steps: definition.steps.map(bare) };
}
