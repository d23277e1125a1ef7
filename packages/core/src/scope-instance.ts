/** One scope: it keeps the values of a request or call, and disposes what was made for it. */
import { Cell } from './cell.js';
import {
  Disposal,
  joinErrors,
  throwTeardownErrors,
  type Failure,
  type TornDown,
} from './disposal.js';
import { currentFlow } from './context.js';
import type { Engine, Found } from './engine.js';
import { lazily, Waits, type Asker, type Surroundings } from './deadlock.js';
import { DeadlineError, DeclarationError, DisposedError } from './errors.js';
import { errorsOf, noteSuppressed } from './error-path.js';

import { isKept, type GivenNode, type Node, type OffloadedNode } from './node.js';
import { LinkedList, type Linked } from './linked-list.js';
import { onAbort } from './on-abort.js';
import {
  isWithin,
  lacksScopeFor,
  onlyInCall,
  onlyInRequest,
  outsideOf,
  type Level,
} from './level.js';
import type { Plan } from './plan.js';
import { shown } from './misuse.js';
import { offload, type Home } from './offload.js';
import { givenField } from './own.js';
import type { ValueProvider } from './provider.js';
import type { HeldClass, Holder } from './ownership.js';
import { checkResolveOptions, type ResolveOptions } from './resolve-options.js';
import type { Between, Maker, RunLink } from './run-scope.js';
import { Run, type RunListener } from './run.js';
import type { Scope } from './scope.js';
import { notGiven, type ScopeValues } from './scope-values.js';
import { tell, type Receiver } from './settling.js';
import type { Splitter } from './splitter.js';
import type { Step } from './step.js';
import { StraightPass, type PassScope } from './straight-pass.js';
import type { Executor } from './threads/executor.js';
import type { Token } from './token.js';
import { isTraced } from './trace.js';

/** What a scope needs of its container. */
export interface ScopeContext {
  readonly engine: Engine;
  readonly values: ScopeValues;
  /** The cell of a singleton, made or being made. */
  singleton(node: Node): Cell;
  /** The cell of a singleton, if somebody has asked for it. */
  peek(node: Node): Cell | undefined;
  /** Who waits for what on demand among singletons. */
  readonly waits: Waits;
}

/**
 * Values that live as long as one request (or job, or message): made by `container.createScope`.
 * Inside of it a call (such as a transaction) has a scope of its own: `scope.createScope`.
 */
export class ScopeInstance
  implements AsyncDisposable, PassScope, RunListener, Holder, Linked<ScopeInstance>
{
  // What most scopes never need is made when it is needed: a scope of all this took longer to open than
  // to work in. Declared only, and set in the constructor: what the language makes of fields is a function of its
  // own that each `new` calls, which was 6 % of a request scope.
  declare private readonly context: ScopeContext;
  declare private readonly level: Level;
  /** Few: a map of them cost a request a quarter of a microsecond more than looking at each. */
  declare private readonly givenValues: readonly ValueProvider[];
  /** The scope around it; undefined for the container's. */
  declare private readonly outer: ScopeInstance | undefined;
  /** What it keeps; undefined as long as nobody has asked for that but its maker. */
  declare private cells: Map<Node, Cell> | undefined;
  /** Who makes, or has made, all that it keeps, and has told nobody. */
  declare private maker: Maker | undefined;
  /** The pass that is under way, further down the stack, or waits. */
  declare private passing: StraightPass | undefined;
  declare private runs: LinkedList<Run> | undefined;
  /** Runs that have ended, and whose signals what they made may still hold. */
  declare private signalled: Run[] | undefined;
  /** @internal */
  declare ownDisposal: Disposal | undefined;
  /** The pass that holds all that is to be torn down; undefined where there are entries of it. */
  declare private holding: StraightPass | undefined;
  declare private knownHome: Home | undefined;
  declare private disposing: Promise<void> | undefined;
  /** Tells who has asked for the end while it was {@link tearing}. */
  declare private told: ((ending: Promise<void>) => void) | undefined;
  /** Told when the scope is disposed: callers who wait for what others make. */
  declare private waiting: Set<(error: unknown) => void> | undefined;
  declare private ownWaits: Waits | undefined;
  /** The scopes in it; undefined as long as none was opened. */
  declare private inner: LinkedList<ScopeInstance> | undefined;
  /** @internal That of the scope around it. */
  declare list: LinkedList<ScopeInstance> | undefined;
  /** @internal */
  declare previous: ScopeInstance | undefined;
  /** @internal */
  declare next: ScopeInstance | undefined;
  /** Whether it was given what is somebody's, and not noted as that so far. */
  declare private holdsGiven: boolean;

  /** @internal Use `container.createScope`. */
  constructor(
    context: ScopeContext,
    level: Level,
    givenValues: readonly ValueProvider[],
    outer: ScopeInstance | undefined,
  ) {
    this.context = context;
    this.level = level;
    this.givenValues = givenValues;
    this.outer = outer;
    this.cells = undefined;
    this.maker = undefined;
    this.passing = undefined;
    this.runs = undefined;
    this.signalled = undefined;
    this.ownDisposal = undefined;
    this.holding = undefined;
    this.knownHome = undefined;
    this.disposing = undefined;
    this.told = undefined;
    this.waiting = undefined;
    this.ownWaits = undefined;
    this.inner = undefined;
    this.list = undefined;
    this.previous = undefined;
    this.next = undefined;
    this.holdsGiven = givenValues.length > 0 && context.values.own(givenValues);
    if (outer !== undefined) (outer.inner ??= new LinkedList<ScopeInstance>()).add(this);
    else context.engine.owned.join(this);
  }

  /** @internal Likewise what the scopes in it hold: only the container's is known as a holder. */
  noteHeld(held: HeldClass): void {
    const scopes: ScopeInstance[] = [this];
    // A list that grows while it is walked: they may be nested deeper than the stack.
    for (const scope of scopes) {
      if (scope.holdsGiven) this.context.values.ownAll(scope.givenValues);
      if (scope.holding !== undefined) scope.makeEntries();
      scope.ownDisposal?.noteHeld(held);
      for (const inner of scope.inner?.all ?? none) scopes.push(inner);
    }
  }

  /** @internal */
  get executor(): Executor {
    return this.context.engine.executor;
  }

  /** @internal */
  get splitter(): Splitter {
    return this.context.engine.splitter;
  }

  /** @internal */
  get disposals(): readonly Disposal[] {
    const around = this.keeperOf('request');
    return around === this ? [this.disposal] : [this.disposal, around.disposal];
  }

  /** @internal */
  disposalOf(owner: Scope): Disposal {
    return this.keeperOf(owner).disposal;
  }

  /**
   * @internal It is there: a plan that loads it was compiled for what the scope keeps, and loads come
   * in the same turn, before anything can be dropped.
   */
  kept(node: Node): Cell {
    return this.cellOf(node) as Cell;
  }

  /** @internal */
  keep(maker: Maker, { owners }: Plan): boolean {
    if (!this.keepsAlone(owners) || this.maker !== undefined || this.cells !== undefined)
      return false;
    this.maker = maker;
    return true;
  }

  /** @internal */
  forget(maker: Maker): void {
    if (this.maker === maker) this.maker = undefined;
  }

  /** @internal */
  claim({ node }: Step): Cell {
    const cell = new Cell(node.label);
    this.keeperOf(node.scope).knownCells().set(node, cell);
    return cell;
  }

  /** @internal */
  drop(node: Node, cell: Cell): void {
    const cells = this.keeperOf(node.scope).knownCells();
    if (cells.get(node) === cell) cells.delete(node);
  }

  /** @internal */
  lazy(target: Node, maker: Node | undefined, asker: Asker | undefined): () => Promise<unknown> {
    const around: Surroundings = {
      cellOf: (node) => this.context.peek(node) ?? this.keptCell(node),
      waitsOf: ({ scope }) =>
        scope === 'singleton' ? this.context.waits : this.keeperOf(scope).waits,
    };
    return lazily(maker, asker, target, around, (node, by) => this.resolveFor(node, by));
  }

  /** @internal */
  offload(step: Step, node: OffloadedNode, run: RunLink): object {
    return offload(node, this.keeperOf(step.owner).home, run);
  }

  /** @internal */
  remake(node: Node): Promise<unknown> {
    return this.resolveNode(node);
  }

  /** @internal Whether the scope keeps the value of a node, or is making it. */
  has(node: Node): boolean {
    return this.cellOf(node) !== undefined;
  }

  /** @internal */
  noteRun(run: Run): void {
    (this.runs ??= new LinkedList<Run>()).add(run);
    run.whenEnded(this);
  }

  /** @internal */
  runEnded(run: Run): void {
    this.runs?.remove(run);
    if (run.hasSignal) this.noteSignalled(run);
  }

  private get disposal(): Disposal {
    return this.ownDisposal ?? this.makeEntries();
  }

  /** @internal */
  hold(pass: StraightPass): boolean {
    const isFirst = this.holding === undefined && this.ownDisposal === undefined;
    if (!isFirst || currentFlow() !== undefined) return false;
    this.holding = pass;
    return true;
  }

  /** @internal */
  get position(): number {
    if (this.holding !== undefined) return this.makeEntries().position;
    return this.ownDisposal?.position ?? 0;
  }

  /** @internal */
  makeEntries(): Disposal {
    const { engine } = this.context;
    const { holding } = this;
    const disposal = (this.ownDisposal ??= new Disposal(engine.teardownTimeout, engine.owned));
    this.holding = undefined;
    holding?.handOver(disposal);
    return disposal;
  }

  private get waits(): Waits {
    return (this.ownWaits ??= new Waits());
  }

  /** Whether what has these owners is kept and disposed by this scope alone. */
  private keepsAlone(owners: ReadonlySet<Scope>): boolean {
    return this.level !== 'call' || !owners.has('request');
  }

  /** What it keeps, for who has not made it: whoever has, tells now. */
  private knownCells(): Map<Node, Cell> {
    const { passing, maker } = this;
    const cells = (this.cells ??= new Map<Node, Cell>());
    this.passing = this.maker = undefined;
    passing?.take();
    maker?.publish();
    return cells;
  }

  /**
   * Makes the value of a token, with everything that it needs; once per scope for what has scope
   * `request` or `call`, however many ask at the same time. A handler gets a scope for its call,
   * which ends before `resolve` does.
   * @throws what the provider that failed threw, itself (`errorPath` tells the way to it);
   * MissingProviderError; OutsideScopeError; InputError; DisposedError; the reason of `signal`.
   */
  resolve<T>(token: Token<T>, options?: ResolveOptions): Promise<T> {
    // No async function: where nothing is to be awaited, its promises cost more than all else.
    try {
      return this.ask(token, options) as Promise<T>;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * For adapters: as {@link resolve}, but tells a receiver, at the earliest when this has returned. Where a plan
   * waits for nothing but one promise after the other, it is told when the last one is there: by a promise it
   * would be so one later, with half a kilobyte of garbage.
   */
  settle(token: Token, receiver: Receiver, options?: ResolveOptions): void {
    let outcome: Promise<unknown> | undefined;
    try {
      outcome = this.ask(token, options, receiver);
    } catch (error) {
      outcome = Promise.reject(error);
    }
    if (outcome !== undefined) tell(outcome, receiver);
  }

  private ask(
    token: Token,
    options: ResolveOptions | undefined,
    receiver?: Receiver,
  ): Promise<unknown> | undefined {
    if (this.disposing !== undefined) throw new DisposedError('scope');
    if (options !== undefined) return this.askWith(token, options, receiver);
    const found = this.context.engine.look(token);
    const { straight: plan } = found;
    // What has been made so in another scope needs no look at its node.
    if (plan && this.isEmpty && isWithin(plan, this.level)) {
      const values = this.beginStraight(plan);
      if (values !== undefined) return this.goStraight(plan, values, receiver);
    }
    return this.askAnew(found, undefined, undefined, receiver);
  }

  private askWith(
    token: Token,
    options: ResolveOptions,
    receiver: Receiver | undefined,
  ): Promise<unknown> | undefined {
    checkResolveOptions(options);
    const signal = givenField(options, 'signal');
    const between = givenField(options, 'between');
    return this.askAnew(this.context.engine.look(token), signal, between, receiver);
  }

  private askAnew(
    found: Found,
    signal: AbortSignal | undefined,
    between: Between | undefined,
    receiver: Receiver | undefined,
  ): Promise<unknown> | undefined {
    const { engine } = this.context;
    const { node } = found;
    // Whether threads can reach its methods is told here rather than by the first call.
    const starting = node.kind === 'offloaded' ? engine.ready(node) : undefined;
    if (starting !== undefined) return this.resolveAfter(starting, node, signal, between);
    // Where something is kept already, that may be all that is wanted.
    if (found.straight === undefined && this.keepsNothing)
      found.straight = engine.straightPlan(node);
    return this.begin(node, signal, between, receiver);
  }

  // Apart from what is asked for all the time, as elsewhere here: a function inside of another one makes each
  // call of that one put what it has into a context, whether it comes to the function or not.

  private async resolveAfter(
    starting: Promise<unknown>,
    node: Node,
    signal: AbortSignal | undefined,
    between: Between | undefined,
  ): Promise<unknown> {
    await starting;
    return this.resolveNode(node, signal, between);
  }

  /**
   * Opens a scope for a call inside this one: it shares what has scope `request`, and has its own
   * values of scope `call`.
   * @param values - values for tokens that `scopeValues` declares, beside those of this scope.
   * @throws ScopeValueError for a value that was not declared; DisposedError.
   */
  createScope(values: readonly ValueProvider[] = none): ScopeInstance {
    if (this.disposing !== undefined) throw new DisposedError('scope');
    const given = values === none ? none : this.context.values.checked(values);
    const level = this.level === 'container' ? 'request' : 'call';
    return new ScopeInstance(this.context, level, given, this);
  }

  /**
   * Runs `body` in a scope of its own, as `createScope` opens it, and disposes that scope.
   * Generators see what `body` throws at their `yield`, and may throw another error in its place.
   * @returns what `body` returns.
   */
  async run<T>(
    body: (scope: ScopeInstance) => T | PromiseLike<T>,
    values?: readonly ValueProvider[],
  ): Promise<T> {
    // JavaScript may leave it out.
    if (typeof body !== 'function') {
      throw new DeclarationError(
        `run was given ${shown(body)} for the function to run.`,
        'Write run(async (scope) => …).',
      );
    }
    const scope = this.createScope(values);
    let result: T;
    try {
      result = await body(scope);
    } catch (error) {
      throw await scope.endAfter(error);
    }
    await scope.dispose();
    return result;
  }

  /**
   * Ends the scope: cancels what is being resolved in it, then disposes what was made for it, in
   * reverse order of creation, the scopes in it first. Calls after the first wait for the same end.
   * @param reason - why it ends early, such as a client that has gone: what is being resolved
   * rejects with it instead of a DisposedError, and generators see it at their `yield`.
   * @throws the error of a teardown, or an `AggregateError` of several; all are attempted.
   */
  dispose(reason?: unknown): Promise<void> {
    // A teardown asks as well: it waits for the same end.
    if (this.disposing === tearing) this.disposing = this.toldEnd();
    if (this.disposing !== undefined) return this.disposing;
    if (reason === undefined && this.isQuiet) return this.endAtOnce();
    return (this.disposing = this.endFor(reason));
  }

  private toldEnd(): Promise<void> {
    return new Promise((resolve) => (this.told = resolve));
  }

  private async endFor(reason: unknown): Promise<void> {
    const { failure, replaced, errors } = await this.end(
      reason === undefined ? undefined : { error: reason },
    );
    // Whoever gave the reason has it already.
    if (failure !== undefined && failure.error !== reason) {
      noteSuppressed(reason, hiddenBehind(reason, failure, replaced));
    }
    throwTeardownErrors(errors);
  }

  /**
   * For adapters: whether it has ended well, so that nobody needs to await what {@link dispose} returns,
   * which costs as much as to open a scope.
   */
  get hasEnded(): boolean {
    return this.disposing === done;
  }

  /**
   * Aborts each `AbortSignal` that was given out in this scope and those in it, also where making the
   * value is done: a stream that a handler has returned may wait for something that nobody wants any
   * more. The scope stays open; what is being resolved in it with such a signal sees it as well.
   */
  abort(reason: unknown): void {
    for (const scope of this.inner?.all ?? none) scope.abort(reason);
    for (const run of this.runs?.all ?? none) run.abortSignal(reason);
    for (const run of this.signalled ?? []) run.abortSignal(reason);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  /**
   * Ends the scope after a failure.
   * @param isTold - whether somebody has the error already: then others are noted in it.
   * @returns the error to go on with.
   */
  private async endAfter(error: unknown, isTold = false): Promise<unknown> {
    if (this.disposing !== undefined) return error;
    const ending = this.end({ error });
    this.disposing = ending.then(() => undefined);
    const { failure = { error }, replaced, errors } = await ending;
    if (isTold) {
      noteSuppressed(error, [...hiddenBehind(error, failure, replaced), ...errors]);
      return error;
    }
    noteSuppressed(failure.error, [...replaced, ...errors]);
    return failure.error;
  }

  private async end(failure: Failure | undefined) {
    // An error with its stack costs more than all else here: only where somebody gets it.
    let disposed: DisposedError | undefined;
    const reason = (): unknown =>
      failure === undefined ? (disposed ??= new DisposedError('scope')) : failure.error;
    // What waits is a run from now on, which can be cancelled.
    if (this.passing?.isWaiting === true) this.knownCells();
    for (const giveUp of this.waiting ?? none) giveUp(reason());
    // What is open inside ends for the same reason; its own failure is one for what it stands on.
    const open = this.inner?.all ?? none;
    const inner = await Promise.all(open.map((scope) => scope.endInside(failure)));
    const runs = this.runs?.all ?? none;
    for (const run of runs) run.cancel(reason());
    const errors = [...inner.flat(), ...(await this.disposal.settle(runs))];
    const [first] = errors;
    const seen = failure ?? (errors.length === 0 ? undefined : { error: first });
    const torn = await this.disposal.run(seen);
    const { replaced } = torn;
    // What is left behind may still hand on what was given.
    if (this.holdsGiven) this.context.values.ownAll(this.givenValues);
    this.leave();
    const faults = errorsOf(torn.faults);
    if (failure !== undefined)
      return { failure: torn.failure, replaced, errors: [...errors, ...faults] };
    // Nobody sees the failure but as one of the errors, or as what has taken the place of the first.
    noteSuppressed(torn.failure?.error, replaced);
    const others =
      seen !== undefined && replaced.includes(first)
        ? [torn.failure?.error, ...errors.slice(1)]
        : errors;
    return { failure: undefined, replaced: none, errors: [...others, ...faults] };
  }

  /** Whether nothing goes on in it, and nothing is open. */
  private get isQuiet(): boolean {
    return this.passing === undefined && this.isIdle;
  }

  /**
   * @internal The container is for all: who waits there is in the way of others. In a scope whoever comes while a
   * pass waits lets a run go on with it: that costs both, but hardly anybody does.
   */
  get isForOne(): boolean {
    return this.level !== 'container' && this.disposing === undefined && this.isIdle;
  }

  /** Whether nothing but a pass goes on in it. */
  private get isIdle(): boolean {
    return (
      (this.inner === undefined || this.inner.isEmpty) &&
      (this.runs === undefined || this.runs.isEmpty) &&
      (this.waiting === undefined || this.waiting.size === 0)
    );
  }

  /** Ends it where nothing is to be waited for but teardowns, and those only as far as they are async. */
  private endAtOnce(): Promise<void> {
    this.disposing = tearing;
    if (!this.tearDownHeld() || this.told !== undefined) return this.endTornDown();
    this.leave();
    return (this.disposing = done);
  }

  /** @returns whether there is nothing else to be torn down. */
  private tearDownHeld(): boolean {
    const { holding } = this;
    if (holding === undefined) return this.ownDisposal === undefined;
    return currentFlow() === undefined && holding.endHeld();
  }

  /** Ends what is left. */
  private endTornDown(): Promise<void> {
    const torn = this.disposal.end(undefined);
    const ending = torn instanceof Promise ? this.endTornLater(torn) : this.endTorn(torn);
    if (this.told === undefined) return (this.disposing = ending);
    this.told(ending);
    return this.disposing as Promise<void>;
  }

  private async endTornLater(torn: Promise<TornDown>): Promise<void> {
    return this.endTorn(await torn);
  }

  private endTorn({ failure, replaced, faults }: TornDown): Promise<void> {
    this.leave();
    noteSuppressed(failure?.error, replaced);
    return faults.length === 0 ? done : Promise.reject(joinErrors(errorsOf(faults)));
  }

  /** Forgets what it keeps, and is forgotten. */
  private leave(): void {
    this.cells = this.maker = this.holding = undefined;
    if (this.outer === undefined) this.context.engine.owned.leave(this);
    else this.list?.remove(this);
  }

  /** Ends together with the scope around it. @returns what went wrong. */
  private async endInside(failure: Failure | undefined): Promise<readonly unknown[]> {
    if (this.disposing === undefined && failure !== undefined) {
      const ending = this.end(failure);
      this.disposing = ending.then(() => undefined);
      const { failure: own, replaced, errors } = await ending;
      if (own !== undefined && own.error !== failure.error) {
        noteSuppressed(failure.error, hiddenBehind(failure.error, own, replaced));
      }
      return errors;
    }
    // Whoever disposes it already sees what goes wrong.
    if (this.disposing !== undefined) return this.dispose().then(noErrors, noErrors);
    return this.dispose().then(noErrors, (error: unknown) => [error]);
  }

  /** @internal For what holds a node already. */
  resolveNode(node: Node, signal?: AbortSignal, between?: Between): Promise<unknown> {
    try {
      return this.begin(node, signal, between) as Promise<unknown>;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** @internal As {@link resolveNode}. @param node - the kept value that waits for it, if that is known. */
  resolveFor(target: Node, node: Node | undefined): Promise<unknown> {
    if (node === undefined) return this.resolveNode(target);
    const asker: Asker = { node, isOver: false };
    const end = () => void (asker.isOver = true);
    try {
      const asked = this.begin(target, undefined, undefined, undefined, asker) as Promise<unknown>;
      asked.then(end, end);
      return asked;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * @param asker - who waits for it, if that is known.
   * @returns undefined where the receiver will be told, if there is one.
   */
  private begin(
    node: Node,
    signal?: AbortSignal,
    between?: Between,
    receiver?: Receiver,
    asker?: Asker,
  ): Promise<unknown> | undefined {
    if (this.disposing !== undefined) throw new DisposedError('scope');
    if (node.kind === 'value') return Promise.resolve(node.value);
    if (node.kind === 'given') return Promise.resolve(this.ownGiven(node.token));
    const cell = isKept(node) ? this.cellOf(node) : undefined;
    if (cell !== undefined) return this.take(node, cell, signal);
    const { engine } = this.context;
    const plan = this.keepsNothing ? engine.plan(node) : engine.planFor(node, this);
    const isHandler = node.kind === 'method' && node.handler;
    if (isHandler && this.level !== 'call' && plan.within === 'call') {
      return this.startInCall(plan, signal, between);
    }
    if (lacksScopeFor(plan, this.level)) throw outsideOf(plan, this.level);
    return this.start(plan, signal, between, receiver, asker);
  }

  private async startInCall(
    plan: Plan,
    signal: AbortSignal | undefined,
    between: Between | undefined,
  ): Promise<unknown> {
    if (this.level === 'container') throw outsideOf(plan, this.level);
    const call = this.createScope();
    let value: unknown;
    try {
      value = await call.start(plan, signal, between);
    } catch (error) {
      // A caller who has left does not wait for the end, nor one who has waited long enough; this
      // scope does.
      const isOver = signal?.aborted === true || error instanceof DeadlineError;
      const ending = call.endAfter(error, isOver);
      throw isOver ? error : await ending;
    }
    await call.dispose();
    return value;
  }

  /** The value of a cell; one that is still being made is waited for. */
  private take(node: Node, cell: Cell, signal?: AbortSignal): Promise<unknown> {
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    if (cell.outcome?.kind === 'made') {
      cell.shared = true;
      return Promise.resolve(cell.outcome.value);
    }
    return new Promise((accept, reject) => {
      let hasLeft = false;
      // Only this caller gives up: the value is made for others too.
      const giveUp = (error: unknown): void => {
        hasLeft = true;
        stopWaiting();
        reject(error);
      };
      const stopListening = onAbort(signal, giveUp);
      const stopWaiting = (): void => {
        this.waiting?.delete(giveUp);
        stopListening();
      };
      (this.waiting ??= new Set()).add(giveUp);
      cell.wait((outcome) => {
        if (hasLeft) return;
        stopWaiting();
        if (outcome.kind === 'made') accept(outcome.value);
        else if (outcome.kind === 'failed') reject(outcome.error);
        else accept(this.resolveNode(node, signal));
      });
    });
  }

  private start(
    plan: Plan,
    signal?: AbortSignal,
    between?: Between,
    receiver?: Receiver,
    asker?: Asker,
  ): Promise<unknown> | undefined {
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    if (signal === undefined) {
      const values = this.beginStraight(plan);
      if (values !== undefined) return this.goStraight(plan, values, receiver, asker);
    }
    return this.startRun(plan, signal, between, asker);
  }

  private startRun(
    plan: Plan,
    signal: AbortSignal | undefined,
    between: Between | undefined,
    asker: Asker | undefined,
  ): Promise<unknown> {
    if (this.passing !== undefined) this.knownCells();
    const run = new Run(plan, this, none, between);
    this.noteRun(run);
    if (signal !== undefined) run.whenEnded({ runEnded: run.heed(signal) });
    return run.start(asker);
  }

  /** @returns what a pass begins with; undefined if a run has to make it. */
  private beginStraight({ straight, owners }: Plan): unknown[] | undefined {
    if (straight === undefined || straight.isOver || isTraced()) return undefined;
    if (straight.waits && !(this.passing === undefined && this.isForOne)) return undefined;
    return this.keepsAlone(owners) ? straight.begin(this) : undefined;
  }

  private goStraight(
    plan: Plan,
    values: unknown[],
    receiver: Receiver | undefined,
    asker?: Asker,
  ): Promise<unknown> | undefined {
    // One that is further down the stack ends.
    if (this.passing !== undefined) this.knownCells();
    const pass = new StraightPass(plan, this, values);
    this.passing = pass;
    const outcome = pass.start(this.context.engine.owned, receiver, asker);
    // Its inputs were refused, which has made nothing to keep.
    if (this.passing === pass && !pass.isWaiting) this.passing = undefined;
    return outcome;
  }

  /** @internal */
  takePass(pass: StraightPass, plan: Plan): void {
    if (this.passing === pass) this.passing = undefined;
    if (plan.kept.length > 0 && !this.keep(pass, plan)) pass.publish();
  }

  /** @internal */
  handOn(pass: StraightPass, run: Run): void {
    if (this.passing === pass) this.passing = undefined;
    this.noteRun(run);
  }

  /** With the scope of the request: its calls end before it. A container's would be kept for ever. */
  private noteSignalled(run: Run): void {
    const { outer } = this;
    if (this.level === 'container') return;
    if (this.level === 'call' && outer !== undefined) outer.noteSignalled(run);
    else (this.signalled ??= []).push(run);
  }

  /** What the calls of offloaded methods belong to; made when the first such object is. */
  private get home(): Home {
    const { engine } = this.context;
    return (this.knownHome ??= {
      runScope: this,
      refuseEnded: () => {
        if (this.disposing === undefined) return;
        throw new DisposedError(this.level === 'container' ? 'container' : 'scope');
      },
      ready: (node) => engine.ready(node),
      plan: (node, method, hasSignal) => {
        const stored = { has: (each: Node) => this.cellOf(each)?.isLeft === false };
        return engine.planOfCall(node, method, hasSignal, stored);
      },
      newDisposal: () => new Disposal(engine.teardownTimeout, engine.owned),
      note: (run) => {
        const runs = (this.runs ??= new LinkedList<Run>());
        runs.add(run);
        run.whenEnded({ runEnded: () => runs.remove(run) });
      },
    });
  }

  /** @internal */
  given(node: GivenNode, plan: Plan, owner: Scope): unknown {
    // What the request keeps outlives a call, and what that was given with it.
    const isApart = this.level === 'call' && owner === 'request';
    const found = isApart ? undefined : this.findGiven(node.token);
    return found === undefined ? this.givenApart(node, plan, owner) : found.value;
  }

  private givenApart({ token, isOptional }: GivenNode, plan: Plan, owner: Scope): unknown {
    const { graph } = this.context.engine;
    const isForRequest = this.level === 'call' && owner === 'request' && !graph.isInternal(token);
    const found = (isForRequest ? this.keeperOf(owner) : this).findGiven(token);
    if (found !== undefined) return found.value;
    if (isOptional) return undefined;
    if (isForRequest && this.findGiven(token) !== undefined) throw onlyInCall(token, plan);
    throw graph.isInternal(token) ? onlyInRequest(token, plan) : notGiven(token);
  }

  private ownGiven(token: Token): unknown {
    const found = this.findGiven(token);
    if (found === undefined) throw notGiven(token);
    return found.value;
  }

  /** What it was given, or a scope around it. */
  private findGiven(token: Token): ValueProvider | undefined {
    const { givenValues, outer } = this;
    // Of two for one token the last one counts.
    for (let index = givenValues.length - 1; index >= 0; index--) {
      const given = givenValues[index] as ValueProvider;
      if (given.token === token) return given;
    }
    return outer?.findGiven(token);
  }

  private cellOf(node: Node): Cell | undefined {
    return node.scope === 'singleton' ? this.context.singleton(node) : this.keptCell(node);
  }

  /** @internal The cell of what is there or is being made, without a beginning to make it. */
  peek(node: Node): Cell | undefined {
    return node.scope === 'singleton' ? this.context.peek(node) : this.keptCell(node);
  }

  private keptCell(node: Node): Cell | undefined {
    const keeper = this.keeperOf(node.scope);
    return keeper.isEmpty ? undefined : keeper.knownCells().get(node);
  }

  /** Whether it keeps nothing, nor the scope around it. */
  private get keepsNothing(): boolean {
    return this.isEmpty && (this.level !== 'call' || this.keeperOf('request').isEmpty);
  }

  private get isEmpty(): boolean {
    return this.cells === undefined && this.maker === undefined && this.passing === undefined;
  }

  /** The scope that keeps values of a kind: of the request the outer one, all others its own. */
  private keeperOf(scope: Scope): ScopeInstance {
    const isInCall = this.level === 'call' && scope === 'request';
    return isInCall && this.outer !== undefined ? this.outer.keeperOf(scope) : this;
  }
}

const none: readonly never[] = [];

/** The end of a scope that is over. */
const done = Promise.resolve();

/** Stands for the end of a scope as long as its teardowns run that nothing is awaited for. */
const tearing = new Promise<void>(() => undefined);

/** What is noted in an error that somebody has, where generators have put others in its place. */
function hiddenBehind(
  error: unknown,
  { error: last }: Failure,
  replaced: readonly unknown[],
): readonly unknown[] {
  return [...replaced, last].filter((each) => each !== error);
}

function noErrors(): readonly unknown[] {
  return none;
}
