/** What a container and its scopes share: the graph, its plans, and the executor. */
import { checkCrossings, refuseUnportableTarget } from './crossing.js';
import { GraphError, UnreachableError, type TurnoError } from './errors.js';
import { Graph, type GraphInput } from './graph.js';
import { type Node } from './node.js';
import { manifestOf } from './manifest.js';
import { sidesOf, type Sides } from './placement.js';
import { compilePlan, type Plan, type Stored } from './plan.js';
import type { Executor } from './threads/executor.js';
import type { Token } from './token.js';
import { checkLifetimes, sortNodes } from './validate.js';

export class Engine {
  private readonly plans = new Map<Node, Plan>();
  /** Plans for scopes that keep some of the values already, by target and what is kept. */
  private readonly variants = new Map<Node, Map<string, Plan>>();
  private sorted: readonly Node[] = [];
  private sides: ReadonlyMap<Node, Sides> = new Map();

  private constructor(
    readonly graph: Graph,
    readonly executor: Executor,
    /** How long one teardown may take, in milliseconds. */
    readonly teardownTimeout: number,
  ) {}

  /**
   * Builds and checks the graph, and starts the threads if some provider needs them.
   * @throws GraphError with all problems at once.
   * @throws ThreadStartError when no thread comes up.
   */
  static async create(
    input: GraphInput,
    executor: Executor,
    modules: readonly string[],
    teardownTimeout: number,
  ): Promise<Engine> {
    const { graph, problems } = Graph.build(input);
    const engine = new Engine(graph, executor, teardownTimeout);
    engine.check(problems);
    for (const node of graph.nodes) {
      // A handler is a root by itself; any other target is checked when it is asked for.
      if (node.kind === 'method' && node.handler) engine.plan(node);
    }
    await engine.startThreads(modules);
    return engine;
  }

  /** Nodes whose value the container makes at start, dependencies first. */
  get eager(): readonly Node[] {
    return this.sorted.filter(
      (node) =>
        (node.kind === 'class' || node.kind === 'method') &&
        node.scope === 'singleton' &&
        !node.lazy &&
        // A class that only has methods for threads needs no instance on the loop.
        (node.kind === 'method' || this.sides.get(node)?.loop === true),
    );
  }

  /** Nodes in topological order. */
  get order(): readonly Node[] {
    return this.sorted;
  }

  /**
   * The node of a token.
   * @throws MissingProviderError, or what is wrong with a class that joins the graph now.
   */
  find(token: Token): Node {
    const known = this.graph.nodes.length;
    const { node, problems } = this.graph.find(token);
    if (this.graph.nodes.length === known) return node;
    try {
      this.check(problems);
    } catch (error) {
      this.graph.truncate(known);
      throw error;
    }
    return node;
  }

  /** The plan of a node; compiled at the first call. */
  plan(node: Node): Plan {
    let plan = this.plans.get(node);
    if (plan === undefined) {
      refuseUnportableTarget(node);
      this.plans.set(node, (plan = compilePlan(node, this.sides)));
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
      variants.set(key, (variant = compilePlan(node, this.sides, stored)));
    }
    return variant;
  }

  private check(problems: readonly TurnoError[]): void {
    const { sorted, cycles } = sortNodes(this.graph.nodes);
    const all = [...problems, ...cycles, ...checkLifetimes(this.graph, sorted)];
    // With a cycle there is no order, so nothing can be said of what has to cross.
    if (cycles.length === 0) all.push(...checkCrossings(this.graph, sorted));
    if (all.length > 0) throw new GraphError(all);
    this.sorted = sorted;
    this.sides = sidesOf(sorted);
  }

  private async startThreads(modules: readonly string[]): Promise<void> {
    const manifest = manifestOf(this.sorted, this.sides, modules);
    if (manifest.needs.length === 0) return;
    const unreachable = await this.executor.start(manifest);
    if (unreachable.length === 0) return;
    throw new GraphError(
      unreachable.flatMap(({ need, reason }) =>
        need.labels.map((label) => new UnreachableError(label, need.module, reason)),
      ),
    );
  }
}
