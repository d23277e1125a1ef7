/** Runs a plan in a scope: each unit starts as soon as what it waits for is there. */
import { setMaxListeners } from 'node:events';
import type { Cell, Outcome } from './cell.js';
import { Countdown } from './countdown.js';
import type { Asker } from './deadlock.js';
import { inFlow } from './context.js';
import { isThenable, type ProviderGenerator } from './disposal.js';
import { DeadlineError, GeneratorError } from './errors.js';
import { extendPath, notePath, noteSuppressed, noteThrown } from './error-path.js';
import { Flight } from './flight.js';
import type { Hop } from './hop.js';
import { finished, isCallers, makeOnLoop } from './make.js';
import { onAbort } from './on-abort.js';
import { readInputs } from './inputs.js';
import type { Linked, LinkedList } from './linked-list.js';
import { unmade, type Plan, type Unit } from './plan.js';
import type { Between, Maker, RunLink, RunScope } from './run-scope.js';
import { isScoped } from './scope.js';
import type { Step } from './step.js';
import { StopSignal, type Abortable } from './stop-signal.js';
import { noteBlocking } from './step-times.js';
import { Settling } from './settling.js';
import { hasEnd } from './teardown-look.js';
import { traceRun, type RunTrace } from './trace.js';
import { Trips, type Traveller } from './trips.js';

/** Is told of the end of runs. */
export interface RunListener {
  /** Nothing of the run is going on any more. */
  runEnded(run: Run): void;
}

/** What a run goes on with that somebody else has begun. */
export interface Begun {
  readonly values: unknown[];
  readonly isSampled: boolean;
  /** What has been noted for teardown so far. */
  readonly noted: readonly object[];
  /** What its caller has; undefined where that has nothing yet. */
  readonly settling: Settling | undefined;
}

/** Runs whose signals steps on the loop have, so that one that is passed on tells what it stands for. */
const links = new WeakMap<AbortSignal, RunLink>();

interface StepFailure {
  /** Index of the step: the order of declaration. */
  readonly order: number;
  readonly error: unknown;
}

const none: readonly never[] = [];

/** Stands in the place of how many units one waits for, once it has been started. */
const started = -1;

export class Run implements Maker, Traveller, Linked<Run> {
  readonly values: unknown[];
  /** For each unit, how many units it still waits for. */
  private readonly waits: number[];
  /** By step; undefined as long as nobody has asked for what it makes. */
  private cells: (Cell | undefined)[] | undefined;
  /** What has to be torn down, by the step that made it. */
  private entries: Map<number, object> | undefined;
  private failures: readonly StepFailure[] = none;
  private unfinished: number;
  /** The first and the last step that has been started and has not ended. */
  private firstFlight: Flight | undefined;
  private lastFlight: Flight | undefined;
  private cancelled: { readonly error: unknown } | undefined;
  /** Whether its caller has been told that it failed, before its end. */
  private isTold = false;
  private firstPass = true;
  /** Units to start, and whether somebody further up the stack is at it. */
  private ready: Unit[] | undefined;
  private draining = false;
  private unwinding = false;
  private controller: AbortController | undefined;
  private stop: StopSignal | undefined;
  /** Set when nobody waits for it any more. */
  private left: { readonly reason: unknown } | undefined;
  private leaving: AbortController | undefined;
  private countdown: Countdown | undefined;
  /** Undefined where nobody listens to what steps do. */
  readonly trace: RunTrace | undefined;
  private trips: Trips | undefined;
  /** Whether it is measured for how long each step holds the loop. */
  private readonly isSampled: boolean;
  private readonly settling: Settling;
  /** Of who has to end it. */
  list: LinkedList<Run> | undefined = undefined;
  previous: Run | undefined = undefined;
  next: Run | undefined = undefined;
  private hasEnded = false;
  private listener: RunListener | undefined;
  private moreListeners: RunListener[] | undefined;

  constructor(
    readonly plan: Plan,
    readonly scope: RunScope,
    /** Of the method, if the root is an offloaded one. */
    readonly args: readonly unknown[] = [],
    private readonly between?: Between,
    begun?: Begun,
  ) {
    this.values = begun?.values ?? plan.template.slice();
    this.waits = plan.waits.slice();
    this.unfinished = plan.units.length;
    this.trace = begun === undefined ? traceRun(plan) : undefined;
    this.isSampled = begun?.isSampled ?? plan.sampling.next();
    this.settling = begun?.settling ?? new Settling();
    if (begun !== undefined) this.noteBegun(begun);
    const { target } = plan;
    if (target.kind !== 'method' || !target.handler || target.deadline === undefined) return;
    this.countDown(target.label, target.deadline);
  }

  get outcome(): Promise<unknown> {
    return this.settling.outcome;
  }

  private countDown(label: string, deadline: number): void {
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
   * @param asker - who waits for it, if that is known.
   * @returns the value of the plan's root.
   * @throws InputError with all faults of the inputs, before any step has run, or any but those that come
   * before the root; otherwise what the first failing step threw, in the order of declaration, once
   * everything made is torn down.
   */
  start(asker?: Asker): Promise<unknown> {
    const { plan, scope, values } = this;
    try {
      for (const { index, node, owner } of plan.given) {
        values[index] = scope.given(node, plan, owner);
      }
      readInputs(plan.inputs, values);
    } catch (error) {
      this.end();
      this.settling.reject(error);
      return this.outcome;
    }
    if (plan.signals.length > 0) {
      links.set(this.signal, this.newLink());
      for (const index of plan.signals) values[index] = this.signal;
    }
    for (const { step, target, maker } of plan.lazies) {
      values[step.index] = scope.lazy(target, maker, asker);
    }
    if (plan.offloads.length > 0) this.offload();
    // What stays in a thread has to be told of at once.
    if (plan.kept.length > 0 && (plan.hasHops || !scope.keep(this, plan))) this.publish();
    this.goOnFrom(0);
    return this.outcome;
  }

  /**
   * Units are in topological order, so one pass starts all that is ready, and whatever is synchronous is
   * done when it ends.
   */
  goOnFrom(from: number): void {
    const { units } = this.plan;
    for (let index = from; index < units.length; index++) {
      if (this.waits[index] === 0) this.startUnit(units[index] as Unit);
    }
    this.firstPass = false;
    this.finishIfDone();
  }

  /**
   * Goes on where somebody else has begun, who has made one unit after the other.
   * @param position - of the unit that was under way.
   * @param go - what is to be done with that one.
   */
  private goOn(position: number, go: (unit: Unit, step: Step) => void): void {
    this.takeOver(position);
    const unit = this.plan.units[position] as Unit;
    const [step] = unit.steps as readonly [Step];
    this.guard(step, () => go(unit, step));
    this.goOnFrom(position + 1);
  }

  /** Takes what somebody else has made: units up to a position, and their values. */
  private takeOver(position: number): void {
    const { units, kept } = this.plan;
    for (const unit of units.slice(0, position)) this.finishUnit(unit);
    for (const { index } of kept) {
      const value = this.values[index];
      const cell = this.cells?.[index];
      if (value !== unmade && cell?.outcome === undefined) cell?.settle({ kind: 'made', value });
    }
  }

  /** As {@link goOn}, where what the step has returned is not there yet. @returns what it comes by. */
  goOnLater(position: number): Flight {
    let flight!: Flight;
    this.goOn(position, (unit, step) => (flight = this.takeOff(unit, step)));
    return flight;
  }

  /** As {@link goOn}, where all is made. */
  goOnAtEnd(): void {
    const { length } = this.plan.units;
    this.takeOver(length);
    this.goOnFrom(length);
  }

  /** As {@link goOn}, with what the step has returned. */
  goOnWith(position: number, value: unknown): void {
    this.goOn(position, (unit, step) => this.take(unit, step, value));
  }

  /** As {@link goOn}, with what the step has thrown. */
  goOnFailed(position: number, error: unknown): void {
    this.goOn(position, () => {
      throw error;
    });
  }

  /** Does not go on where somebody else has begun, who has made nothing. */
  refuse(error: unknown): void {
    this.giveUpCells(none);
    this.end();
    this.settling.reject(error);
  }

  private noteBegun({ noted }: Begun): void {
    let next = 0;
    for (const { index } of this.plan.steps) {
      const subject = noted[next];
      if (subject === undefined || this.values[index] !== subject) continue;
      (this.entries ??= new Map<number, object>()).set(index, subject);
      next++;
    }
  }

  publish(): void {
    const { plan, scope, values } = this;
    const cells = (this.cells = new Array<Cell | undefined>(plan.steps.length));
    for (const step of plan.kept) {
      const cell = scope.claim(step);
      cells[step.index] = cell;
      const value = values[step.index];
      if (value !== unmade) cell.outcome = { kind: 'made', value };
    }
  }

  /** Calls back when nothing of this run is going on any more, teardown included. */
  whenEnded(listener: RunListener): void {
    if (this.hasEnded) listener.runEnded(this);
    else if (this.listener === undefined) this.listener = listener;
    else (this.moreListeners ??= []).push(listener);
  }

  private end(): void {
    const { listener, moreListeners } = this;
    this.hasEnded = true;
    this.listener = this.moreListeners = undefined;
    listener?.runEnded(this);
    if (moreListeners === undefined) return;
    for (const other of moreListeners) other.runEnded(this);
  }

  /** Labels of the steps that have been started and have not ended. */
  get pending(): readonly string[] {
    const labels: string[] = [];
    for (let at = this.firstFlight; at !== undefined; at = at.next) labels.push(at.step.node.label);
    return labels;
  }

  takeOff(unit: Unit, step: Step, generator?: ProviderGenerator): Flight {
    const flight = new Flight(unit, step, generator, this.lastFlight);
    if (this.lastFlight === undefined) this.firstFlight = flight;
    else this.lastFlight.next = flight;
    this.lastFlight = flight;
    return flight;
  }

  land({ previous, next, timer }: Flight): void {
    if (timer !== undefined) clearTimeout(timer);
    if (previous === undefined) this.firstFlight = next;
    else previous.next = next;
    if (next === undefined) this.lastFlight = previous;
    else next.previous = previous;
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
    this.settling.reject(reason);
    this.tell(reason);
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
    this.whenEnded({ runEnded: () => (link.signal = link.gone = () => undefined) });
    return link;
  }

  private offload(): void {
    const link = this.newLink();
    for (const { step, node } of this.plan.offloads) {
      this.values[step.index] = this.scope.offload(step, node, link);
    }
  }

  /** Tells all that goes on, on the loop and in threads. */
  private tell(reason: unknown): void {
    this.controller?.abort(reason);
    this.stop?.abort(reason);
  }

  /** What hops are told by; steps on the loop have {@link signal}. */
  get hopSignal(): Abortable {
    if (this.stop === undefined) {
      this.stop = new StopSignal();
      const { cause } = this;
      if (cause !== undefined) this.stop.abort(cause.error);
    }
    return this.stop;
  }

  private get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      // Each hop listens, and a plan may have many at once: that is no leak.
      setMaxListeners(0, this.controller.signal);
      // Somebody may ask only when it is over.
      const { cause } = this;
      if (cause !== undefined) this.controller.abort(cause.error);
    }
    return this.controller.signal;
  }

  /** Why it has stopped. */
  private get cause(): { readonly error: unknown } | undefined {
    return this.cancelled ?? this.failures[0];
  }

  get stopped(): boolean {
    return this.cancelled !== undefined || this.failures.length > 0;
  }

  private startUnit(unit: Unit): void {
    if (this.stopped) return;
    const step = unit.steps[0] as Step;
    if (unit.hop !== undefined) (this.trips ??= new Trips(this)).begin(unit, unit.hop);
    else if (step.kind === 'load') this.load(unit, step);
    else if (step.kind === 'phase') this.enterPhase(unit);
    else this.make(unit, step);
  }

  /**
   * What is made before the root is there: reads the other parameters. It is not in flight while it waits
   * for what they are read from: who stops does not.
   */
  private enterPhase(unit: Unit): void {
    const { root, laterInputs } = this.plan;
    const enter = (): void => {
      readInputs(laterInputs, this.values);
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
    // What users wrote can throw at any touch: at the call, at a look for `then`, at one for a
    // dispose symbol.
    try {
      if (node.kind === 'method' && node.generator) {
        this.enter(unit, step, makeOnLoop(step, this.values) as ProviderGenerator);
        return;
      }
      const begun = this.isSampled ? performance.now() : 0;
      const { trace } = this;
      const value = trace === undefined ? this.call(step) : this.traced(trace, unit, step);
      if (this.isSampled) noteBlocking(node, performance.now() - begun);
      this.take(unit, step, value);
    } catch (error) {
      this.fail(step, error);
    }
  }

  // A function inside of `make` or `enter` would cost each step a context, traced or not.

  private traced(trace: RunTrace, unit: Unit, step: Step): unknown {
    return trace.start(unit, step, () => this.call(step));
  }

  private call(step: Step): unknown {
    const isShared = !isScoped(step.owner) && step.owner !== 'transient';
    return isShared ? makeApart(step, this.values) : makeOnLoop(step, this.values);
  }

  /** Takes what a step has returned. */
  private take(unit: Unit, step: Step, value: unknown): void {
    const { node } = step;
    if (node.kind === 'method' && isThenable(value)) this.await(unit, step, undefined, value);
    else this.made(unit, step, value);
  }

  /** Runs a generator up to its `yield`, which gives the value. */
  private enter(unit: Unit, step: Step, generator: ProviderGenerator): void {
    // Only here does something of the generator run.
    const { trace } = this;
    const first = trace === undefined ? generator.next() : nextTraced(trace, unit, step, generator);
    if (isThenable(first)) this.await(unit, step, generator, first);
    else this.entered(unit, step, generator, first);
  }

  private entered(
    unit: Unit,
    step: Step,
    generator: ProviderGenerator,
    { done, value }: IteratorResult<unknown>,
  ): void {
    const { label } = step.node;
    if (done === true) throw new GeneratorError(label, 'does not yield');
    this.scope.disposalOf(step.owner).noteGenerator(label, generator);
    (this.entries ??= new Map<number, object>()).set(step.index, generator);
    this.values[step.index] = value;
    this.tellMade(step, value);
    this.finishUnit(unit);
  }

  /** Goes on when a promise is settled, in whatever way foreign thenables call back. */
  private await(
    unit: Unit,
    step: Step,
    generator: ProviderGenerator | undefined,
    pending: PromiseLike<unknown>,
  ): void {
    const flight = this.takeOff(unit, step, generator);
    this.trace?.suspend(step);
    flight.timer = this.startDeadline(step);
    Promise.resolve(pending).then(
      (value) => this.arrived(flight, value),
      (error: unknown) => this.crashed(flight, error),
    );
  }

  crashed(flight: Flight, error: unknown): void {
    this.land(flight);
    this.fail(flight.step, error);
    this.finishIfDone();
  }

  arrived(flight: Flight, value: unknown): void {
    const { unit, step, generator } = flight;
    this.land(flight);
    try {
      if (generator === undefined) this.made(unit, step, value);
      else this.entered(unit, step, generator, value as IteratorResult<unknown>);
    } catch (error) {
      this.fail(step, error);
    }
    this.finishIfDone();
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
    this.cells = undefined;
    this.isTold = true;
    this.settling.reject(error);
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
    const cell = this.scope.kept(step.node);
    const { outcome } = cell;
    if (outcome?.kind !== 'made') {
      this.loadLater(unit, step, cell);
      return;
    }
    cell.shared = true;
    this.loaded(unit, step, outcome.value);
  }

  private loadLater(unit: Unit, step: Step, cell: Cell): void {
    const settle = (outcome: Outcome): void => {
      if (this.stopped) return;
      if (outcome.kind === 'released') {
        this.scope.remake(step.node).then(
          (value) => settle({ kind: 'made', value }),
          (error: unknown) => settle({ kind: 'failed', error }),
        );
        return;
      }
      if (outcome.kind === 'made') {
        this.loaded(unit, step, outcome.value);
        return;
      }
      this.fail(step, outcome.error);
      this.finishIfDone();
    };
    cell.wait(settle);
  }

  private loaded(unit: Unit, step: Step, value: unknown): void {
    this.values[step.index] = value;
    this.finishUnit(unit);
    this.finishIfDone();
  }

  finishHop(unit: Unit, hop: Hop): void {
    if (this.cells !== undefined) {
      for (const { index } of hop.steps) {
        const cell = this.cells[index];
        if (cell !== undefined && cell.outcome === undefined) cell.leaveInThread();
      }
    }
    this.finishUnit(unit);
  }

  /** Tears down what a hop has brought that has failed: with all else, or at once if that is done. */
  endLate(hop: Hop, values: readonly unknown[]): void {
    const late = new Set<object>();
    for (const { index, position } of hop.arrivals) {
      const step = this.stepAt(index);
      if (!this.unwinding) {
        this.own(step, values[position]);
        continue;
      }
      const value = values[position];
      if (this.scope.disposalOf(step.owner).note(step.node.label, value)) late.add(value);
    }
    // What they throw nobody waits for.
    for (const disposal of this.scope.disposals) void disposal.unwind(late, undefined);
  }

  private stepAt(index: number): Step {
    return this.plan.steps[index] as Step;
  }

  private made(unit: Unit, step: Step, result: unknown): void {
    this.keep(step, finished(step.node, result));
    this.finishUnit(unit);
  }

  keep(step: Step, value: unknown): void {
    this.setAside(step, value);
    this.tellMade(step, value);
  }

  /** Takes a value for steps of this run only: nobody else is told that it is there. */
  setAside(step: Step, value: unknown): void {
    this.values[step.index] = value;
    if (!isCallers(step.node)) this.own(step, value);
  }

  own(step: Step, value: unknown): void {
    // Most values have no end, and most scopes no disposal.
    if (!hasEnd(step, value)) return;
    if (!this.scope.disposalOf(step.owner).note(step.node.label, value)) return;
    (this.entries ??= new Map<number, object>()).set(step.index, value);
  }

  private tellMade(step: Step, value: unknown): void {
    this.trace?.succeed(step);
    this.cells?.[step.index]?.settle({ kind: 'made', value });
  }

  private finishUnit(unit: Unit): void {
    const { waits } = this;
    let isSomeReady = false;
    this.unfinished--;
    for (const index of unit.dependants) {
      const left = (waits[index] as number) - 1;
      waits[index] = left;
      if (left !== 0) continue;
      isSomeReady = true;
      this.trace?.noteReady(index);
    }
    // The first pass meets them further on by itself.
    if (isSomeReady && !this.firstPass) this.startReady(unit);
  }

  /** Starts what waits for nothing any more, now that a unit has ended. */
  private startReady({ dependants }: Unit): void {
    const isOutermost = !this.draining;
    this.draining = true;
    for (const index of dependants) {
      if (this.waits[index] !== 0) continue;
      this.waits[index] = started;
      const next = this.plan.units[index] as Unit;
      if (isOutermost) this.startUnit(next);
      else (this.ready ??= []).push(next);
    }
    if (!isOutermost) return;
    // A list instead of recursion: a chain may be longer than the stack. It grows while it is walked.
    if (this.ready !== undefined) for (const next of this.ready) this.startUnit(next);
    this.ready = undefined;
    this.draining = false;
  }

  fail(step: Step, error: unknown): void {
    this.trace?.fail(step, error);
    const path = pathTo(this.plan, step);
    // What was loaded has failed at the end of a path of its own: this one leads to it.
    if (step.kind === 'load') extendPath(error, path);
    else noteThrown(error, path);
    this.failures = [...this.failures, { order: step.index, error }];
    if (this.failures.length === 1 && this.cancelled === undefined) this.tell(error);
  }

  finishIfDone(): void {
    if (this.firstPass) return;
    if (this.stopped) {
      if (this.firstFlight === undefined) void this.unwind();
    } else if (this.unfinished === 0) {
      this.unfinished = -1;
      this.end();
      this.settling.accept(this.values[this.plan.root.index]);
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
    const entries = new Set(this.entries?.values());
    // What only passes on the reason of the cancelling is no failure of its own.
    const suppressed = failures.map(({ error }) => error).filter((error) => error !== cause?.error);
    const replaced = new Set<unknown>();
    for (const disposal of this.scope.disposals) {
      const torn = await disposal.unwind(entries, failure);
      ({ failure } = torn);
      for (const error of torn.replaced) replaced.add(error);
      suppressed.push(...torn.faults.map(({ error }) => error));
    }
    // A generator that puts another error in the place of the one that it saw does not hide that.
    const seen = this.isTold ? cause : failure;
    replaced.add(failure?.error);
    replaced.delete(seen?.error);
    noteSuppressed(seen?.error, [...replaced, ...suppressed]);
    // Generators may have put another error into the place of the one that they saw.
    const step = first === undefined ? undefined : this.plan.steps[first.order];
    if (step !== undefined) notePath(failure?.error, pathTo(this.plan, step));
    this.end();
    this.settling.reject(failure?.error);
  }

  private giveUpCells(failures: readonly StepFailure[]): void {
    // Nobody has asked for anything that it makes.
    if (this.cells === undefined) {
      this.scope.forget(this);
      return;
    }
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
        this.entries?.delete(index);
        continue;
      }
      const cell = this.cells[index];
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
      const cell = this.cells?.[index];
      if (cell?.outcome?.kind === 'made' && cell.shared) retained.add(index);
      if (retained.has(index)) for (const need of needs) retained.add(need);
    }
    return retained;
  }
}

function nextTraced(trace: RunTrace, unit: Unit, step: Step, generator: ProviderGenerator) {
  return trace.start(unit, step, () => generator.next());
}

/** For singletons and what threads keep: that outlives the run, and sees nothing of its context. */
function makeApart(step: Step, values: readonly unknown[]): unknown {
  return inFlow(undefined, () => makeOnLoop(step, values));
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
