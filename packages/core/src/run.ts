/** Runs a plan in a scope: each unit starts as soon as what it waits for is there. */
import type { Cell, Outcome } from './cell.js';
import { isThenable, type Disposal, type Entry, type ProviderGenerator } from './disposal.js';
import { GeneratorError, InputError, type InputFault } from './errors.js';
import { notePath, noteSuppressed } from './error-path.js';
import type { LazyNode, Node } from './node.js';
import type { Plan, Unit } from './plan.js';
import type { Scope } from './scope.js';
import type { Step } from './step.js';
import { HopFailure, stayed, type Executor } from './threads/executor.js';
import type { Class, Token } from './token.js';

/** What a run needs of the scope that it runs in. */
export interface RunScope {
  /** What disposes the values of this run, inner scopes first. */
  readonly disposals: readonly Disposal[];
  /** What disposes values that live as long as a scope. */
  disposalOf(owner: Scope): Disposal;
  readonly executor: Executor;
  /** A value that was given to the scope. */
  given(token: Token): unknown;
  /** The cell of a value that the scope or its container keeps (or is making). */
  kept(node: Node): Cell;
  /** Makes a cell for a value that this run is going to make. */
  claim(node: Node): Cell;
  /** Forgets the cell of a value that was not made, or was torn down. */
  drop(node: Node, cell: Cell): void;
  /** The function that resolves what a node wants on demand. */
  lazy(node: LazyNode): () => Promise<unknown>;
  /** Makes a kept value that its first maker has given up. */
  remake(node: Node): Promise<unknown>;
}

interface StepFailure {
  /** Index of the step: the order of declaration. */
  readonly order: number;
  readonly error: unknown;
}

export class Run {
  private readonly values: unknown[];
  /** For each unit, how many units it still waits for. */
  private readonly waits: number[];
  private readonly cells = new Map<number, Cell>();
  /** What has to be torn down, by the step that made it. */
  private readonly made = new Map<number, Entry>();
  private readonly failures: StepFailure[] = [];
  private unfinished: number;
  private inFlight = 0;
  private cancelled: { readonly error: unknown } | undefined;
  private firstPass = true;
  /** Units to start, and whether somebody further up the stack is at it. */
  private readonly ready: Unit[] = [];
  private draining = false;
  private unwinding = false;
  private controller: AbortController | undefined;
  private readonly outcome: Promise<unknown>;
  private accept!: (value: unknown) => void;
  private reject!: (error: unknown) => void;
  /** Settles when nothing of this run is going on any more, teardown included; never rejects. */
  readonly ended: Promise<void>;
  private end!: () => void;

  constructor(
    private readonly plan: Plan,
    private readonly scope: RunScope,
  ) {
    this.values = [...plan.template];
    this.waits = plan.units.map(({ waits }) => waits);
    this.unfinished = plan.units.length;
    this.outcome = new Promise((accept, reject) => {
      this.accept = accept;
      this.reject = reject;
    });
    this.ended = new Promise((end) => (this.end = end));
  }

  /**
   * Starts the run.
   * @returns the value of the plan's root.
   * @throws InputError with all faults of the inputs, before any step has run; otherwise what the
   * first failing step threw, in the order of declaration, once everything made is torn down.
   */
  start(): Promise<unknown> {
    const { plan, scope, values } = this;
    try {
      for (const { index, node } of plan.given) {
        if (node.kind === 'given') values[index] = scope.given(node.token);
      }
      this.readInputs();
    } catch (error) {
      this.end();
      this.reject(error);
      return this.outcome;
    }
    for (const index of plan.signals) values[index] = this.signal;
    for (const { step, node } of plan.lazies) values[step.index] = scope.lazy(node);
    for (const { index, node } of plan.kept) this.cells.set(index, scope.claim(node));
    // Units are in topological order, so one pass starts all that is ready, and whatever is
    // synchronous is done when it ends.
    for (const unit of plan.units) {
      if (this.waits[unit.index] === 0) this.startUnit(unit);
    }
    this.firstPass = false;
    this.finishIfDone();
    return this.outcome;
  }

  /** Gives up: the caller sees `reason` at once, what is going on is told and waited for. */
  cancel(reason: unknown): void {
    if (this.cancelled !== undefined || this.unfinished < 0) return;
    this.cancelled = { error: reason };
    this.reject(reason);
    this.controller?.abort(reason);
    this.finishIfDone();
  }

  private get signal(): AbortSignal {
    this.controller ??= new AbortController();
    return this.controller.signal;
  }

  private get stopped(): boolean {
    return this.cancelled !== undefined || this.failures.length > 0;
  }

  private readInputs(): void {
    const faults: InputFault[] = [];
    for (const { step, node } of this.plan.inputs) {
      try {
        this.values[step.index] = node.read(this.values[step.needs[0] as number]);
      } catch (error) {
        faults.push({ owner: node.owner, index: node.parameter, error });
      }
    }
    if (faults.length > 0) throw new InputError(faults);
  }

  private startUnit(unit: Unit): void {
    if (this.stopped) return;
    const [step] = unit.steps;
    if (unit.hop !== undefined) void this.runHop(unit, unit.hop);
    else if (step?.kind === 'load') this.load(unit, step);
    else if (step !== undefined) this.make(unit, step);
  }

  private make(unit: Unit, step: Step): void {
    let value: unknown;
    const args = step.needs.map((need) => this.values[need]);
    try {
      value = makeOnLoop(step.node, args);
    } catch (error) {
      this.fail(step, error);
      return;
    }
    if (step.node.kind === 'method' && step.node.generator) {
      this.enter(unit, step, value as ProviderGenerator);
    } else if (step.node.kind !== 'method' || !isThenable(value)) {
      this.keep(step, value, args);
      this.finishUnit(unit);
    } else {
      this.whenSettled(step, value, (settled) => {
        this.keep(step, settled, args);
        this.finishUnit(unit);
      });
    }
  }

  /** Runs a generator up to its `yield`, which gives the value. */
  private enter(unit: Unit, step: Step, generator: ProviderGenerator): void {
    const entered = ({ done, value }: IteratorResult<unknown>): void => {
      if (done === true) {
        this.fail(step, new GeneratorError(step.node.label, 'does not yield'));
        return;
      }
      const { label } = step.node;
      this.made.set(step.index, this.scope.disposalOf(step.owner).noteGenerator(label, generator));
      this.fill(step, value);
      this.finishUnit(unit);
    };
    let first: IteratorResult<unknown> | Promise<IteratorResult<unknown>>;
    try {
      first = generator.next();
    } catch (error) {
      this.fail(step, error);
      return;
    }
    if (isThenable(first)) this.whenSettled(step, first, entered);
    else entered(first);
  }

  private whenSettled<T>(step: Step, pending: PromiseLike<T>, go: (value: T) => void): void {
    this.inFlight++;
    pending.then(
      (value) => {
        this.inFlight--;
        go(value);
        this.finishIfDone();
      },
      (error: unknown) => {
        this.inFlight--;
        this.fail(step, error);
        this.finishIfDone();
      },
    );
  }

  private load(unit: Unit, step: Step): void {
    this.inFlight++;
    const settle = (outcome: Outcome): void => {
      if (outcome.kind === 'released') {
        this.scope.remake(step.node).then(
          (value) => settle({ kind: 'made', value }),
          (error: unknown) => settle({ kind: 'failed', error }),
        );
        return;
      }
      this.inFlight--;
      if (outcome.kind === 'failed') {
        this.fail(step, outcome.error);
      } else {
        this.values[step.index] = outcome.value;
        this.finishUnit(unit);
      }
      this.finishIfDone();
    };
    this.scope.kept(step.node).wait(settle);
  }

  private async runHop(unit: Unit, hop: NonNullable<Unit['hop']>): Promise<void> {
    this.inFlight++;
    try {
      const inputs = hop.inputs.map((index) => this.values[index]);
      const values = await this.scope.executor.run(hop.definition, inputs, this.signal);
      [...hop.outputs, ...hop.extras].forEach((index, position) => {
        const step = this.plan.steps[index] as Step;
        if (values[position] !== stayed) this.keep(step, values[position], []);
      });
      for (const { index } of hop.steps) {
        const cell = this.cells.get(index);
        if (cell !== undefined && cell.outcome === undefined) cell.leaveInThread();
      }
      this.inFlight--;
      this.finishUnit(unit);
    } catch (failure) {
      this.inFlight--;
      const { step, error } =
        failure instanceof HopFailure ? failure : { step: -1, error: failure };
      this.fail(hop.planned[step] ?? (hop.planned.at(-1) as Step), error);
    }
    this.finishIfDone();
  }

  private keep(step: Step, value: unknown, sources: readonly unknown[]): void {
    const disposal = this.scope.disposalOf(step.owner);
    const entry = disposal.note(step.node.label, value, sources);
    if (entry !== undefined) this.made.set(step.index, entry);
    this.fill(step, value);
  }

  private fill(step: Step, value: unknown): void {
    this.values[step.index] = value;
    this.cells.get(step.index)?.settle({ kind: 'made', value });
  }

  private finishUnit(unit: Unit): void {
    this.unfinished--;
    for (const index of unit.dependants) {
      const waits = (this.waits[index] as number) - 1;
      this.waits[index] = waits;
      // The first pass meets it further on by itself.
      if (waits === 0 && !this.firstPass) this.ready.push(this.plan.units[index] as Unit);
    }
    this.startReady();
  }

  /** A list instead of recursion: a chain may be longer than the stack. */
  private startReady(): void {
    if (this.draining) return;
    this.draining = true;
    for (let unit = this.ready.shift(); unit !== undefined; unit = this.ready.shift()) {
      this.startUnit(unit);
    }
    this.draining = false;
  }

  private fail(step: Step, error: unknown): void {
    notePath(error, pathTo(this.plan, step));
    this.failures.push({ order: step.index, error });
    if (this.failures.length === 1 && this.cancelled === undefined) this.controller?.abort(error);
  }

  private finishIfDone(): void {
    if (this.firstPass) return;
    if (this.stopped) {
      if (this.inFlight === 0) void this.unwind();
    } else if (this.unfinished === 0) {
      this.unfinished = -1;
      this.end();
      this.accept(this.values[this.plan.root.index]);
    }
  }

  /** After a failure: settles the cells, tears down what this run alone has made, reports. */
  private async unwind(): Promise<void> {
    if (this.unwinding) return;
    this.unwinding = true;
    const failures = this.failures.toSorted((a, b) => a.order - b.order);
    this.giveUpCells(failures);
    const [first, ...others] = failures;
    let failure = first ?? this.cancelled;
    const entries = new Set(this.made.values());
    const suppressed = others.map(({ error }) => error);
    for (const disposal of this.scope.disposals) {
      const torn = await disposal.unwind(entries, failure);
      ({ failure } = torn);
      suppressed.push(...torn.faults.map(({ error }) => error));
    }
    if (first !== undefined) this.noteFailure(first, failure?.error, suppressed);
    this.end();
    this.reject(failure?.error);
  }

  /** Generators may have put another error into the place of the one that they saw. */
  private noteFailure(first: StepFailure, error: unknown, suppressed: readonly unknown[]): void {
    noteSuppressed(error, suppressed);
    const step = this.plan.steps[first.order];
    if (step !== undefined) notePath(error, pathTo(this.plan, step));
  }

  private giveUpCells(failures: readonly StepFailure[]): void {
    /** Steps that failed, or wait for one that did, with the error. */
    const doomed = new Map(failures.map(({ order, error }) => [order, error]));
    for (const { index, needs, node } of this.plan.steps) {
      const culprit = needs.find((need) => doomed.has(need));
      if (culprit !== undefined && !doomed.has(index)) doomed.set(index, doomed.get(culprit));
      const cell = this.cells.get(index);
      if (cell === undefined) continue;
      if (cell.outcome?.kind === 'made' && cell.shared) {
        // Another run works with it: it stays until the scope ends.
        this.made.delete(index);
        continue;
      }
      this.scope.drop(node, cell);
      if (cell.outcome !== undefined) continue;
      cell.settle(
        doomed.has(index) ? { kind: 'failed', error: doomed.get(index) } : { kind: 'released' },
      );
    }
  }
}

function makeOnLoop(node: Node, args: unknown[]): unknown {
  if (node.kind === 'class') return new (node.target as Class)(...args);
  if (node.kind !== 'method') return args;
  const self = node.static ? node.target : args[0];
  const method = (self as Record<string | symbol, unknown>)[node.method];
  if (typeof method !== 'function') {
    throw new TypeError(`${node.label} is not a method of what provides ${node.target.name}.`);
  }
  return method.apply(self, node.static ? args : args.slice(1)) as unknown;
}

/** Labels from the root of a plan down to one of its steps. */
function pathTo(plan: Plan, step: Step): string[] {
  const path = [step.node.label];
  let at = step.index;
  for (const consumer of plan.steps.slice(at + 1)) {
    if (!consumer.needs.includes(at)) continue;
    path.unshift(consumer.node.label);
    at = consumer.index;
  }
  return path;
}
