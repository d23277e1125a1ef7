/** The container: what users hold. It owns the graph, the singletons and the executor. */
import { defaultTeardownTimeout, throwTeardownErrors, type Failure } from './disposal.js';
import { Engine, type EngineOptions, type GraphCheck } from './engine.js';
import { checkDeadline } from './decorators.js';
import { DeadlineError, DeclarationError, DisposedError, StartTimeoutError } from './errors.js';
import { counterparts } from './inheritance.js';
import { refuseUnknownOptions, shown } from './misuse.js';
import { noteSuppressed } from './error-path.js';
import { explainStart } from './explain.js';
import type { GraphData } from './graph-data.js';
import type { Node } from './node.js';
import { bare, own } from './own.js';
import { loop, sideOf } from './placement.js';
import { ValueProvider, type Provider } from './provider.js';
import type { ParameterSource } from './record.js';
import { defaultGroup, type Placement } from './scope.js';
import type { ResolveOptions } from './resolve-options.js';
import { ScopeInstance } from './scope-instance.js';
import { ScopeValues } from './scope-values.js';
import { Singletons, type SingletonBase } from './singletons.js';
import { inThread, park } from './thread-context.js';
import type { ThreadOptions } from './threads/create-executor.js';
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
  /**
   * How long the singletons that are made at start may take together, in milliseconds. Default
   * 30,000.
   */
  readonly startTimeout?: number;
  /**
   * How long each provider and handler that has no `deadline` of its own may take, in milliseconds, and
   * each constructor of a class that is made in a thread. Default: as long as it likes.
   */
  readonly deadline?: number;
  /**
   * For adapters: what is made before a handler, by the handler's token, for its effect: one after the
   * other, each with all that it needs, before any other step of the handler's plan starts, and before
   * parameters are read that they do not need.
   */
  readonly before?: ReadonlyMap<Token, readonly Token[]>;
  /** For adapters: tokens of their own, which messages neither suggest nor count. */
  readonly internal?: readonly Token[];
  /** For adapters: finds further problems before anything starts; they join those of the graph. */
  readonly check?: GraphCheck;
}

/** An override that is in force; disposing it puts the providers before it back. */
export interface Override extends AsyncDisposable {
  /** The same as disposing it. Overrides are restored in reverse order. */
  restore(): Promise<void>;
}

const defaultStartTimeout = 30_000;

/** {@link ContainerOptions} with nothing left open, and overrides in layers. */
interface Settings extends EngineOptions {
  readonly providers: readonly Provider[];
  readonly overrides: readonly (readonly Provider[])[];
  readonly scopeValues: readonly Token[];
  readonly before: ReadonlyMap<Token, readonly Token[]> | undefined;
  readonly internal: readonly Token[];
  readonly startTimeout: number;
}

const optionNames = [
  'providers',
  'overrides',
  'scopeValues',
  'threads',
  'modules',
  'teardownTimeout',
  'startTimeout',
  'deadline',
  'before',
  'internal',
  'check',
] as const satisfies (keyof ContainerOptions)[];

export class Container implements AsyncDisposable {
  private readonly singletons: Singletons;
  /** What parameters of type `Container` get. */
  private readonly self: Container;
  /** Owns what is resolved from the container itself, and holds the scopes that are open. */
  private readonly root: ScopeInstance;
  /** Containers with overrides that stand in for this one; the last one does. */
  private readonly standIns: Container[] = [];
  /** Containers that were made from this one and may use its threads and singletons. */
  private readonly derived = new Set<Container>();
  private overriding: Promise<unknown> = Promise.resolve();
  private revisions = 0;
  private disposing: Promise<void> | undefined;

  /** @internal Use `Container.create`. */
  constructor(
    private readonly engine: Engine,
    private readonly settings: Settings,
    private readonly origin: Container | undefined,
    base: SingletonBase | undefined,
  ) {
    // What an override replaces in it, its user sees through it.
    this.self = base === undefined || origin === undefined ? this : origin.self;
    const singletons = new Singletons(
      engine,
      (node, asker) => this.root.resolveFor(node, asker),
      this.self,
      base,
    );
    this.singletons = singletons;
    const context = {
      engine,
      values: new ScopeValues(new Set(settings.scopeValues), engine.graph, engine.owned),
      singleton: (node: Node) => singletons.cell(node),
      peek: (node: Node) => singletons.peek(node),
      waits: singletons.waits,
    };
    const given = [new ValueProvider(Container, this.self)];
    this.root = new ScopeInstance(context, 'container', given, undefined);
  }

  /**
   * Builds the graph, checks it as a whole, starts the threads if some provider needs them, and
   * makes the singletons that are not lazy, concurrently, in topological order.
   *
   * In a worker thread it never returns: a file that declares providers and starts a program is
   * imported there for its declarations only.
   * @throws GraphError with all problems at once; ThreadStartError; StartTimeoutError; what a
   * singleton threw.
   */
  static async create(options: ContainerOptions = {}): Promise<Container> {
    if (inThread()) return park();
    return Container.start(settingsOf(options));
  }

  private static async start(
    settings: Settings,
    base?: Container,
    sharesSingletons = false,
  ): Promise<Container> {
    const input = { ...settings, self: Container };
    const engine = await Engine.create(input, settings, base?.engine);
    const container = new Container(
      engine,
      settings,
      base,
      base !== undefined && sharesSingletons ? base.baseFor(engine) : undefined,
    );
    base?.derived.add(container);
    await container.makeEager();
    return container;
  }

  /**
   * Makes a container like this one, with singletons and scopes of its own, and further overrides:
   * one for each test, so that tests that run at the same time never meet. It uses the same threads
   * and is disposed with this container at the latest.
   */
  async fork(options: { readonly overrides?: readonly Provider[] } = {}): Promise<Container> {
    const { active } = this;
    refuseUnknownOptions('container.fork', options, ['overrides']);
    const { overrides = [] } = bare(options);
    if (this.disposing !== undefined) throw new DisposedError('container');
    return this.unlessDisposed(await Container.start(active.layered(overrides), active));
  }

  /**
   * Replaces providers from now on, for what is resolved and for scopes that are opened, until the
   * override is restored. Singletons that do not depend on what is replaced stay the same ones.
   * `@Inject(original(Token))` in an override asks for what it replaces.
   * @returns the override; `await using` restores it.
   * @throws as {@link create}; the container is then unchanged.
   */
  override(...overrides: readonly Provider[]): Promise<Override> {
    // One after the other: each is built on the one before.
    const made = this.overriding.then(() => this.overrideNow(overrides));
    this.overriding = made.catch(() => undefined);
    return made;
  }

  private async overrideNow(overrides: readonly Provider[]): Promise<Override> {
    const { active } = this;
    if (this.disposing !== undefined) throw new DisposedError('container');
    const started = await Container.start(active.layered(overrides), active, true);
    const standIn = await this.unlessDisposed(started);
    this.standIns.push(standIn);
    this.revisions += 1;
    const restore = async (): Promise<void> => {
      const position = this.standIns.indexOf(standIn);
      if (position >= 0 && position < this.standIns.length - 1) {
        throw new DeclarationError(
          'An override was restored before a later one, which is built on it.',
          'Restore overrides in reverse order, as `await using` does.',
        );
      }
      if (position >= 0) {
        this.standIns.pop();
        this.revisions += 1;
      }
      await standIn.dispose();
    };
    return { restore, [Symbol.asyncDispose]: restore };
  }

  /** Whether it can be used: from the end of `create` to the beginning of `dispose`. */
  get isReady(): boolean {
    return this.disposing === undefined;
  }

  /**
   * Opens a scope for one request, job or message. Dispose it when that is over.
   * @param values - values for tokens that `scopeValues` declares.
   * @throws ScopeValueError for a value that was not declared; DisposedError.
   */
  createScope(values?: readonly ValueProvider[]): ScopeInstance {
    if (this.disposing !== undefined) throw new DisposedError('container');
    return this.active.root.createScope(values);
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
    return this.active.root.run(body, values);
  }

  /**
   * Makes the value of a token, or gives the one that exists.
   * @throws OutsideScopeError if it needs a scope; otherwise as {@link ScopeInstance.resolve}.
   */
  resolve<T>(token: Token<T>, options?: ResolveOptions): Promise<T> {
    if (this.disposing !== undefined) return Promise.reject(new DisposedError('container'));
    return this.active.root.resolve(token, options);
  }

  /**
   * Says in text how a token is made: the steps in order, the scope and placement of each, and
   * which share one trip to a thread, and the critical path; then, from what was measured so far, which
   * hops are taken apart, and which steps would be better off on the other side.
   * @param token - left out, it says which singletons are made at start, in which order, and where.
   */
  explain(token?: Token): string {
    const { engine } = this.active;
    if (token === undefined) return explainStart(engine.eager, (node) => engine.plan(node));
    return engine.explain(engine.find(token, 'explain'));
  }

  /**
   * The graph as plain frozen data: every provider and what it needs. A picture of this moment:
   * a class that nobody listed joins the graph when it is first asked for.
   */
  get graph(): GraphData {
    return this.active.engine.data;
  }

  /**
   * For adapters: all parameters in the plan of a token that are read from scope values; without a token,
   * those of all providers, which any scope may resolve, but not of handlers.
   */
  inputs(token?: Token): readonly ParameterSource[] {
    return this.active.engine.inputs(token);
  }

  /**
   * For adapters: the last ones of {@link inputs}, those that are read when what is made `before` a
   * handler is there, after `between` of {@link ResolveOptions}; all others are read before anything is
   * made.
   */
  laterInputs(token: Token): readonly ParameterSource[] {
    return this.active.engine.laterInputs(token);
  }

  /** For adapters: changes whenever an override begins or ends, and with it what plans need. */
  get revision(): number {
    return this.revisions;
  }

  /** Where the provider of a token runs. */
  placement(token: Token): Placement {
    return sideOf(this.active.engine.find(token, 'placement')) === loop ? 'loop' : 'thread';
  }

  /**
   * Changes how many threads there are while they work. What runs goes on; threads that are too many
   * end in an orderly way as soon as they are free.
   * @param group - one of `threads: { groups }`; left out: the threads that run what names no group.
   * @returns when there are that many.
   * @throws DeclarationError, ThreadStartError, DisposedError.
   */
  async resizeThreads(size: number, group: string = defaultGroup): Promise<void> {
    if (this.disposing !== undefined) throw new DisposedError('container');
    await this.engine.executor.resize(group, size);
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

  /** Ends a container that was made while this one was being disposed. */
  private async unlessDisposed(made: Container): Promise<Container> {
    if (this.disposing === undefined) return made;
    await made.dispose();
    throw new DisposedError('container');
  }

  /** Itself, or the container with overrides that stands in for it. */
  private get active(): Container {
    return this.standIns.at(-1) ?? this;
  }

  private layered(overrides: readonly Provider[]): Settings {
    checkOptions({ overrides }, 'container.fork');
    return { ...this.settings, overrides: [...this.settings.overrides, overrides] };
  }

  private baseFor(engine: Engine): SingletonBase {
    const same = counterparts(engine.order, this.engine.order);
    return { singletons: this.singletons, counterpart: (node) => same.get(node) };
  }

  private async makeEager(): Promise<void> {
    const { eager } = this.engine;
    const errors: (Failure | undefined)[] = eager.map(() => undefined);
    const making = eager.map((node, index) =>
      this.singletons.make(node).catch((error: unknown) => {
        errors[index] ??= { error };
        throw error;
      }),
    );
    try {
      await this.withDeadline(Promise.all(making), eager);
    } catch (error) {
      for (const each of making) each.catch(() => undefined);
      // The others are told, and waited for; what they throw because of that is no failure.
      const ending = this.end({ error });
      this.disposing = ending.then(() => undefined);
      // Whoever has waited that long already is told at once; the end goes on behind.
      if (error instanceof StartTimeoutError || error instanceof DeadlineError) throw error;
      const torn = await ending;
      const failed = errors.flatMap((each) =>
        each === undefined || each.error instanceof DisposedError ? [] : [each.error],
      );
      const [first = error, ...others] = new Set(failed);
      noteSuppressed(first, [...others, ...torn]);
      throw first;
    }
  }

  private async withDeadline(made: Promise<unknown>, eager: readonly Node[]): Promise<void> {
    const { startTimeout } = this.settings;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const labels = this.singletons.culprits(eager).map(({ label }) => label);
        reject(new StartTimeoutError(labels, startTimeout));
      }, startTimeout);
    });
    try {
      await Promise.race([made, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** @returns what the teardowns threw. */
  private async end(failure?: Failure): Promise<readonly unknown[]> {
    const errors: unknown[] = [];
    const note = (error: unknown): number => errors.push(error);
    await Promise.all([...this.derived].map((container) => container.dispose().catch(note)));
    await this.root.dispose().catch(note);
    errors.push(...(await this.singletons.dispose(failure)));
    errors.push(...(await this.engine.dispose()));
    this.origin?.derived.delete(this);
    return errors;
  }
}

/** @throws DeclarationError for options that have no meaning. */
function settingsOf(options: ContainerOptions): Settings {
  checkOptions(options);
  const {
    providers = [],
    overrides = [],
    scopeValues = [],
    threads = {},
    modules = [],
    teardownTimeout = defaultTeardownTimeout,
    startTimeout = defaultStartTimeout,
    deadline,
    before,
    internal = [],
    check,
  } = bare(options);
  const layers = overrides.length === 0 ? [] : [overrides];
  return {
    providers,
    overrides: layers,
    scopeValues,
    threads,
    modules,
    teardownTimeout,
    startTimeout,
    deadline,
    before,
    internal,
    check,
  };
}

function checkOptions(options: ContainerOptions, caller = 'Container.create'): void {
  refuseUnknownOptions(caller, options, optionNames);
  const deadline = own(options, 'deadline');
  if (deadline !== undefined) checkDeadline(`${caller} has`, deadline);
  for (const name of ['teardownTimeout', 'startTimeout'] as const) {
    const time = own(options, name);
    // Longer ones would make timers of Node fire at once.
    if (time === undefined || (typeof time === 'number' && time > 0 && time <= 2 ** 31 - 1))
      continue;
    throw new DeclarationError(
      `\`${name}\` of Container.create is ${shown(time)}.`,
      'It is a number of milliseconds, above 0 and up to 2,147,483,647.',
    );
  }
  for (const name of ['providers', 'overrides', 'scopeValues', 'modules'] as const) {
    const list: unknown = own(options, name);
    if (list !== undefined && !Array.isArray(list)) {
      throw new DeclarationError(
        `\`${name}\` of ${caller} is not an array.`,
        `Write ${name}: [ … ].`,
      );
    }
  }
}
