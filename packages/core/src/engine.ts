/** What a container and its scopes share: the graph, its plans, and the executor. */
import { CheckedGraph } from './check.js';
import { refuseUnportableTarget } from './crossing.js';
import { isObject } from './disposal.js';
import { DeclarationError, GraphError, UnreachableError, type TurnoError } from './errors.js';
import { Graph, type GraphInput } from './graph.js';
import { describeGraph, type GraphData } from './graph-data.js';
import { loaderRemedy } from './loader-remedy.js';
import { type Node } from './node.js';
import { manifestOf } from './manifest.js';
import { compilePlan, type Plan, type Stored } from './plan.js';
import { createExecutor, type ThreadOptions } from './threads/create-executor.js';
import type { Executor, Manifest, NeededClass, Unreachable } from './threads/executor.js';
import { shown } from './misuse.js';
import type { ParameterSource } from './record.js';
import { isToken, type Token } from './token.js';

/** How many plans are kept for one target in scopes that keep different things already. */
const mostVariants = 16;

/**
 * Finds problems that only an adapter knows of.
 * @param inputs - all parameters in the plan of a token that are read from scope values; undefined
 * where the graph has problems itself.
 */
export type GraphCheck = (
  inputs: ((token: Token) => readonly ParameterSource[]) | undefined,
) => readonly TurnoError[];

/** Of a container, with nothing left open. */
export interface EngineOptions {
  readonly modules: readonly string[];
  /** In milliseconds. */
  readonly teardownTimeout: number;
  readonly threads: ThreadOptions;
  readonly check: GraphCheck | undefined;
}

export class Engine {
  private readonly plans = new Map<Node, Plan>();
  /** Plans for scopes that keep some of the values already, by target and what is kept. */
  private readonly variants = new Map<Node, Map<string, Plan>>();
  private checked: CheckedGraph;

  /** Set as soon as the graph says what threads must know. */
  executor!: Executor;
  private manifest!: Manifest;
  private ownsExecutor = false;

  private constructor(
    readonly graph: Graph,
    /** How long one teardown may take, in milliseconds. */
    readonly teardownTimeout: number,
    /**
     * Objects that are not the container's to dispose, since users gave them, and those that some
     * scope disposes already.
     */
    readonly owned: WeakSet<object>,
  ) {
    this.checked = new CheckedGraph(graph);
  }

  /**
   * Builds and checks the graph, and starts the threads if some provider needs them.
   * @param base - an engine whose threads are used if they know all that is needed.
   * @throws GraphError with all problems at once.
   * @throws ThreadStartError when no thread comes up.
   */
  static async create(
    input: GraphInput,
    { modules, teardownTimeout, threads, check }: EngineOptions,
    base?: Engine,
  ): Promise<Engine> {
    const { graph, problems } = Graph.build(input);
    const engine = new Engine(graph, teardownTimeout, base?.owned ?? new WeakSet());
    const found = engine.findProblems(problems);
    // Plans can be compiled only of a graph that is right.
    const inputs = (token: Token) => engine.inputs(token);
    found.push(...(check?.(found.length === 0 ? inputs : undefined) ?? []));
    if (found.length > 0) throw new GraphError(found);
    for (const node of graph.nodes) engine.disownValue(node);
    const manifest = manifestOf(engine.checked.sorted, engine.checked.sides, modules);
    if (base !== undefined && covers(base.manifest, manifest)) {
      engine.manifest = base.manifest;
      engine.executor = base.executor;
      return engine;
    }
    engine.manifest = manifest;
    engine.ownsExecutor = true;
    engine.executor = createExecutor(threads, teardownTimeout);
    try {
      await engine.startThreads();
    } catch (error) {
      await engine.executor.dispose();
      throw error;
    }
    return engine;
  }

  /** Ends the threads, unless they are those of another engine. */
  async dispose(): Promise<void> {
    if (this.ownsExecutor) await this.executor.dispose();
  }

  /** Nodes whose value the container makes at start, dependencies first. */
  get eager(): readonly Node[] {
    return this.checked.sorted.filter(
      (node) =>
        (node.kind === 'class' || node.kind === 'method') &&
        node.scope === 'singleton' &&
        !node.lazy &&
        // A class that only has methods for threads needs no instance on the loop.
        (node.kind === 'method' || this.checked.sides.get(node)?.loop === true),
    );
  }

  /** The graph as it is now, as plain data. */
  get data(): GraphData {
    return describeGraph(this.graph.nodes, this.checked.sides);
  }

  /** Nodes in topological order. */
  get order(): readonly Node[] {
    return this.checked.sorted;
  }

  /** Notes that an object was given by a user. */
  disown(value: unknown): void {
    if (isObject(value)) this.owned.add(value);
  }

  /**
   * The node of a token.
   * @throws MissingProviderError, or what is wrong with a class that joins the graph now.
   */
  find(token: Token): Node {
    // JavaScript may pass anything.
    const given: unknown = token;
    if (!isToken(given)) {
      throw new DeclarationError(
        `resolve was given ${shown(given)}, which is no token.`,
        `A token is a class or comes from token(name)${given === undefined ? '; undefined means that two modules import each other' : ''}.`,
      );
    }
    const known = this.graph.nodes.length;
    const { node, problems } = this.graph.find(token);
    if (this.graph.nodes.length === known) return node;
    try {
      this.check(problems);
    } catch (error) {
      this.graph.truncate(known);
      this.checked = new CheckedGraph(this.graph);
      this.checked.check();
      throw error;
    }
    for (const added of this.graph.nodes.slice(known)) this.disownValue(added);
    return node;
  }

  /** All parameters in the plan of a token that are read from scope values. */
  inputs(token: Token): readonly ParameterSource[] {
    return this.plan(this.find(token)).inputs.map(({ node }) => node.source);
  }

  /** The plan of a node; compiled at the first call. */
  plan(node: Node): Plan {
    let plan = this.plans.get(node);
    if (plan === undefined) {
      refuseUnportableTarget(node);
      this.plans.set(node, (plan = compilePlan(node, this.checked.sides)));
    }
    return plan;
  }

  /** The plan of a node for a scope that keeps some of its values already. */
  planFor(node: Node, stored: Stored): Plan {
    const plan = this.plan(node);
    const present = plan.kept.filter((step) => step.node !== node && stored.has(step.node));
    if (present.length === 0) return plan;
    const key = present.map((step) => step.index).join();
    let variants = this.variants.get(node);
    if (variants === undefined) {
      variants = new Map<string, Plan>();
      this.variants.set(node, variants);
    }
    let variant = variants.get(key);
    if (variant === undefined) {
      variant = compilePlan(node, this.checked.sides, stored);
      const [oldest] = variants.keys();
      // What scopes keep may come in any combination; few of them come again and again.
      if (variants.size >= mostVariants && oldest !== undefined) variants.delete(oldest);
      variants.set(key, variant);
    }
    return variant;
  }

  private disownValue(node: Node): void {
    if (node.kind === 'value') this.disown(node.value);
  }

  private check(declared: readonly TurnoError[]): void {
    const problems = this.findProblems(declared);
    if (problems.length > 0) throw new GraphError(problems);
  }

  /** @returns those of the declarations, and those of the nodes that have been added. */
  private findProblems(declared: readonly TurnoError[]): TurnoError[] {
    const { problems, moved } = this.checked.check();
    if (moved) {
      this.plans.clear();
      this.variants.clear();
    }
    return [...declared, ...problems];
  }

  private async startThreads(): Promise<void> {
    const { needs } = this.manifest;
    if (needs.length === 0) return;
    const unnamed = needs.filter(({ classId }) => classId === '');
    const unreachable =
      unnamed.length > 0 ? unnamed.map(withoutDecorator) : await this.executor.start(this.manifest);
    if (unreachable.length === 0) return;
    throw new GraphError(
      unreachable.flatMap(({ need, reason, remedy: given, needsLoader, cause }) => {
        const mayBeAsync = need.methods.length > 0;
        const remedy = needsLoader === true ? loaderRemedy() : given;
        return need.labels.map(
          (label) =>
            new UnreachableError(label, need.module, reason, { remedy, mayBeAsync, cause }),
        );
      }),
    );
  }
}

/** Whether threads that were started for one manifest have all that another one needs. */
function covers(started: Manifest, wanted: Manifest): boolean {
  const known = new Map(started.needs.map(({ classId, methods }) => [classId, methods]));
  return wanted.needs.every(
    ({ classId, methods }) =>
      methods.every((method) =>
        known
          .get(classId)
          ?.some(
            ({ name, static: isStatic }) => name === method.name && isStatic === method.static,
          ),
      ) && known.has(classId),
  );
}

function withoutDecorator(need: NeededClass): Unreachable {
  const [label = ''] = need.labels;
  const name = label.split('.')[0] ?? label;
  return {
    need,
    reason: `${name} has no decorator of its own, so the module that declares it is not known`,
    remedy: `Decorate ${name} with @Injectable()`,
  };
}
