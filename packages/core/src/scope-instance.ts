/** One scope: it keeps the values of a request or call, and disposes what was made for it. */
import { Cell } from './cell.js';
import { Disposal, throwTeardownErrors, type Failure } from './disposal.js';
import type { Engine } from './engine.js';
import { refuseDeadlock } from './deadlock.js';
import { DisposedError, OutsideScopeError, ScopeValueError } from './errors.js';
import { errorsOf, noteSuppressed } from './error-path.js';
import { isKept, type LazyNode, type Node } from './node.js';
import type { Plan } from './plan.js';
import type { ValueProvider } from './provider.js';
import { Run, type RunScope } from './run.js';
import type { Scope } from './scope.js';
import { tokenName, type Token } from './token.js';

export interface ResolveOptions {
  /** Gives up when it is aborted: rejects with its reason at once. */
  readonly signal?: AbortSignal;
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
}

/**
 * Values that live as long as one request (or job, or message): made by `container.createScope`.
 * Inside of it a call (such as a transaction) has a scope of its own: `scope.createScope`.
 */
export class ScopeInstance implements AsyncDisposable {
  private readonly cells = new Map<Node, Cell>();
  private readonly runs = new Set<Run>();
  private readonly inner = new Set<ScopeInstance>();
  private readonly disposal: Disposal;
  private readonly runScope: RunScope;
  private disposing: Promise<void> | undefined;

  /** @internal Use `container.createScope`. */
  constructor(
    private readonly context: ScopeContext,
    private readonly level: 'container' | 'request' | 'call',
    private readonly givenValues: ReadonlyMap<Token, unknown>,
    /** The scope around it; undefined for the container's. */
    private readonly outer: ScopeInstance | undefined,
  ) {
    this.disposal = new Disposal(context.engine.teardownTimeout);
    outer?.inner.add(this);
    this.runScope = {
      disposals:
        this.keeperOf('request') === this
          ? [this.disposal]
          : [this.disposal, this.keeperOf('request').disposal],
      disposalOf: (owner) => this.keeperOf(owner).disposal,
      executor: context.engine.executor,
      given: (token) => this.given(token),
      // It is there: a plan that loads it was compiled for what the scope keeps, and loads come
      // in the same turn, before anything can be dropped.
      kept: (node) => this.cellOf(node) as Cell,
      claim: (node) => {
        const cell = new Cell(node.label);
        this.keeperOf(node.scope).cells.set(node, cell);
        return cell;
      },
      drop: (node, cell) => {
        const { cells } = this.keeperOf(node.scope);
        if (cells.get(node) === cell) cells.delete(node);
      },
      lazy: (node) => () => this.resolveLazily(node),
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
  async resolve<T>(token: Token<T>, { signal }: ResolveOptions = {}): Promise<T> {
    if (this.disposing !== undefined) throw new DisposedError('scope');
    return (await this.resolveNode(this.context.engine.find(token), signal)) as T;
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
   * @throws the error of a teardown, or an `AggregateError` of several; all are attempted.
   */
  dispose(): Promise<void> {
    this.disposing ??= this.end(undefined).then(({ errors }) => throwTeardownErrors(errors));
    return this.disposing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  private async resolveLazily(node: LazyNode): Promise<unknown> {
    if (this.disposing !== undefined) throw new DisposedError('scope');
    refuseDeadlock(node, (each) => this.context.peek(each) ?? this.keptCell(each));
    return this.resolveNode(node.target as Node);
  }

  /** Ends the scope after a failure. @returns the error to go on with. */
  private async endAfter(error: unknown): Promise<unknown> {
    if (this.disposing !== undefined) return error;
    const ending = this.end({ error });
    this.disposing = ending.then(() => undefined);
    const { failure, errors } = await ending;
    const outcome = failure === undefined ? error : failure.error;
    noteSuppressed(outcome, errors);
    return outcome;
  }

  private async end(failure: Failure | undefined) {
    const errors: unknown[] = [];
    await Promise.all(
      [...this.inner].map((scope) => scope.dispose().catch((error: unknown) => errors.push(error))),
    );
    const ended = [...this.runs].map((run) => run.ended);
    for (const run of this.runs) run.cancel(new DisposedError('scope'));
    await Promise.all(ended);
    const torn = await this.disposal.run(failure);
    this.cells.clear();
    this.outer?.inner.delete(this);
    return { failure: torn.failure, errors: [...errors, ...errorsOf(torn.faults)] };
  }

  /** @internal For what holds a node already. */
  async resolveNode(node: Node, signal?: AbortSignal): Promise<unknown> {
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
      return this.start(plan, signal);
    }
    if (this.level === 'container') this.refuseOutside(plan);
    const call = this.createScope();
    // When it fails, the run has torn down what it made, and thrown its error in.
    const value = await call.start(plan, signal).catch(async (error: unknown) => {
      throw await call.endAfter(error);
    });
    await call.dispose();
    return value;
  }

  /** The value of a cell; one that is still being made is waited for. */
  private take(node: Node, cell: Cell, signal?: AbortSignal): Promise<unknown> {
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    return new Promise((accept, reject) => {
      // Only this caller gives up: the value is made for others too.
      const giveUp = (): void => reject(signal?.reason as Error);
      signal?.addEventListener('abort', giveUp, { once: true });
      cell.wait((outcome) => {
        signal?.removeEventListener('abort', giveUp);
        if (outcome.kind === 'made') accept(outcome.value);
        else if (outcome.kind === 'failed') reject(outcome.error);
        else accept(this.resolveNode(node, signal));
      });
    });
  }

  private start(plan: Plan, signal?: AbortSignal): Promise<unknown> {
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    const run = new Run(plan, this.runScope);
    this.runs.add(run);
    const cancel = (): void => run.cancel(signal?.reason);
    signal?.addEventListener('abort', cancel, { once: true });
    const outcome = run.start();
    void run.ended.then(() => {
      this.runs.delete(run);
      signal?.removeEventListener('abort', cancel);
    });
    return outcome;
  }

  private given(token: Token): unknown {
    if (this.givenValues.has(token)) return this.givenValues.get(token);
    if (this.outer !== undefined) return this.outer.given(token);
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
