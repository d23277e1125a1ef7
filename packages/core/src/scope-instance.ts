/** One scope: it keeps the values of a request, and disposes what was made for it. */
import { Cell } from './cell.js';
import { Disposal, throwTeardownErrors } from './disposal.js';
import type { Engine } from './engine.js';
import { DisposedError, OutsideScopeError, ScopeValueError } from './errors.js';
import { isKept, type Node } from './graph.js';
import type { Plan } from './plan.js';
import type { ValueProvider } from './provider.js';
import { Run, type RunScope } from './run.js';
import { tokenName, type Token } from './token.js';

export interface ResolveOptions {
  /** Gives up when it is aborted: rejects with its reason at once. */
  readonly signal?: AbortSignal;
}

/** Where a scope finds the values that outlive it. */
export interface ScopeParent {
  /** The cell of a singleton, made or being made. */
  singleton(node: Node): Cell;
  /** Forgets a scope that has been disposed. */
  closed(scope: ScopeInstance): void;
}

/** Values that live as long as one request (or job, or message). Made by `container.createScope`. */
export class ScopeInstance implements AsyncDisposable {
  private readonly cells = new Map<Node, Cell>();
  private readonly runs = new Set<Run>();
  private readonly disposal = new Disposal();
  private readonly runScope: RunScope;
  private disposing: Promise<void> | undefined;

  /** @internal Use `container.createScope`. */
  constructor(
    private readonly engine: Engine,
    private readonly parent: ScopeParent,
    private readonly givenValues: ReadonlyMap<Token, unknown>,
  ) {
    this.runScope = {
      disposal: this.disposal,
      executor: engine.executor,
      given: (token) => this.given(token),
      kept: (node) => this.kept(node),
      claim: (node) => this.claim(node),
      drop: (node, cell) => {
        if (this.cells.get(node) === cell) this.cells.delete(node);
      },
      remake: (node) => this.resolveNode(node),
    };
  }

  /**
   * Makes the value of a token, with everything that it needs; once per scope for what has scope
   * `request`, however many ask at the same time.
   * @throws what the provider that failed threw, itself ({@link errorPath} tells the way to it);
   * MissingProviderError; InputError; DisposedError; the reason of `signal`.
   */
  async resolve<T>(token: Token<T>, { signal }: ResolveOptions = {}): Promise<T> {
    if (this.disposing !== undefined) throw new DisposedError('scope');
    return (await this.resolveNode(this.engine.find(token), signal)) as T;
  }

  /**
   * Ends the scope: cancels what is being resolved in it, then disposes what was made for it, in
   * reverse order of creation. Calls after the first wait for the same end.
   * @throws the error of a teardown, or an `AggregateError` of several; all are attempted.
   */
  dispose(): Promise<void> {
    this.disposing ??= this.end();
    return this.disposing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  private async end(): Promise<void> {
    this.parent.closed(this);
    const ended = [...this.runs].map((run) => run.ended);
    for (const run of this.runs) run.cancel(new DisposedError('scope'));
    await Promise.all(ended);
    const errors = await this.disposal.run();
    this.cells.clear();
    throwTeardownErrors(errors);
  }

  private resolveNode(node: Node, signal?: AbortSignal): Promise<unknown> {
    if (node.kind === 'value') return Promise.resolve(node.value);
    if (node.kind === 'given') return Promise.resolve(this.given(node.token));
    if (isKept(node)) {
      const cell = node.scope === 'singleton' ? this.parent.singleton(node) : this.cells.get(node);
      if (cell !== undefined) return this.take(node, cell, signal);
    }
    return this.run(this.engine.planFor(node, this.cells), signal);
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

  private run(plan: Plan, signal?: AbortSignal): Promise<unknown> {
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
    if (!this.givenValues.has(token)) {
      throw new ScopeValueError(
        `The scope was created without a value for "${tokenName(token)}".`,
        `Give it one: createScope([value(${tokenName(token)}, …)]).`,
      );
    }
    return this.givenValues.get(token);
  }

  private kept(node: Node): Cell {
    if (node.scope === 'singleton') return this.parent.singleton(node);
    // It is there: a plan that loads it was compiled for what the scope keeps, and loads come in
    // the same turn, before anything can be dropped.
    return this.cells.get(node) as Cell;
  }

  private claim(node: Node): Cell {
    const cell = new Cell(node.label);
    this.cells.set(node, cell);
    return cell;
  }
}

/** The values that a scope was given, checked against what was declared for scopes. */
export function givenValues(
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

/** Refuses to make from the container what needs a scope. */
export function refuseOutsideScope(plan: Plan): void {
  const scoped = plan.steps.find(({ node }) => node.scope === 'request');
  if (scoped !== undefined) {
    throw new OutsideScopeError(
      scoped.node.label,
      scoped === plan.root ? [scoped.node.label] : [plan.target.label, scoped.node.label],
    );
  }
}
