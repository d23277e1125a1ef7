/** Tells of each step, while somebody listens, on the tracing channel `turno.step`. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { tracingChannel } from 'node:diagnostics_channel';
import { threadId } from 'node:worker_threads';

import type { Hop } from './hop.js';
import type { Node } from './node.js';
import type { Plan, Unit } from './plan.js';
import { loop } from './placement.js';
import type { Placement, Scope } from './scope.js';
import type { Step } from './step.js';
import type { HopWatch } from './threads/executor.js';

/**
 * What subscribers of `tracing:turno.step:*` are given: one object per step, the same in all its
 * events, filled in as the step goes on. Values that steps take and make are not in it.
 */
export interface StepEvent {
  /** The provider, as paths and messages show it: `Kitchen.grind`. */
  readonly label: string;
  readonly scope: Scope;
  readonly placement: Placement;
  /** What the step is made for: the label of the target of the plan. */
  readonly target: string;
  /**
   * Milliseconds between the end of the last step that it depends on and its start; in a thread
   * that is mostly waiting for a free thread.
   */
  readonly waited: number;
  /**
   * How long it ran, in milliseconds, once it has ended: on the loop from its start to its value
   * (awaiting included), in a thread its own part of the hop, measured there. Undefined for a step
   * that did not come to run, since one before it in its hop failed.
   */
  readonly ran: number | undefined;
  /** What it threw, as the thread or the provider did. */
  readonly error?: unknown;
  /** The trip to a thread: steps that share one have the same number. Undefined on the loop. */
  readonly hop: number | undefined;
  /** Where it runs: 0 is the main thread. Undefined for a hop that never came to a thread. */
  readonly threadId: number | undefined;
}

type Filling = { -readonly [Key in keyof StepEvent]: StepEvent[Key] };

// Held for ever: a channel that nobody holds may be collected, with its subscribers.
const channel = tracingChannel<unknown, StepEvent>('turno.step');

/** Whether somebody listens. Not the channel's own `hasSubscribers`, which Node 20.19 does not have. */
export function isTraced(): boolean {
  const { start, end, asyncStart, asyncEnd, error } = channel;
  return (
    start.hasSubscribers ||
    end.hasSubscribers ||
    asyncStart.hasSubscribers ||
    asyncEnd.hasSubscribers ||
    error.hasSubscribers
  );
}

interface Times {
  count: number;
  total: number;
}

/** Run times of what has succeeded while it was traced. Kept by node: plans share loop steps. */
const times = new WeakMap<Node | Hop, Times>();

function measure(what: Node | Hop, ran: number): void {
  const known = times.get(what);
  if (known === undefined) {
    times.set(what, { count: 1, total: ran });
  } else {
    known.count++;
    known.total += ran;
  }
}

/** The mean run time of a unit in milliseconds, as far as it was traced. */
export function measuredTime({ hop, steps: [step] }: Unit): number | undefined {
  const what = hop ?? step?.node;
  const known = what === undefined ? undefined : times.get(what);
  return known === undefined ? undefined : known.total / known.count;
}

/**
 * The trace of a run; undefined where nobody listens.
 * The one check that tracing costs: who subscribes later hears of the runs that begin later.
 */
export function traceRun(plan: Plan): RunTrace | undefined {
  return isTraced() ? new RunTrace(plan) : undefined;
}

export class RunTrace {
  /** Since when each unit is ready, by its index; first the start of the run. */
  private readonly ready: number[];
  private readonly steps = new Map<number, StepTrace>();

  constructor(private readonly plan: Plan) {
    this.ready = plan.units.map(() => performance.now());
  }

  /** All that the unit waited for is there. */
  noteReady(unit: number): void {
    this.ready[unit] = performance.now();
  }

  /** Starts a step on the loop: calls `make` in the stores that are bound to the step. */
  start<Args extends unknown[], Made>(
    unit: Unit,
    step: Step,
    make: (...args: Args) => Made,
    ...args: Args
  ): Made {
    // A list is no step of a user.
    if (!isProvider(step)) return make(...args);
    const trace = new StepTrace(step, this.plan.target.label, undefined);
    this.steps.set(step.index, trace);
    return trace.start(performance.now() - this.readyAt(unit), make, ...args);
  }

  /** The step has returned a promise. */
  suspend({ index }: Step): void {
    this.steps.get(index)?.suspend();
  }

  succeed({ index, node }: Step): void {
    const trace = this.steps.get(index);
    if (trace === undefined) return;
    this.steps.delete(index);
    measure(node, trace.end());
  }

  fail({ index }: Step, error: unknown): void {
    const trace = this.steps.get(index);
    this.steps.delete(index);
    trace?.fail(error);
  }

  hop(unit: Unit, hop: Hop): HopTrace {
    return new HopTrace(hop, this.plan.target.label, this.readyAt(unit));
  }

  private readyAt({ index }: Unit): number {
    return this.ready[index] as number;
  }
}

let hops = 0;

/** The steps of a hop, as the loop sees them: they start and end together. */
export class HopTrace implements HopWatch {
  private readonly steps: readonly (StepTrace | undefined)[];
  /** Where the run is: a hop that waits is started by another one that ends. */
  private readonly here = AsyncLocalStorage.snapshot();
  private startedAt: number | undefined;
  private ran: readonly number[] = [];
  private thread: number | undefined;

  constructor(
    private readonly hop: Hop,
    target: string,
    private readonly readyAt: number,
  ) {
    const number = ++hops;
    this.steps = hop.steps.map((step) =>
      isProvider(step) ? new StepTrace(step, target, number) : undefined,
    );
  }

  started(thread: number): void {
    this.startedAt = performance.now();
    this.thread = thread;
    for (const step of this.steps) if (step !== undefined) this.startStep(step);
  }

  returned(thread: number, ran: readonly number[]): void {
    this.thread = thread;
    this.ran = ran;
  }

  succeed(): void {
    this.steps.forEach((_, position) => this.endStep(position));
    if (this.startedAt !== undefined) measure(this.hop, performance.now() - this.startedAt);
  }

  /** @param failed - position of the step that failed. */
  fail(failed: number, error: unknown): void {
    const step = this.steps[failed];
    // A hop that never came to a thread: only what is to blame is told of.
    if (this.startedAt === undefined && step !== undefined) this.startStep(step);
    this.steps.forEach((each, position) => {
      if (each === step) each?.fail(error, this.ran[position], this.thread);
      else if (this.startedAt !== undefined) this.endStep(position);
    });
  }

  private startStep(step: StepTrace): void {
    const waited = (this.startedAt ?? performance.now()) - this.readyAt;
    this.here(() => step.startIn(this.thread, waited));
    step.suspend();
  }

  private endStep(position: number): void {
    this.steps[position]?.end(this.ran[position], this.thread);
  }
}

function nothing(): void {
  // What is started is in a thread.
}

/** The events of one step. */
class StepTrace {
  private readonly event: Filling;
  private startedAt = 0;
  private isAsync = false;
  private inStores!: ReturnType<typeof AsyncLocalStorage.snapshot>;

  constructor({ node, side }: Step, target: string, hop: number | undefined) {
    this.event = {
      label: node.label,
      scope: node.scope,
      placement: side === loop ? 'loop' : 'thread',
      target,
      waited: 0,
      ran: undefined,
      hop,
      threadId: side === loop ? threadId : undefined,
    };
  }

  start<Args extends unknown[], Made>(
    waited: number,
    make: (...args: Args) => Made,
    ...args: Args
  ): Made {
    this.event.waited = waited;
    return channel.start.runStores(this.event, () => {
      // As with `TracingChannel.tracePromise`, all events of a step see what `start` has bound.
      this.inStores = AsyncLocalStorage.snapshot();
      this.startedAt = performance.now();
      return make(...args);
    });
  }

  /** Starts in a thread; undefined if none was found for it. */
  startIn(thread: number | undefined, waited: number): void {
    this.event.threadId = thread;
    this.start(waited, nothing);
  }

  /** Its synchronous part is over, its value not there yet. */
  suspend(): void {
    this.isAsync = true;
    this.inStores(() => channel.end.publish(this.event));
  }

  /** @returns how long it ran on the loop. */
  end(ran?: number, thread?: number): number {
    return this.close(ran, thread, false);
  }

  fail(error: unknown, ran?: number, thread?: number): void {
    this.event.error = error;
    this.close(ran, thread, true);
  }

  private close(inThread: number | undefined, thread: number | undefined, failed: boolean): number {
    const { event } = this;
    const onLoop = performance.now() - this.startedAt;
    event.ran = event.placement === 'loop' ? onLoop : inThread;
    event.threadId ??= thread;
    this.inStores(() => {
      if (failed) channel.error.publish(event);
      if (this.isAsync) {
        channel.asyncStart.publish(event);
        channel.asyncEnd.publish(event);
      } else {
        channel.end.publish(event);
      }
    });
    return onLoop;
  }
}

function isProvider({ node }: Step): boolean {
  return node.kind === 'class' || node.kind === 'method' || node.kind === 'offloadedMethod';
}
