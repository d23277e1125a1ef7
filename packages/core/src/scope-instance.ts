/** One scope: it keeps the values of a request or call, and disposes what was made for it. */
import { Cell } from './cell.js';
import { Disposal, throwTeardownErrors, type Failure } from './disposal.js';
import type { Engine } from './engine.js';
import { lazily, Waits, type Surroundings } from './deadlock.js';
import {
  DeadlineError,
  DeclarationError,
  DisposedError,
  OutsideScopeError,
  ScopeValueError,
} from './errors.js';
import { errorsOf, noteSuppressed } from './error-path.js';
import { isKept, type Node } from './node.js';
import { onAbort } from './on-abort.js';
import type { Plan } from './plan.js';
import { refuseUnknownOptions, shown } from './misuse.js';
import { offload, type Home } from './offload.js';
import { givenField } from './own.js';
import { ValueProvider } from './provider.js';
import { Run, type Between, type RunScope } from './run.js';
import type { Scope } from './scope.js';
import { tokenName, type Token } from './token.js';

export interface ResolveOptions {
  /** Gives up when it is aborted: rejects with its reason at once. */
  readonly signal?: AbortSignal;
  /**
   * For adapters: is called, and awaited, when what is made `before` a handler is there, if parameters are
   * read after that: it may get what they are read from. Deadlines do not run meanwhile; what it throws
   * ends the plan as an error of the handler does.
   */
  readonly between?: Between;
}

/** What a scope needs of its container. */
export interface ScopeContext {
  readonly engine: Engine;
  /** Tokens for which scopes may be given values. */
  readonly declared: ReadonlySet<Token>;
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
export class ScopeInstance implements AsyncDisposable {
  private readonly cells = new Map<Node, Cell>();
  private readonly runs = new Set<Run>();
  private readonly inner = new Set<ScopeInstance>();
  /** Runs that have ended, and whose signals what they made may still hold. */
  private signalled: Run[] | undefined;
  private readonly disposal: Disposal;
  private readonly runScope: RunScope;
  private knownHome: Home | undefined;
  private disposing: Promise<void> | undefined;
  /** Told when the scope is disposed: callers who wait for what others make. */
  private readonly waiting = new Set<(error: unknown) => void>();
  private readonly waits = new Waits();
  private readonly around: Surroundings = {
    cellOf: (node) => this.context.peek(node) ?? this.keptCell(node),
    waitsOf: ({ scope }) =>
      scope === 'singleton' ? this.context.waits : this.keeperOf(scope).waits,
  };

  /** @internal Use `container.createScope`. */
  constructor(
    private readonly context: ScopeContext,
    private readonly level: 'container' | 'request' | 'call',
    private readonly givenValues: ReadonlyMap<Token, unknown>,
    /** The scope around it; undefined for the container's. */
    private readonly outer: ScopeInstance | undefined,
  ) {
    this.disposal = new Disposal(context.engine.teardownTimeout, context.engine.owned);
    for (const given of givenValues.values()) context.engine.disown(given);
    outer?.inner.add(this);
    this.runScope = {
      disposals:
        this.keeperOf('request') === this
          ? [this.disposal]
          : [this.disposal, this.keeperOf('request').disposal],
      disposalOf: (owner) => this.keeperOf(owner).disposal,
      executor: context.engine.executor,
      splitter: context.engine.splitter,
      given: (token, plan) => this.given(token, plan),
      // It is there: a plan that loads it was compiled for what the scope keeps, and loads come
      // in the same turn, before anything can be dropped.
      kept: (node) => this.cellOf(node) as Cell,
      claim: ({ node }) => {
        const cell = new Cell(node.label);
        this.keeperOf(node.scope).cells.set(node, cell);
        return cell;
      },
      drop: (node, cell) => {
        const { cells } = this.keeperOf(node.scope);
        if (cells.get(node) === cell) cells.delete(node);
      },
      lazy: (target, maker) => lazily(maker, target, this.around, (node) => this.resolveNode(node)),
      offload: (step, node, run) => offload(node, this.keeperOf(step.owner).home, run),
      remake: (node) => this.resolveNode(node),
    };
  }

  /**
   * Makes the value of a token, with everything that it needs; once per scope for what has scope
   * `request` or `call`, however many ask at the same time. A handler gets a scope for its call,
   * which ends before `resolve` does.
   * @throws what the provider that failed threw, itself (`errorPath` tells the way to it);
   * MissingProviderError; OutsideScopeError; InputError; DisposedError; the reason of `signal`.
   */
  async resolve<T>(token: Token<T>, options?: ResolveOptions): Promise<T> {
    if (this.disposing !== undefined) throw new DisposedError('scope');
    if (options !== undefined) checkResolveOptions(options);
    const signal = options && givenField(options, 'signal');
    const between = options && givenField(options, 'between');
    const node = this.context.engine.find(token);
    // Whether threads can reach its methods is told here rather than by the first call.
    if (node.kind === 'offloaded') await this.context.engine.ready(node);
    return (await this.resolveNode(node, signal, between)) as T;
  }

  /**
   * Opens a scope for a call inside this one: it shares what has scope `request`, and has its own
   * values of scope `call`.
   * @param values - values for tokens that `scopeValues` declares, beside those of this scope.
   * @throws ScopeValueError for a value that was not declared; DisposedError.
   */
  createScope(values: readonly ValueProvider[] = []): ScopeInstance {
    if (this.disposing !== undefined) throw new DisposedError('scope');
    const given = givenValues(values, this.context.declared);
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
    const failure = reason === undefined ? undefined : { error: reason };
    this.disposing ??= this.end(failure).then(({ failure: seen, errors }) => {
      // Whoever gave the reason has it already.
      if (seen !== undefined && seen.error !== reason) noteSuppressed(reason, [seen.error]);
      throwTeardownErrors(errors);
    });
    return this.disposing;
  }

  /**
   * Aborts each `AbortSignal` that was given out in this scope and those in it, also where making the
   * value is done: a stream that a handler has returned may wait for something that nobody wants any
   * more. The scope stays open; what is being resolved in it with such a signal sees it as well.
   */
  abort(reason: unknown): void {
    for (const scope of this.inner) scope.abort(reason);
    for (const run of this.runs) run.abortSignal(reason);
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
    const { failure, errors } = await ending;
    const outcome = failure === undefined ? error : failure.error;
    if (isTold) {
      noteSuppressed(error, outcome === error ? errors : [outcome, ...errors]);
      return error;
    }
    if (outcome !== error) noteSuppressed(outcome, [error]);
    noteSuppressed(outcome, errors);
    return outcome;
  }

  private async end(failure: Failure | undefined) {
    // An error with its stack costs more than all else here: only where somebody gets it.
    let disposed: DisposedError | undefined;
    const reason = (): unknown =>
      failure === undefined ? (disposed ??= new DisposedError('scope')) : failure.error;
    for (const giveUp of this.waiting) giveUp(reason());
    // What is open inside ends for the same reason; its own failure is one for what it stands on.
    const inner = await Promise.all([...this.inner].map((scope) => scope.endInside(failure)));
    const runs = [...this.runs];
    for (const run of runs) run.cancel(reason());
    const errors = [...inner.flat(), ...(await this.disposal.settle(runs))];
    const [first] = errors;
    const seen = failure ?? (errors.length === 0 ? undefined : { error: first });
    const torn = await this.disposal.run(seen);
    this.cells.clear();
    this.outer?.inner.delete(this);
    return {
      failure: failure === undefined ? undefined : torn.failure,
      errors: [...errors, ...errorsOf(torn.faults)],
    };
  }

  /** Ends together with the scope around it. @returns what went wrong. */
  private async endInside(failure: Failure | undefined): Promise<readonly unknown[]> {
    if (this.disposing === undefined && failure !== undefined) {
      const ending = this.end(failure);
      this.disposing = ending.then(() => undefined);
      return (await ending).errors;
    }
    // Whoever disposes it already sees what goes wrong.
    if (this.disposing !== undefined) return this.disposing.then(none, none);
    return this.dispose().then(none, (error: unknown) => [error]);
  }

  /** @internal For what holds a node already. */
  async resolveNode(node: Node, signal?: AbortSignal, between?: Between): Promise<unknown> {
    if (this.disposing !== undefined) throw new DisposedError('scope');
    if (node.kind === 'value') return node.value;
    if (node.kind === 'given') return this.given(node.token);
    const cell = isKept(node) ? this.cellOf(node) : undefined;
    if (cell !== undefined) return this.take(node, cell, signal);
    const stored = { has: (each: Node) => this.cellOf(each) !== undefined };
    const plan = this.context.engine.planFor(node, stored);
    const hasCall = this.level === 'call';
    const isHandler = node.kind === 'method' && node.handler;
    if (!isHandler || hasCall || !plan.scopes.has('call')) {
      this.refuseOutside(plan);
      return this.start(plan, signal, between);
    }
    if (this.level === 'container') this.refuseOutside(plan);
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
        this.waiting.delete(giveUp);
        stopListening();
      };
      this.waiting.add(giveUp);
      cell.wait((outcome) => {
        if (hasLeft) return;
        stopWaiting();
        if (outcome.kind === 'made') accept(outcome.value);
        else if (outcome.kind === 'failed') reject(outcome.error);
        else accept(this.resolveNode(node, signal));
      });
    });
  }

  private start(plan: Plan, signal?: AbortSignal, between?: Between): Promise<unknown> {
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    const run = new Run(plan, this.runScope, [], between);
    this.runs.add(run);
    const stopListening = run.heed(signal);
    const outcome = run.start();
    void run.ended.then(() => {
      this.runs.delete(run);
      if (run.hasSignal) this.noteSignalled(run);
      stopListening();
    });
    return outcome;
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
      runScope: this.runScope,
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
        this.runs.add(run);
        void run.ended.then(() => this.runs.delete(run));
      },
    });
  }

  private given(token: Token, plan?: Plan): unknown {
    if (this.givenValues.has(token)) return this.givenValues.get(token);
    if (this.outer !== undefined) return this.outer.given(token, plan);
    if (plan !== undefined && this.context.engine.graph.isInternal(token)) {
      throw onlyInRequest(token, plan);
    }
    throw new ScopeValueError(
      `The scope was created without a value for "${tokenName(token)}".`,
      `Give it one: createScope([value(${tokenName(token)}, …)]).`,
    );
  }

  private cellOf(node: Node): Cell | undefined {
    return node.scope === 'singleton' ? this.context.singleton(node) : this.keptCell(node);
  }

  private keptCell(node: Node): Cell | undefined {
    return this.keeperOf(node.scope).cells.get(node);
  }

  /** The scope that keeps values of a kind: of the request the outer one, all others its own. */
  private keeperOf(scope: Scope): ScopeInstance {
    const isInCall = this.level === 'call' && scope === 'request';
    return isInCall && this.outer !== undefined ? this.outer.keeperOf(scope) : this;
  }

  /** Refuses to make what lives in a scope that is not open. */
  private refuseOutside({ scopes, steps, target, root }: Plan): void {
    const missing =
      this.level === 'container' && scopes.has('request')
        ? 'request'
        : this.level !== 'call' && scopes.has('call')
          ? 'call'
          : undefined;
    if (missing === undefined) return;
    const step = steps.find(({ node }) => node.scope === missing) ?? root;
    const path = step === root ? [target.label] : [target.label, step.node.label];
    throw new OutsideScopeError(step.node.label, missing, path);
  }
}

/** The values that a scope was given, checked against what was declared for scopes. */
function givenValues(
  values: readonly ValueProvider[],
  declared: ReadonlySet<Token>,
): ReadonlyMap<Token, unknown> {
  const list: unknown = values;
  if (!Array.isArray(list)) {
    throw new DeclarationError(
      `createScope was given ${shown(list)}, which is no array of values.`,
      'Write createScope([value(Token, theValue)]).',
    );
  }
  for (const given of values as readonly unknown[]) {
    if (given instanceof ValueProvider) continue;
    throw new DeclarationError(
      `createScope was given ${typeof given === 'object' ? 'an object' : `a ${typeof given}`} that is no value(token, …).`,
      'Write createScope([value(Token, theValue)]).',
    );
  }
  for (const { token } of values) {
    if (!declared.has(token)) {
      throw new ScopeValueError(
        `The scope was given a value for "${tokenName(token)}", which was not declared.`,
        `Declare it: Container.create({ scopeValues: [${tokenName(token)}] }).`,
      );
    }
  }
  return new Map(values.map(({ token, value }) => [token, value]));
}

function none(): readonly unknown[] {
  return [];
}

/** @throws DeclarationError for an option that does not exist. */
function checkResolveOptions(options: ResolveOptions): void {
  if (options instanceof AbortSignal) {
    throw new DeclarationError(
      'resolve was given an AbortSignal for its options.',
      'Write resolve(theToken, { signal }).',
    );
  }
  refuseUnknownOptions('resolve', options, ['signal', 'between']);
}

/** What reads from a request was asked for in a scope that is of none. */
function onlyInRequest(token: Token, { steps }: Plan): ScopeValueError {
  const wants = (index: number) => steps.find(({ needs }) => needs.includes(index));
  const given = steps.find(({ node }) => node.kind === 'given' && node.token === token);
  const reader = given === undefined ? undefined : wants(given.index);
  const isRead = reader?.node.kind === 'input';
  const owner = isRead ? reader.node.owner : (reader?.node.label ?? tokenName(token));
  const what = isRead ? `reads ${reader.node.label}` : `asks for ${tokenName(token)}`;
  return new ScopeValueError(
    `${owner} ${what}, which only a request has, and this scope is not that of one.`,
    `Let a request ask for it (in tests app.inject), or override ${owner}.`,
  );
}
