/** The container: what users hold. It owns the graph, the singletons and the executor. */
import { defaultTeardownTimeout, throwTeardownErrors, type Failure } from './disposal.js';
import { Engine } from './engine.js';
import { DeclarationError, DisposedError } from './errors.js';
import { noteSuppressed } from './error-path.js';
import { explainPlan, explainStart } from './explain.js';
import type { GraphData } from './graph-data.js';
import type { Node } from './node.js';
import { placementOf } from './placement.js';
import type { Provider, ValueProvider } from './provider.js';
import type { ParameterSource } from './record.js';
import type { Placement } from './scope.js';
import { ScopeInstance, type ResolveOptions } from './scope-instance.js';
import { Singletons } from './singletons.js';
import { inThread, park } from './thread-context.js';
import { createExecutor, type ThreadOptions } from './threads/create-executor.js';
import type { ThreadFigures } from './threads/executor.js';
import type { Token } from './token.js';

export interface ContainerOptions {
  /**
   * Classes that hold `@Provides` methods or handlers, `value(…)` and `alias(…)`. `@Injectable`
   * classes need not be listed; listing one makes it at start.
   */
  readonly providers?: readonly Provider[];
  /** Replaces providers of the same tokens; for tests. What is replaced is not made. */
  readonly overrides?: readonly Provider[];
  /** Tokens whose values `createScope` is given, such as a request. */
  readonly scopeValues?: readonly Token[];
  readonly threads?: ThreadOptions;
  /** URLs of modules that threads import first, for code that a bundler has moved. */
  readonly modules?: readonly string[];
  /** How long one teardown may take before it is left behind, in milliseconds. Default 10,000. */
  readonly teardownTimeout?: number;
}

const optionNames: ReadonlySet<string> = new Set<keyof ContainerOptions>([
  'providers',
  'overrides',
  'scopeValues',
  'threads',
  'modules',
  'teardownTimeout',
]);

export class Container implements AsyncDisposable {
  private readonly singletons: Singletons;
  /** Owns what is resolved from the container itself, and holds the scopes that are open. */
  private readonly root: ScopeInstance;
  private disposing: Promise<void> | undefined;

  private constructor(
    private readonly engine: Engine,
    declared: ReadonlySet<Token>,
  ) {
    const singletons = new Singletons(engine, (node) => this.root.resolveNode(node));
    this.singletons = singletons;
    const context = {
      engine,
      declared,
      singleton: (node: Node) => singletons.cell(node),
      peek: (node: Node) => singletons.peek(node),
      waits: singletons.waits,
    };
    this.root = new ScopeInstance(context, 'container', new Map(), undefined);
  }

  /**
   * Builds the graph, checks it as a whole, starts the threads if some provider needs them, and
   * makes the singletons that are not lazy, concurrently, in topological order.
   *
   * In a worker thread it never returns: a file that declares providers and starts a program is
   * imported there for its declarations only.
   * @throws GraphError with all problems at once; ThreadStartError; what a singleton threw.
   */
  static async create(options: ContainerOptions = {}): Promise<Container> {
    if (inThread()) return park();
    checkOptions(options);
    const {
      providers = [],
      overrides = [],
      scopeValues = [],
      threads = {},
      modules = [],
      teardownTimeout = defaultTeardownTimeout,
    } = options;
    const executor = createExecutor(threads, teardownTimeout);
    let engine: Engine;
    try {
      const input = { providers, overrides, scopeValues };
      engine = await Engine.create(input, executor, modules, teardownTimeout);
    } catch (error) {
      await executor.dispose();
      throw error;
    }
    const container = new Container(engine, new Set(scopeValues));
    await container.makeEager();
    return container;
  }

  /**
   * Opens a scope for one request, job or message. Dispose it when that is over.
   * @param values - values for tokens that `scopeValues` declares.
   * @throws ScopeValueError for a value that was not declared; DisposedError.
   */
  createScope(values: readonly ValueProvider[] = []): ScopeInstance {
    if (this.disposing !== undefined) throw new DisposedError('container');
    return this.root.createScope(values);
  }

  /**
   * Runs `body` in a scope of its own and disposes it: as {@link ScopeInstance.run}.
   * @returns what `body` returns.
   */
  async run<T>(
    body: (scope: ScopeInstance) => T | PromiseLike<T>,
    values?: readonly ValueProvider[],
  ): Promise<T> {
    if (this.disposing !== undefined) throw new DisposedError('container');
    return this.root.run(body, values);
  }

  /**
   * Makes the value of a token, or gives the one that exists.
   * @throws OutsideScopeError if it needs a scope; otherwise as {@link ScopeInstance.resolve}.
   */
  async resolve<T>(token: Token<T>, options?: ResolveOptions): Promise<T> {
    if (this.disposing !== undefined) throw new DisposedError('container');
    return this.root.resolve(token, options);
  }

  /**
   * Says in text how a token is made: the steps in order, the scope and placement of each, and
   * which share one trip to a thread, and the critical path.
   * @param token - left out, it says which singletons are made at start, in which order, and where.
   */
  explain(token?: Token): string {
    const { engine } = this;
    if (token === undefined) return explainStart(engine.eager, (node) => engine.plan(node));
    return explainPlan(this.engine.plan(this.engine.find(token)));
  }

  /**
   * The graph as plain frozen data: every provider and what it needs. A picture of this moment:
   * a class that nobody listed joins the graph when it is first asked for.
   */
  get graph(): GraphData {
    return this.engine.data;
  }

  /** For adapters: all parameters in the plan of a token that are read from scope values. */
  inputs(token: Token): readonly ParameterSource[] {
    return this.engine.plan(this.engine.find(token)).inputs.map(({ node }) => node.source);
  }

  /** Where the provider of a token runs. */
  placement(token: Token): Placement {
    return placementOf(this.engine.find(token));
  }

  /** Figures of the threads since the start. */
  get threads(): ThreadFigures {
    return this.engine.executor.figures;
  }

  /**
   * Ends everything: live scopes, then singletons in reverse order of creation, then the threads.
   * Calls after the first wait for the same end.
   * @throws the error of a teardown, or an `AggregateError` of several; all are attempted.
   */
  dispose(): Promise<void> {
    this.disposing ??= this.end().then(throwTeardownErrors);
    return this.disposing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  private async makeEager(): Promise<void> {
    const making = this.engine.eager.map((node) => this.singletons.make(node));
    try {
      await Promise.all(making);
    } catch (error) {
      // The others are told, and waited for; what they throw because of that is no failure.
      const ending = this.end({ error });
      this.disposing = ending.then(() => undefined);
      const errors = (await Promise.allSettled(making)).flatMap((outcome): unknown[] =>
        outcome.status === 'rejected' && !(outcome.reason instanceof DisposedError)
          ? [outcome.reason]
          : [],
      );
      const [first = error, ...others] = new Set(errors);
      noteSuppressed(first, [...others, ...(await ending)]);
      throw first;
    }
  }

  /** @returns what the teardowns threw. */
  private async end(failure?: Failure): Promise<readonly unknown[]> {
    const errors: unknown[] = [];
    await this.root.dispose().catch((error: unknown) => errors.push(error));
    errors.push(...(await this.singletons.dispose(failure)));
    await this.engine.executor.dispose();
    return errors;
  }
}

function checkOptions(options: ContainerOptions): void {
  const unknown = Object.keys(options).find((name) => !optionNames.has(name));
  if (unknown !== undefined) {
    throw new DeclarationError(
      `Container.create has no option "${unknown}".`,
      `Its options are ${[...optionNames].join(', ')}.`,
    );
  }
  for (const name of ['providers', 'overrides', 'scopeValues', 'modules'] as const) {
    const list: unknown = options[name];
    if (list !== undefined && !Array.isArray(list)) {
      throw new DeclarationError(
        `\`${name}\` of Container.create is not an array.`,
        `Write ${name}: [ … ].`,
      );
    }
  }
}
