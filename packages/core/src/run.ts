/** Runs a plan in a scope: each unit starts as soon as what it waits for is there. */
import { setMaxListeners } from 'node:events';
import type { Cell, Outcome } from './cell.js';
import { Countdown } from './countdown.js';
import { inFlow } from './context.js';
import { isThenable, type Disposal, type Entry, type ProviderGenerator } from './disposal.js';
import { DeadlineError, GeneratorError, InputError, type InputFault } from './errors.js';
import { extendPath, notePath, noteSuppressed } from './error-path.js';
import type { Hop } from './hop.js';
import type { Node, OffloadedNode } from './node.js';
import { onAbort } from './on-abort.js';
import type { Input, Plan, Unit } from './plan.js';
import { isScoped, type Scope } from './scope.js';
import type { Step } from './step.js';
import { noteBlocking } from './step-times.js';
import type { Split } from './split.js';
import type { Choice, Splitter } from './splitter.js';
import {
  HopFailure,
  stayed,
  type Executor,
  type HopCaller,
  type HopWatch,
} from './threads/executor.js';
import { traceRun, type RunTrace } from './trace.js';
import type { Class, Token } from './token.js';

/** What a run needs of the scope that it runs in. */
export interface RunScope {
  /** What disposes the values of this run, inner scopes first. */
  readonly disposals: readonly Disposal[];
  /** What disposes values that live as long as a scope. */
  disposalOf(owner: Scope): Disposal;
  readonly executor: Executor;
  readonly splitter: Splitter;
  /** A value that was given to the scope. @param plan - what wants it, for messages. */
  given(token: Token, plan: Plan): unknown;
  /** The cell of a value that the scope or its container keeps (or is making). */
  kept(node: Node): Cell;
  /** Makes a cell for a value that this run is going to make. */
  claim(step: Step): Cell;
  /**
   * Forgets the cell of a value that was not made, or was torn down.
   * @param failed - making it has failed, so that trying again at once would fail as well.
   */
  drop(node: Node, cell: Cell, failed: boolean): void;
  /**
   * The function that resolves a node on demand.
   * @param maker - the kept value that is made with the function, if there is one.
   */
  lazy(target: Node, maker: Node | undefined): () => Promise<unknown>;
  /**
   * The object that a step makes, whose methods run in threads.
   * @param run - what the object is made in.
   */
  offload(step: Step, node: OffloadedNode, run: RunLink): object;
  /** Makes a kept value that its first maker has given up. */
  remake(node: Node): Promise<unknown>;
}

/** What outlives a run of it. */
export interface RunLink {
  /** Aborted when the run gives up or fails; undefined once it has ended. */
  signal: () => AbortSignal | undefined;
  /** Aborted when nobody waits for the run any more; likewise. */
  gone: () => AbortSignal | undefined;
}

/** What a run waits for between what is made before its root and the parameters that come after that. */
export type Between = () => PromiseLike<unknown> | undefined;

/** What a branch of a hop has of its own. */
interface Branch {
  readonly signal: AbortSignal;
  /** Aborted when a branch has failed that would have come first in one thread: this one would not have run. */
  readonly unwanted: AbortSignal;
  /** Told of its failure, in the place of the run. */
  readonly failed: (step: Step, error: unknown) => void;
}

/** Runs whose signals steps on the loop have, so that one that is passed on tells what it stands for. */
const links = new WeakMap<AbortSignal, RunLink>();

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
  private readonly entries = new Map<number, Entry>();
  private readonly failures: StepFailure[] = [];
  private unfinished: number;
  /** Steps that have been started and have not ended. */
  private readonly inFlight = new Set<Step>();
  private cancelled: { readonly error: unknown } | undefined;
  /** Whether its caller has been told that it failed, before its end. */
  private isTold = false;
  private firstPass = true;
  /** Units to start, and whether somebody further up the stack is at it. */
  private readonly ready: Unit[] = [];
  private draining = false;
  private unwinding = false;
  private controller: AbortController | undefined;
  /** Set when nobody waits for it any more. */
  private left: { readonly reason: unknown } | undefined;
  private leaving: AbortController | undefined;
  private countdown: Countdown | undefined;
  /** Undefined where nobody listens to what steps do. */
  private readonly trace: RunTrace | undefined;
  /** Whether it is measured for how long each step holds the loop. */
  private readonly isSampled: boolean;
  private readonly outcome: Promise<unknown>;
  private accept!: (value: unknown) => void;
  private reject!: (error: unknown) => void;
  /** Settles when nothing of this run is going on any more, teardown included; never rejects. */
  readonly ended: Promise<void>;
  private end!: () => void;

  constructor(
    private readonly plan: Plan,
    private readonly scope: RunScope,
    /** Of the method, if the root is an offloaded one. */
    private readonly args: readonly unknown[] = [],
    private readonly between?: Between,
  ) {
    this.values = [...plan.template];
    this.waits = plan.units.map(({ waits }) => waits);
    this.unfinished = plan.units.length;
    this.trace = traceRun(plan);
    this.isSampled = plan.sampling.next();
    this.outcome = new Promise((accept, reject) => {
      this.accept = accept;
      this.reject = reject;
    });
    this.ended = new Promise((end) => (this.end = end));
    const { target } = plan;
    if (target.kind !== 'method' || !target.handler || target.deadline === undefined) return;
    const { label, deadline } = target;
    const countdown = new Countdown(deadline, () => {
      this.cancel(new DeadlineError(label, deadline, this.pending));
    });
    this.countdown = countdown;
    void this.outcome.then(
      () => countdown.stop(),
      () => countdown.stop(),
    );
  }

  /**
   * Starts the run.
   * @returns the value of the plan's root.
   * @throws InputError with all faults of the inputs, before any step has run, or any but those that come
   * before the root; otherwise what the first failing step threw, in the order of declaration, once
   * everything made is torn down.
   */
  start(): Promise<unknown> {
    const { plan, scope, values } = this;
    try {
      for (const { index, node } of plan.given) {
        if (node.kind === 'given') values[index] = scope.given(node.token, plan);
      }
      this.readInputs(plan.inputs);
    } catch (error) {
      this.end();
      this.reject(error);
      return this.outcome;
    }
    if (plan.signals.length > 0) {
      links.set(this.signal, this.newLink());
      for (const index of plan.signals) values[index] = this.signal;
    }
    for (const { step, target, maker } of plan.lazies) {
      values[step.index] = scope.lazy(target, maker);
    }
    if (plan.offloads.length > 0) this.offload();
    for (const step of plan.kept) this.cells.set(step.index, scope.claim(step));
    // Units are in topological order, so one pass starts all that is ready, and whatever is
    // synchronous is done when it ends.
    for (const unit of plan.units) {
      if (this.waits[unit.index] === 0) this.startUnit(unit);
    }
    this.firstPass = false;
    this.finishIfDone();
    return this.outcome;
  }

  /** Labels of the steps that have been started and have not ended. */
  get pending(): readonly string[] {
    return [...this.inFlight].map(({ node }) => node.label);
  }

  /**
   * Gives up, since its caller has gone or must not wait any longer: that sees `reason` at once; what is
   * going on is told and waited for, and threads that do not stop are ended.
   */
  cancel(reason: unknown): void {
    if (this.unfinished < 0) return;
    this.leave(reason);
    this.giveUp(reason);
  }

  /** As {@link cancel}, but no thread is ended: for what has failed elsewhere. */
  giveUp(reason: unknown): void {
    if (this.cancelled !== undefined || this.unfinished < 0) return;
    this.cancelled = { error: reason };
    this.isTold = true;
    this.reject(reason);
    this.controller?.abort(reason);
    this.finishIfDone();
  }

  /** Whether somebody has its signal. */
  get hasSignal(): boolean {
    return this.controller !== undefined;
  }

  /** For a run that has ended well, whose signal may be in use all the same. */
  abortSignal(reason: unknown): void {
    if (this.controller === undefined) return;
    this.leave(reason);
    this.controller.abort(reason);
  }

  /** Aborted when nobody waits for it any more. */
  get gone(): AbortSignal {
    if (this.leaving === undefined) {
      this.leaving = new AbortController();
      setMaxListeners(0, this.leaving.signal);
      if (this.left !== undefined) this.leaving.abort(this.left.reason);
    }
    return this.leaving.signal;
  }

  private leave(reason: unknown): void {
    this.left ??= { reason };
    this.leaving?.abort(reason);
  }

  /**
   * Is cancelled when a signal is aborted; only given up where that comes from a step of a run that has
   * failed and still has its caller. @returns the function that ends this.
   */
  heed(signal: AbortSignal | undefined): () => void {
    const link = signal === undefined ? undefined : links.get(signal);
    if (link?.gone() !== undefined) return this.heedRun(link);
    return onAbort(signal, (reason) => this.cancel(reason));
  }

  /** As {@link heed}, for whatever another run may be aborted by. */
  heedRun({ signal, gone }: RunLink): () => void {
    // In this order: a run whose caller has gone tells both.
    const stopCancelling = onAbort(gone(), (reason) => this.cancel(reason));
    const stopGivingUp = onAbort(signal(), (reason) => this.giveUp(reason));
    return () => {
      stopCancelling();
      stopGivingUp();
    };
  }

  private newLink(): RunLink {
    const link: RunLink = { signal: () => this.signal, gone: () => this.gone };
    // Who holds what has it shall not hold on to the values of the run.
    void this.ended.then(() => (link.signal = link.gone = () => undefined));
    return link;
  }

  private offload(): void {
    const link = this.newLink();
    for (const { step, node } of this.plan.offloads) {
      this.values[step.index] = this.scope.offload(step, node, link);
    }
  }

  private get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      // Each hop listens, and a plan may have many at once: that is no leak.
      setMaxListeners(0, this.controller.signal);
      // Somebody may ask only when it is over.
      const cause = this.cancelled ?? this.failures[0];
      if (cause !== undefined) this.controller.abort(cause.error);
    }
    return this.controller.signal;
  }

  private get stopped(): boolean {
    return this.cancelled !== undefined || this.failures.length > 0;
  }

  private readInputs(inputs: readonly Input[]): void {
    const faults: InputFault[] = [];
    for (const { step, node } of inputs) {
      try {
        this.values[step.index] = node.read(this.values[step.needs[0] as number]);
      } catch (error) {
        faults.push({ owner: node.owner, index: node.parameter, error });
      }
    }
    if (faults.length === 0) return;
    this.checkLateInputs(inputs, faults);
    throw new InputError(faults);
  }

  /** Nothing will cross: so that all faults are told together, those of the others are looked for here. */
  private checkLateInputs(inputs: readonly Input[], faults: InputFault[]): void {
    for (const { step, node } of inputs) {
      try {
        node.check?.(this.values[step.needs[0] as number]);
      } catch (error) {
        faults.push({ owner: node.owner, index: node.parameter, error });
      }
    }
  }

  private startUnit(unit: Unit): void {
    if (this.stopped) return;
    const [step] = unit.steps;
    if (unit.hop !== undefined) void this.runHop(unit, unit.hop);
    else if (step?.kind === 'load') this.load(unit, step);
    else if (step?.kind === 'phase') this.enterPhase(unit);
    else if (step !== undefined) this.make(unit, step);
  }

  /**
   * What is made before the root is there: reads the other parameters. It is not in flight while it waits
   * for what they are read from: who stops does not.
   */
  private enterPhase(unit: Unit): void {
    const { root, laterInputs } = this.plan;
    const enter = (): void => {
      this.readInputs(laterInputs);
      this.finishUnit(unit);
    };
    this.guard(root, () => {
      const pending = this.between?.();
      if (pending === undefined) {
        enter();
        return;
      }
      this.countdown?.stop();
      const settle = (go: () => void): void => {
        if (this.stopped) return;
        this.countdown?.start();
        this.guard(root, go);
        this.finishIfDone();
      };
      Promise.resolve(pending).then(
        () => settle(enter),
        (error: unknown) => settle(() => this.fail(root, error)),
      );
    });
  }

  private make(unit: Unit, step: Step): void {
    const { node } = step;
    const args = step.needs.map((need) => this.values[need]);
    // What users wrote can throw at any touch: at the call, at a look for `then`, at one for a
    // dispose symbol.
    this.guard(step, () => {
      if (node.kind === 'method' && node.generator) {
        this.enter(unit, step, makeOnLoop(node, args) as ProviderGenerator);
        return;
      }
      const call = isScoped(step.owner) || step.owner === 'transient' ? makeOnLoop : makeApart;
      const begun = this.isSampled ? performance.now() : 0;
      const value =
        this.trace === undefined
          ? call(node, args)
          : this.trace.start(unit, step, call, node, args);
      if (this.isSampled) noteBlocking(node, performance.now() - begun);
      if (node.kind === 'method' && isThenable(value)) {
        this.whenSettled(step, value, (settled) => this.made(unit, step, finished(node, settled)));
      } else {
        this.made(unit, step, finished(node, value));
      }
    });
  }

  /** Runs a generator up to its `yield`, which gives the value. */
  private enter(unit: Unit, step: Step, generator: ProviderGenerator): void {
    const { label } = step.node;
    const entered = ({ done, value }: IteratorResult<unknown>): void => {
      if (done === true) throw new GeneratorError(label, 'does not yield');
      const disposal = this.scope.disposalOf(step.owner);
      this.entries.set(step.index, disposal.noteGenerator(label, generator));
      this.fill(step, value);
      this.finishUnit(unit);
    };
    // Only here does something of the generator run.
    const first =
      this.trace === undefined
        ? generator.next()
        : this.trace.start(unit, step, () => generator.next());
    if (isThenable(first)) this.whenSettled(step, first, entered);
    else entered(first);
  }

  /** Goes on when a promise is settled, in whatever way foreign thenables call back. */
  private whenSettled<T>(step: Step, pending: PromiseLike<T>, go: (value: T) => void): void {
    this.inFlight.add(step);
    this.trace?.suspend(step);
    const timer = this.startDeadline(step);
    Promise.resolve(pending).then(
      (value) => {
        clearTimeout(timer);
        this.inFlight.delete(step);
        this.guard(step, () => go(value));
        this.finishIfDone();
      },
      (error: unknown) => {
        clearTimeout(timer);
        this.inFlight.delete(step);
        this.fail(step, error);
        this.finishIfDone();
      },
    );
  }

  private startDeadline(step: Step): NodeJS.Timeout | undefined {
    const { node } = step;
    if (node.kind !== 'method' || node.handler || node.deadline === undefined) return undefined;
    const { label, deadline } = node;
    return setTimeout(() => this.expire(step, new DeadlineError(label, deadline)), deadline);
  }

  /**
   * A step on the loop has taken too long. It cannot be ended, so nobody waits for it but the end of
   * the run, which tears down what comes out of it late.
   */
  private expire(step: Step, error: DeadlineError): void {
    this.fail(step, error);
    const { failures } = this;
    if (failures.length > 1 || this.cancelled !== undefined) return;
    this.giveUpCells(failures);
    this.cells.clear();
    this.isTold = true;
    this.reject(error);
  }

  private guard(step: Step, body: () => void): void {
    try {
      body();
    } catch (error) {
      this.fail(step, error);
    }
  }

  /** Takes a value that somebody else makes. It is not in flight: who stops does not wait for it. */
  private load(unit: Unit, step: Step): void {
    const settle = (outcome: Outcome): void => {
      if (this.stopped) return;
      if (outcome.kind === 'released') {
        this.scope.remake(step.node).then(
          (value) => settle({ kind: 'made', value }),
          (error: unknown) => settle({ kind: 'failed', error }),
        );
        return;
      }
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

  private async runHop(unit: Unit, hop: Hop): Promise<void> {
    const choice = this.scope.splitter.choose(hop, this.values);
    const began = choice.ended === undefined ? 0 : performance.now();
    const { split } = choice;
    const isDone =
      split === undefined
        ? (await this.makeTrip(unit, hop, hop, choice)) !== undefined
        : await this.runBranches(unit, hop, split);
    if (isDone) {
      choice.ended?.(performance.now() - began);
      for (const { index } of hop.steps) {
        const cell = this.cells.get(index);
        if (cell !== undefined && cell.outcome === undefined) cell.leaveInThread();
      }
      this.finishUnit(unit);
    }
    this.finishIfDone();
  }

  /** Runs the branches of a hop at the same time, then what they meet in. @returns whether it went well. */
  private async runBranches(unit: Unit, hop: Hop, split: Split): Promise<boolean> {
    const { branches } = split;
    const failures: { readonly step: Step; readonly error: unknown }[] = [];
    const running = branches.map((hop) => ({
      hop,
      end: new AbortController(),
      unwanted: new AbortController(),
    }));
    const release = onAbort(this.signal, (reason) => {
      for (const { end } of running) end.abort(reason);
    });
    const failed = (step: Step, error: unknown): void => {
      failures.push({ step, error });
      // What would have come first in one thread goes on: it may fail as well, and then that counts.
      for (const { hop, end, unwanted } of running) {
        if (hop.steps.some((other) => other.index < step.index)) continue;
        unwanted.abort(error);
        end.abort(error);
      }
    };
    const last = hop.steps.at(-1) as Step;
    this.inFlight.add(last);
    const stays = await Promise.all(
      running.map(({ hop: branch, end, unwanted }) =>
        this.makeTrip(unit, branch, hop, undefined, {
          signal: end.signal,
          unwanted: unwanted.signal,
          failed,
        }),
      ),
    );
    release();
    this.inFlight.delete(last);
    for (const { step, error } of failures) this.fail(step, error);
    if (this.stopped) return false;
    const needed = new Set(split.tail.inputs);
    const lost = branches.filter((_, index) => stays[index]?.some((step) => needed.has(step)));
    const tail = lost.length === 0 ? split.tail : this.scope.splitter.rejoin(hop, split, lost);
    this.trace?.noteReady(unit.index);
    return (await this.makeTrip(unit, tail, hop)) !== undefined;
  }

  /**
   * Runs a hop, or a part of one.
   * @param whole - the hop that it is part of: only what leaves that is kept.
   * @returns the steps whose values could not leave their thread; undefined where it has failed.
   */
  private async makeTrip(
    unit: Unit,
    hop: Hop,
    whole: Hop,
    choice?: Choice,
    branch?: Branch,
  ): Promise<readonly number[] | undefined> {
    const last = hop.steps.at(-1) as Step;
    this.inFlight.add(last);
    const trace = this.trace?.hop(unit, hop);
    const watch =
      choice?.probed === undefined ? trace : new ProbeWatch(trace, choice.probe, choice.probed);
    try {
      const inputs = hop.inputs.map((index) => this.values[index]);
      if (hop.definition.rest !== undefined) inputs.push(this.args);
      const { executor } = this.scope;
      const signal = branch === undefined ? this.signal : branch.signal;
      const caller = new TripCaller(this, hop, branch?.unwanted);
      const values = await executor.run(hop.definition, inputs, signal, watch, caller);
      trace?.succeed();
      const left: number[] = [];
      for (const { index, position } of hop.arrivals) {
        const value = values[position];
        if (value === stayed) left.push(index);
        else if (hop === whole || leaves(whole, index)) this.keep(this.stepAt(index), value);
        else this.setAside(this.stepAt(index), value);
      }
      // Its caller has seen a failure, and will never see what has come now.
      const { root } = this.plan;
      if (this.stopped && isCallers(root.node)) this.own(root, this.values[root.index]);
      const first = hop.outputs.length + hop.extras.length;
      hop.returned.forEach(({ step, merge }, position) => {
        merge(this.values[step], values[first + position]);
      });
      this.inFlight.delete(last);
      return left;
    } catch (failure) {
      this.inFlight.delete(last);
      const { step, error } =
        failure instanceof HopFailure ? failure : { step: -1, error: failure };
      const position = hop.steps[step] !== undefined ? step : hop.steps.length - 1;
      trace?.fail(position, error);
      const culprit = hop.steps[position] as Step;
      if (branch === undefined) this.fail(culprit, error);
      else branch.failed(culprit, error);
      return undefined;
    }
  }

  /** Tears down what a hop has brought that has failed: with all else, or at once if that is done. */
  endLate(hop: Hop, values: readonly unknown[]): void {
    const late = new Set<Entry>();
    for (const { index, position } of hop.arrivals) {
      const step = this.stepAt(index);
      if (!this.unwinding) {
        this.own(step, values[position]);
        continue;
      }
      const entry = this.scope.disposalOf(step.owner).note(step.node.label, values[position]);
      if (entry !== undefined) late.add(entry);
    }
    // What they throw nobody waits for.
    for (const disposal of this.scope.disposals) void disposal.unwind(late, undefined);
  }

  private stepAt(index: number): Step {
    return this.plan.steps[index] as Step;
  }

  private made(unit: Unit, step: Step, value: unknown): void {
    this.keep(step, value);
    this.finishUnit(unit);
  }

  private keep(step: Step, value: unknown): void {
    this.setAside(step, value);
    this.fill(step, value);
  }

  /** Takes a value for steps of this run only: nobody else is told that it is there. */
  private setAside(step: Step, value: unknown): void {
    this.values[step.index] = value;
    if (!isCallers(step.node)) this.own(step, value);
  }

  private own(step: Step, value: unknown): void {
    const entry = this.scope.disposalOf(step.owner).note(step.node.label, value);
    if (entry !== undefined) this.entries.set(step.index, entry);
  }

  private fill(step: Step, value: unknown): void {
    this.trace?.succeed(step);
    this.values[step.index] = value;
    this.cells.get(step.index)?.settle({ kind: 'made', value });
  }

  private finishUnit(unit: Unit): void {
    this.unfinished--;
    for (const index of unit.dependants) {
      const waits = (this.waits[index] as number) - 1;
      this.waits[index] = waits;
      if (waits !== 0) continue;
      this.trace?.noteReady(index);
      // The first pass meets it further on by itself.
      if (!this.firstPass) this.ready.push(this.plan.units[index] as Unit);
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
    this.trace?.fail(step, error);
    const path = pathTo(this.plan, step);
    // What was loaded has failed at the end of a path of its own: this one leads to it.
    if (step.kind === 'load') extendPath(error, path);
    else notePath(error, path);
    this.failures.push({ order: step.index, error });
    if (this.failures.length === 1 && this.cancelled === undefined) this.controller?.abort(error);
  }

  private finishIfDone(): void {
    if (this.firstPass) return;
    if (this.stopped) {
      if (this.inFlight.size === 0) void this.unwind();
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
    const [first] = failures;
    const cause = this.cancelled ?? first;
    let failure: { readonly error: unknown } | undefined = cause;
    const entries = new Set(this.entries.values());
    // What only passes on the reason of the cancelling is no failure of its own.
    const suppressed = failures.map(({ error }) => error).filter((error) => error !== cause?.error);
    for (const disposal of this.scope.disposals) {
      const torn = await disposal.unwind(entries, failure);
      ({ failure } = torn);
      suppressed.push(...torn.faults.map(({ error }) => error));
    }
    const isReplaced = cause !== undefined && failure?.error !== cause.error;
    if (isReplaced && this.isTold) {
      noteSuppressed(cause.error, [failure?.error, ...suppressed]);
    } else {
      // A generator that puts another error in the place of the one that it saw does not hide that.
      if (isReplaced) suppressed.unshift(cause.error);
      noteSuppressed(failure?.error, suppressed);
    }
    // Generators may have put another error into the place of the one that they saw.
    const step = first === undefined ? undefined : this.plan.steps[first.order];
    if (step !== undefined) notePath(failure?.error, pathTo(this.plan, step));
    this.end();
    this.reject(failure?.error);
  }

  private giveUpCells(failures: readonly StepFailure[]): void {
    const retained = this.retained();
    /** Steps that failed, or wait for one that did, with the error. */
    const doomed = new Map<number, unknown>();
    // Who gives up because its caller left has not failed: others who wait make the value anew.
    if (this.cancelled === undefined) {
      for (const { order, error } of failures) doomed.set(order, error);
    }
    for (const { index, needs, node } of this.plan.steps) {
      const culprit = needs.find((need) => doomed.has(need));
      if (culprit !== undefined && !doomed.has(index)) doomed.set(index, doomed.get(culprit));
      if (retained.has(index)) {
        this.entries.delete(index);
        continue;
      }
      const cell = this.cells.get(index);
      if (cell === undefined) continue;
      this.scope.drop(node, cell, doomed.has(index));
      if (cell.outcome !== undefined) continue;
      cell.settle(
        doomed.has(index) ? { kind: 'failed', error: doomed.get(index) } : { kind: 'released' },
      );
    }
  }

  /**
   * Steps whose values another run works with, and all that those were made from: they stay until
   * the scope ends.
   */
  private retained(): ReadonlySet<number> {
    const retained = new Set<number>();
    for (const { index, needs } of this.plan.steps.toReversed()) {
      const cell = this.cells.get(index);
      if (cell?.outcome?.kind === 'made' && cell.shared) retained.add(index);
      if (retained.has(index)) for (const need of needs) retained.add(need);
    }
    return retained;
  }
}

/** Whether what is made belongs to whoever has asked for it: what an offloaded method or a handler returns. */
function isCallers(node: Node): boolean {
  return node.kind === 'offloadedMethod' || (node.kind === 'method' && node.handler);
}

/** A run that waits for one of its hops. */
class TripCaller implements HopCaller {
  constructor(
    private readonly run: Run,
    private readonly hop: Hop,
    /** Set for a branch of a hop: aborted when it would not have run. */
    private readonly unwanted: AbortSignal | undefined,
  ) {}

  get gone(): AbortSignal {
    const { run, unwanted } = this;
    return unwanted === undefined ? run.gone : AbortSignal.any([run.gone, unwanted]);
  }

  late(values: readonly unknown[]): void {
    this.run.endLate(this.hop, values);
  }
}

/** Whether the value of a step leaves a hop. */
function leaves({ outputs, extras }: Hop, index: number): boolean {
  return outputs.includes(index) || extras.includes(index);
}

/** Hears for a trace what a hop does, and asks whether its values could cross. */
class ProbeWatch implements HopWatch {
  constructor(
    private readonly trace: HopWatch | undefined,
    readonly probe: HopWatch['probe'],
    readonly probed: (crosses: boolean) => void,
  ) {}

  started(thread: number): void {
    this.trace?.started(thread);
  }

  returned(thread: number, ran: readonly number[]): void {
    this.trace?.returned(thread, ran);
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

/** What is made of the result of a handler. */
function finished(node: Node, result: unknown): unknown {
  if (node.kind !== 'method' || !node.handler) return result;
  const finish = node.record.handler?.finishOnLoop;
  return finish === undefined ? result : finish(result, node.label);
}

/** For singletons and what threads keep: that outlives the run, and sees nothing of its context. */
function makeApart(node: Node, args: unknown[]): unknown {
  return inFlow(undefined, () => makeOnLoop(node, args));
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
  // What is made before the root has no consumer.
  if (at !== plan.root.index) path.unshift(plan.root.node.label);
  return path;
}
