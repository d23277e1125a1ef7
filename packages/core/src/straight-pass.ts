/** One straight pass through a plan in a scope, and how a run takes over from it. */
import { currentFlow } from './context.js';
import type { Asker } from './deadlock.js';
import type { Disposal, HeldEnding } from './disposal.js';
import { readInputs } from './inputs.js';
import { isCallers } from './make.js';
import type { Ownership } from './ownership.js';
import type { Plan } from './plan.js';
import type { Maker, RunScope } from './run-scope.js';
import { Run } from './run.js';
import type { Step } from './step.js';
import { allLeft, type Owner, type Pass } from './pass.js';
import type { Straight } from './straight.js';
import { Settling, tellApart, told, type Receiver } from './settling.js';
import { StraightWait, type Waiter } from './straight-wait.js';
import { hasEnd } from './teardown-look.js';

/** What a pass needs of its scope. */
export interface PassScope extends RunScope {
  /** Disposes all that a pass in it makes; undefined as long as there are no entries. */
  readonly ownDisposal: Disposal | undefined;
  /** Where the next entry will stand, behind those of what a pass holds. */
  readonly position: number;
  /**
   * Lets a pass hold what it makes, without entries.
   * @returns false if it has to make entries of each at once.
   */
  hold(pass: StraightPass): boolean;
  /** Makes entries of what a pass in it holds. @returns where they are. */
  makeEntries(): Disposal;
  /** Whether nobody is at work in it but one pass, which may wait for promises then. */
  readonly isForOne: boolean;
  /** Takes what a pass has made, which is all. */
  takePass(pass: StraightPass, plan: Plan): void;
  /** Notes a run that the scope has to end, which goes on with what a pass has begun. */
  handOn(pass: StraightPass, run: Run): void;
}

export class StraightPass implements Pass, Maker, Waiter {
  readonly isSampled: boolean;
  holds: boolean;
  left = allLeft;
  private run: Run | undefined;
  /** Of the first entry that it may make. */
  private readonly position: number;
  /** Undefined as long as nothing was to be waited for. */
  private waiting: StraightWait | undefined;
  // One of these two is set where the pass waits.
  private receiver: Receiver | undefined;
  private settling: Settling | undefined;

  /** @param values - the template of the plan, with all that it loads. */
  constructor(
    private readonly plan: Plan,
    private readonly scope: PassScope,
    readonly values: unknown[],
  ) {
    this.isSampled = plan.sampling.next();
    this.position = scope.position;
    this.holds = !this.isSampled && this.straight.held !== undefined && scope.hold(this);
  }

  /** There is one: it is what makes passes. */
  private get straight(): Straight {
    return this.plan.straight as Straight;
  }

  /** The value of the plan's root, once that is made. */
  private get result(): unknown {
    return this.values[this.plan.root.index];
  }

  get isTaken(): boolean {
    return this.run !== undefined;
  }

  get mayWait(): boolean {
    return this.run === undefined && this.scope.isForOne;
  }

  /** Whether it waits for a promise. */
  get isWaiting(): boolean {
    return this.waiting?.order !== undefined;
  }

  /**
   * @param asker - who waits for it, if that is known.
   * @returns a promise of the value of the plan's root; undefined where the receiver will be told of it.
   */
  start(
    ownership: Ownership,
    receiver: Receiver | undefined,
    asker: Asker | undefined,
  ): Promise<unknown> | undefined {
    const refusal = this.plan.isFed ? this.feed(asker) : undefined;
    if (refusal !== undefined) return refusal;
    if (this.run === undefined && this.straight.make(this, ownership) && this.end()) {
      return Promise.resolve(this.result);
    }
    return this.settle(receiver);
  }

  /**
   * Takes what its scope was given, and functions for later.
   * @returns a promise that rejects, if something is wrong with that.
   */
  private feed(asker: Asker | undefined): Promise<unknown> | undefined {
    const { plan, scope, values } = this;
    try {
      for (const { index, node, owner } of plan.given) {
        values[index] = scope.given(node, plan, owner);
      }
      readInputs(plan.inputs, values);
    } catch (error) {
      // Nothing is made that it could hold.
      this.makeEntries();
      if (this.run === undefined) return Promise.reject(error);
      this.run.refuse(error);
      return this.run.outcome;
    }
    for (const { step, target, maker } of plan.lazies) {
      values[step.index] = scope.lazy(target, maker, asker);
    }
    this.run?.goOnFrom(0);
    return undefined;
  }

  private settle(receiver: Receiver | undefined): Promise<unknown> | undefined {
    if (this.run !== undefined || this.waiting === undefined) return this.take().outcome;
    // A promise that is not like others may have called back at once.
    if (!this.isWaiting) return Promise.resolve(this.result);
    if (receiver === undefined) return (this.settling = new Settling()).outcome;
    this.receiver = receiver;
    return undefined;
  }

  /** All is made. @returns whether nobody has come between, who would have a run end it. */
  private end(): boolean {
    const { run, plan, scope } = this;
    if (run === undefined) scope.takePass(this, plan);
    else run.goOnAtEnd();
    return run === undefined;
  }

  wait(order: number, pending: PromiseLike<unknown>): false {
    // What comes behind that is not made by the written function, which alone looks at what it holds.
    if (this.holds) this.left = Math.min(this.left, this.straight.held?.before(order) ?? 0);
    (this.waiting ??= new StraightWait(this)).begin(order, pending);
    return false;
  }

  arrived(order: number, value: unknown): void {
    const { straight, waiting, run } = this;
    if (run !== undefined && waiting?.flight !== undefined) run.arrived(waiting.flight, value);
    else if (straight.goOn(order, value, this) && this.end()) this.hand();
  }

  /** Hands over what it was waited for. */
  private hand(): void {
    const { plan, result, receiver } = this;
    if (receiver === undefined) {
      this.settling?.accept(result);
      return;
    }
    this.receiver = told;
    // What a method has returned was awaited; an instance may have a `then` of its own, which a promise sees.
    if (isCallers(plan.root.node)) receiver.resolved(result);
    else tellApart(Promise.resolve(result), receiver);
  }

  crashed(order: number, error: unknown): void {
    const { straight, waiting, run } = this;
    if (run !== undefined && waiting?.flight !== undefined) run.crashed(waiting.flight, error);
    else this.fail(straight.positionOf(order), error);
  }

  /** Lets a run go on with what it does, as soon as the step that is under way has returned. */
  take(): Run {
    if (this.run !== undefined) return this.run;
    const { plan, straight, scope, values, isSampled, waiting, receiver } = this;
    this.makeEntries();
    const noted = scope.ownDisposal?.since(this.position) ?? [];
    this.run = new Run(plan, scope, [], undefined, {
      values,
      isSampled,
      noted,
      settling: this.settling,
    });
    if (receiver !== undefined) {
      this.receiver = told;
      tellApart(this.run.outcome, receiver);
    }
    scope.handOn(this, this.run);
    this.run.publish();
    if (waiting?.order !== undefined) {
      waiting.flight = this.run.goOnLater(straight.positionOf(waiting.order));
    }
    return this.run;
  }

  publish(): void {
    const { plan, scope, values } = this;
    for (const step of plan.kept) {
      scope.claim(step).outcome = { kind: 'made', value: values[step.index] };
    }
  }

  note(step: Step, value: unknown): void {
    // Most values have no end, and most scopes no disposal.
    if (!hasEnd(step, value)) return;
    this.scope.disposalOf(step.owner).note(step.node.label, value);
  }

  hold(step: Step, value: object, ending: HeldEnding): void {
    if (ending.held.isNoted || currentFlow() !== undefined) this.note(step, value);
    else this.scope.disposalOf(step.owner).hold(value, ending);
  }

  ownApart(owner: Owner, value: unknown): void {
    this.makeEntries();
    owner.own(this, value);
  }

  private makeEntries(): void {
    if (this.holds) this.scope.makeEntries();
  }

  /** Makes entries of what it holds. */
  handOver(disposal: Disposal): void {
    this.holds = false;
    this.straight.held?.handOver(this, disposal);
  }

  /** Tears down what it holds. @returns whether there are no entries of a rest. */
  endHeld(): boolean {
    const { held } = this.straight;
    return held === undefined || held.end(this, () => this.scope.makeEntries());
  }

  leave(position: number, value: unknown): false {
    this.take().goOnWith(position, value);
    return false;
  }

  fail(position: number, error: unknown): false {
    this.take().goOnFailed(position, error);
    return false;
  }
}
