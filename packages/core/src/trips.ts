/** The trips of a run to threads: a hop as it is, or its branches at the same time and then what they meet in. */
import { noteSuppressed } from './error-path.js';
import type { Flight } from './flight.js';
import type { Hop } from './hop.js';
import { isCallers } from './make.js';
import { onAbort } from './on-abort.js';
import type { Plan, Unit } from './plan.js';
import type { RunScope } from './run-scope.js';
import type { Split } from './split.js';
import type { Choice } from './splitter.js';
import type { Step } from './step.js';
import { StopSignal, type Abortable } from './stop-signal.js';
import { HopFailure, stayed, type HopCaller, type HopWatch } from './threads/executor.js';
import type { HopTrace, RunTrace } from './trace.js';

/** The run whose trips they are. */
export interface Traveller {
  readonly plan: Plan;
  readonly scope: RunScope;
  /** By step. */
  readonly values: unknown[];
  /** Of the method, if the root is an offloaded one. */
  readonly args: readonly unknown[];
  readonly trace: RunTrace | undefined;
  /** Aborted when it stops. */
  readonly hopSignal: Abortable;
  /** Aborted when nobody waits for it any more. */
  readonly gone: AbortSignal;
  /** Whether it has failed, or was given up. */
  readonly stopped: boolean;
  /** Notes that something is going on that has to be waited for. */
  takeOff(unit: Unit, step: Step): Flight;
  land(flight: Flight): void;
  /** Takes the value of a step. */
  keep(step: Step, value: unknown): void;
  /** Likewise, for steps of this run only: nobody else is told that it is there. */
  setAside(step: Step, value: unknown): void;
  /** Notes a value for teardown. */
  own(step: Step, value: unknown): void;
  fail(step: Step, error: unknown): void;
  /** All of a hop is made. */
  finishHop(unit: Unit, hop: Hop): void;
  finishIfDone(): void;
  /** Tears down what a hop has brought that has failed. */
  endLate(hop: Hop, values: readonly unknown[]): void;
}

/** Indices of steps whose values could not leave their thread; undefined where the hop has failed. */
type Left = readonly number[] | undefined;

/** What a branch of a hop has of its own. */
interface Branch {
  readonly signal: Abortable;
  /** Aborted when a branch has failed that would have come first in one thread: this one would not have run. */
  readonly unwanted: AbortSignal;
  /** Told of its failure, in the place of the run. */
  readonly failed: (step: Step, error: unknown) => void;
}

export class Trips {
  constructor(private readonly run: Traveller) {}

  /** Begins a hop whose inputs are there. */
  begin(unit: Unit, hop: Hop): void {
    const { run } = this;
    const choice = run.scope.splitter.choose(hop, run.values);
    if (choice.split === undefined) this.makeTrip(unit, hop, hop, choice, undefined, undefined);
    else void this.runBranches(unit, hop, choice.split, choice.ended);
  }

  /** Runs the branches of a hop at the same time, then what they meet in. */
  private async runBranches(
    unit: Unit,
    hop: Hop,
    split: Split,
    ended: Choice['ended'],
  ): Promise<void> {
    const { run } = this;
    const began = performance.now();
    const { branches } = split;
    const failures: { readonly step: Step; readonly error: unknown }[] = [];
    const running = branches.map((hop) => ({
      hop,
      end: new StopSignal(),
      unwanted: new AbortController(),
    }));
    const release = onAbort(run.hopSignal, (reason) => {
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
    const runPart = (part: Hop, branch?: Branch): Promise<Left> =>
      new Promise((done) => this.makeTrip(unit, part, hop, undefined, branch, done));
    const flight = run.takeOff(unit, hop.steps.at(-1) as Step);
    const stays = await Promise.all(
      running.map(({ hop: branch, end, unwanted }) =>
        runPart(branch, { signal: end, unwanted: unwanted.signal, failed }),
      ),
    );
    release();
    run.land(flight);
    for (const { step, error } of failures) run.fail(step, error);
    if (!run.stopped) {
      const needed = new Set(split.tail.inputs);
      const lost = branches.filter((_, index) => stays[index]?.some((step) => needed.has(step)));
      const tail = lost.length === 0 ? split.tail : run.scope.splitter.rejoin(hop, split, lost);
      run.trace?.noteReady(unit.index);
      if ((await runPart(tail)) !== undefined) {
        ended?.(performance.now() - began);
        run.finishHop(unit, hop);
      }
    }
    run.finishIfDone();
  }

  /**
   * Runs a hop, or a part of one.
   * @param whole - the hop that it is part of: only what leaves that is kept.
   * @param done - called when it has ended, in the place of going on with the run.
   */
  private makeTrip(
    unit: Unit,
    hop: Hop,
    whole: Hop,
    choice: Choice | undefined,
    branch: Branch | undefined,
    done: ((left: Left) => void) | undefined,
  ): void {
    const { run } = this;
    const flight = run.takeOff(unit, hop.steps.at(-1) as Step);
    const trace = run.trace?.hop(unit, hop);
    const watch =
      choice?.probed === undefined ? trace : new ProbeWatch(trace, choice.probe, choice.probed);
    const trip = new RunTrip(run, unit, hop, whole, flight, trace, branch, done);
    try {
      const inputs = hop.inputs.map((index) => run.values[index]);
      if (hop.definition.rest !== undefined) inputs.push(run.args);
      const signal = branch === undefined ? run.hopSignal : branch.signal;
      // Not awaited: an async function for each hop cost 1 µs, and as much for its garbage.
      run.scope.executor.run(hop.definition, inputs, signal, watch, trip).then(
        (values) => this.tripArrived(trip, values),
        (failure: unknown) => this.tripFailed(trip, failure),
      );
    } catch (error) {
      this.tripFailed(trip, error);
    }
  }

  private tripArrived(trip: RunTrip, values: readonly unknown[]): void {
    const { run } = this;
    const { hop, whole, trace, flight } = trip;
    const left: number[] = [];
    try {
      trace?.succeed();
      for (const { index, position } of hop.arrivals) {
        const value = values[position];
        if (value === stayed) left.push(index);
        else if (hop === whole || leaves(whole, index))
          run.keep(run.plan.steps[index] as Step, value);
        else run.setAside(run.plan.steps[index] as Step, value);
      }
      // Its caller has seen a failure, and will never see what has come now.
      const { root } = run.plan;
      if (run.stopped && isCallers(root.node)) run.own(root, run.values[root.index]);
      const first = hop.outputs.length + hop.extras.length;
      for (const [position, { step, merge }] of hop.returned.entries()) {
        merge(run.values[step], values[first + position]);
      }
    } catch (error) {
      this.tripFailed(trip, error);
      return;
    }
    run.land(flight);
    this.endTrip(trip, left);
  }

  private tripFailed(trip: RunTrip, failure: unknown): void {
    const { run } = this;
    const { hop, trace, flight, branch } = trip;
    run.land(flight);
    const { step, error, hidden } =
      failure instanceof HopFailure ? failure : new HopFailure(-1, failure);
    noteSuppressed(error, hidden);
    const position = hop.steps[step] !== undefined ? step : hop.steps.length - 1;
    trace?.fail(position, error);
    const culprit = hop.steps[position] as Step;
    if (branch === undefined) run.fail(culprit, error);
    else branch.failed(culprit, error);
    this.endTrip(trip, undefined);
  }

  private endTrip({ unit, hop, done }: RunTrip, left: Left): void {
    if (done !== undefined) {
      done(left);
      return;
    }
    if (left !== undefined) this.run.finishHop(unit, hop);
    this.run.finishIfDone();
  }
}

/** A hop on its way, or a part of one, and the run that waits for it. */
class RunTrip implements HopCaller {
  constructor(
    private readonly run: Traveller,
    readonly unit: Unit,
    readonly hop: Hop,
    readonly whole: Hop,
    readonly flight: Flight,
    readonly trace: HopTrace | undefined,
    readonly branch: Branch | undefined,
    readonly done: ((left: Left) => void) | undefined,
  ) {}

  get gone(): AbortSignal {
    const { run, branch } = this;
    return branch === undefined ? run.gone : AbortSignal.any([run.gone, branch.unwanted]);
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
