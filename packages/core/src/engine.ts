/** What a container and its scopes share: the graph, its plans, and the executor. */
import { adviceFor } from './advice.js';
import { endingWithCall } from './call-bound.js';
import { CheckedGraph } from './check.js';
import { refuseLeaving, refuseUnportableTarget } from './crossing.js';
import { isObject } from './disposal.js';
import { DeclarationError, GraphError, UnreachableError, type TurnoError } from './errors.js';
import { explainPlan } from './explain.js';
import { Graph, type GraphInput } from './graph.js';
import { describeGraph, type GraphData } from './graph-data.js';
import { loaderRemedy } from './loader-remedy.js';
import {
  offloadedMethod,
  type Node,
  type OffloadedMethodNode,
  type OffloadedNode,
} from './node.js';
import { manifestOf } from './manifest.js';
import { constructorTypes, methodTypes } from './metadata.js';
import { loop, sideOf } from './placement.js';
import { compilePlan, leavingHops, type Plan, type Stored } from './plan.js';
import { createExecutor, groupNames, type ThreadOptions } from './threads/create-executor.js';
import type { Executor, Manifest, NeededClass, Unreachable } from './threads/executor.js';
import { unknownGroup } from './threads/group-executor.js';
import { shown } from './misuse.js';
import type { ParameterSource } from './record.js';
import { Splitter, type Splitting } from './splitter.js';
import { StepTimes } from './step-times.js';
import { own } from './own.js';
import { Ownership } from './ownership.js';
import { isScoped } from './scope.js';
import { isToken, type Token } from './token.js';

/** How many plans are kept for one target in scopes that keep different things already. */
const mostVariants = 16;

/** What somebody has asked for. */
export interface Found {
  readonly node: Node;
  /** See {@link Engine.straightPlan}; undefined as long as nobody has wanted it. */
  straight: Plan | null | undefined;
}

/** What an adapter may ask of a graph that is right. */
export interface GraphFacts {
  /** All parameters in the plan of a token that are read from scope values. */
  inputs(token: Token): readonly ParameterSource[];
  /**
   * What a handler on the loop gets and may not use after its call, as in an answer that comes piece by
   * piece: labels of what is torn down at its end. None where it runs in a thread.
   */
  endingWithCall(handler: Token): readonly string[];
  /** Whether some provider or handler runs in a thread. */
  readonly usesThreads: boolean;
}

/**
 * Finds problems that only an adapter knows of.
 * @param graph - undefined where the graph has problems itself.
 */
export type GraphCheck = (graph: GraphFacts | undefined) => readonly TurnoError[];

/** Of a container, with nothing left open. */
export interface EngineOptions {
  readonly modules: readonly string[];
  /** In milliseconds. */
  readonly teardownTimeout: number;
  readonly threads: ThreadOptions;
  readonly check: GraphCheck | undefined;
  /** Of providers and handlers that have none of their own, in milliseconds. */
  readonly deadline: number | undefined;
}

/** Nodes of the methods of an object that is offloaded, by their names. */
interface OffloadedCalls {
  readonly plain: Map<string, OffloadedMethodNode>;
  /** Of those that get a signal. */
  readonly signalled: Map<string, OffloadedMethodNode>;
}

export class Engine {
  private readonly plans = new Map<Node, Plan>();
  /** What somebody has asked for, by its tokens. */
  private readonly found = new Map<Token, Found>();
  /** Plans for scopes that keep some of the values already, by target and what is kept. */
  private readonly variants = new Map<Node, Map<string, Plan>>();
  private checked: CheckedGraph;

  /** Set as soon as the graph says what threads must know. */
  private threads!: Threads;
  private ownsThreads = false;
  /** Whether objects have joined the graph whose methods run in threads. */
  private hasLate = false;
  /** Calls of offloaded methods, by the object, the method and whether it gets a signal. */
  private readonly calls = new Map<Node, OffloadedCalls>();

  private constructor(
    readonly graph: Graph,
    /** How long one teardown may take, in milliseconds. */
    readonly teardownTimeout: number,
    /**
     * Objects that are not the container's to dispose, since users gave them, and those that some
     * scope disposes already.
     */
    readonly owned: Ownership,
    private readonly modules: readonly string[],
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
    { modules, teardownTimeout, threads, check, deadline }: EngineOptions,
    base?: Engine,
  ): Promise<Engine> {
    const { graph, problems } = Graph.build({ ...input, deadline });
    const engine = new Engine(graph, teardownTimeout, base?.owned ?? new Ownership(), modules);
    const found = engine.findProblems(problems);
    // Plans can be compiled only of a graph that is right.
    const facts: GraphFacts = {
      inputs: (token) => engine.inputs(token),
      endingWithCall: (handler) => endingWithCall(engine.find(handler)),
      usesThreads: graph.nodes.some(
        (node) => node.kind === 'offloaded' || node.scope === 'thread' || sideOf(node) !== loop,
      ),
    };
    found.push(...findUnknownGroups(graph.nodes, groupNames(threads)));
    const isRight = found.length === 0;
    if (isRight) found.push(...engine.findLeaving());
    found.push(...(check?.(isRight ? facts : undefined) ?? []));
    if (found.length > 0) throw new GraphError(found, hintOn(found, graph.nodes, input));
    for (const node of graph.nodes) engine.disownValue(node);
    const manifest = engine.wanted();
    // Should that fail, they are as if nobody had tried.
    await base?.threads.starting?.catch(() => undefined);
    if (base?.threads.have(manifest) === true) {
      engine.threads = base.threads;
      return engine;
    }
    engine.ownsThreads = true;
    const executor = createExecutor(threads, teardownTimeout);
    engine.threads = new Threads(executor, splittings.get(own(threads, 'split')) ?? 'unseen');
    try {
      await engine.threads.start(manifest);
    } catch (error) {
      await executor.dispose();
      throw error;
    }
    return engine;
  }

  /**
   * Ends the threads, unless they are those of another engine.
   * @returns what the teardowns of what they kept threw.
   */
  async dispose(): Promise<readonly unknown[]> {
    return this.ownsThreads ? this.executor.dispose() : [];
  }

  get executor(): Executor {
    return this.threads.executor;
  }

  get splitter(): Splitter {
    return this.threads.splitter;
  }

  /** A plan as text. */
  explain(node: Node): string {
    const plan = this.plan(node);
    const { splitter, times } = this.threads;
    return explainPlan(plan, (hop) => splitter.splitOf(hop), adviceFor(plan, times));
  }

  /**
   * Starts the threads if none run and an object whose methods run in them has joined the graph since.
   * They have to find what that needs, nothing else: another one may be one that no thread can reach.
   * @returns undefined where there is nothing to wait for.
   * @throws as {@link create}.
   */
  ready(node: OffloadedNode): Promise<void> | undefined {
    const { threads } = this;
    const { starting } = threads;
    if (!this.hasLate || (threads.isStarted && starting === undefined)) return undefined;
    const wanted = this.wantedFor(node);
    if (starting === undefined) return threads.start(wanted);
    if (threads.have(wanted)) return starting;
    return starting.catch(() => this.ready(node));
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
   * @param caller - for messages.
   * @throws MissingProviderError, or what is wrong with a class that joins the graph now.
   */
  find(token: Token, caller = 'resolve'): Node {
    return this.look(token, caller).node;
  }

  /** As {@link find}, with what scopes have learnt of it. */
  look(token: Token, caller = 'resolve'): Found {
    return this.found.get(token) ?? this.lookAnew(token, caller);
  }

  private lookAnew(token: Token, caller: string): Found {
    const found = { node: this.findNew(token, caller), straight: undefined };
    this.found.set(token, found);
    return found;
  }

  private findNew(token: Token, caller: string): Node {
    refuseOther(token, caller);
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
    for (const added of this.graph.nodes.slice(known)) {
      this.disownValue(added);
      if (added.kind === 'offloaded') this.hasLate = true;
    }
    return node;
  }

  /**
   * All parameters in the plan of a token that are read from scope values; without one, those of all
   * providers.
   */
  inputs(token?: Token): readonly ParameterSource[] {
    if (token === undefined) {
      return this.graph.nodes.flatMap((node) =>
        node.kind === 'input' && !isOfHandler(node) ? [node.source] : [],
      );
    }
    const { inputs, laterInputs } = this.plan(this.find(token));
    return [...inputs, ...laterInputs].map(({ node }) => node.source);
  }

  /** The last ones of {@link inputs}, those that are read when what is made before a handler is there. */
  laterInputs(token: Token): readonly ParameterSource[] {
    return this.plan(this.find(token)).laterInputs.map(({ node }) => node.source);
  }

  /** The plan of a node; compiled at the first call. */
  plan(node: Node): Plan {
    let plan = this.plans.get(node);
    if (plan === undefined) {
      refuseUnportableTarget(node);
      this.plans.set(node, (plan = this.compile(node)));
    }
    return plan;
  }

  /**
   * The plan of a node that a scope can go straight through which keeps nothing, and need look at nothing else of the
   * node; null if there is no such plan.
   */
  straightPlan(node: Node): Plan | null {
    const isProvided = node.kind === 'class' || node.kind === 'method';
    if (!isProvided || !(isScoped(node.scope) || node.scope === 'transient')) return null;
    const plan = this.plan(node);
    return plan.straight === undefined || plan.within === 'call' ? null : plan;
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
      variant = this.compile(node, stored);
      const [oldest] = variants.keys();
      // What scopes keep may come in any combination; few of them come again and again.
      if (variants.size >= mostVariants && oldest !== undefined) variants.delete(oldest);
      variants.set(key, variant);
    }
    return variant;
  }

  /** The plan of a call of an offloaded method, as {@link planFor} gives it. */
  planOfCall(node: OffloadedNode, method: string, hasSignal: boolean, stored?: Stored): Plan {
    let calls = this.calls.get(node);
    if (calls === undefined) {
      const known = () => new Map<string, OffloadedMethodNode>();
      this.calls.set(node, (calls = { plain: known(), signalled: known() }));
    }
    const byName = hasSignal ? calls.signalled : calls.plain;
    let call = byName.get(method);
    if (call === undefined) {
      const signal = hasSignal ? this.graph.find(AbortSignal).node : undefined;
      byName.set(method, (call = offloadedMethod(node, method, signal)));
    }
    return stored === undefined ? this.plan(call) : this.planFor(call, stored);
  }

  private compile(node: Node, stored?: Stored): Plan {
    const isLate = this.hasLate && node.kind === 'offloadedMethod';
    const late = isLate ? lacking(this.threads.manifest, this.wanted().needs) : [];
    return compilePlan(node, this.checked.sides, stored, late);
  }

  /** What threads must know of the graph as it is. */
  private wanted(): Manifest {
    return manifestOf(this.checked.sorted, this.checked.sides, this.modules);
  }

  /** As {@link wanted}, of one node. */
  private wantedFor(node: Node): Manifest {
    const needed = new Set([node]);
    // A set that grows while it is walked.
    for (const { needs } of needed) for (const need of needs) needed.add(need);
    const { sorted, sides } = this.checked;
    return manifestOf(
      sorted.filter((each) => needed.has(each)),
      sides,
      this.modules,
    );
  }

  private disownValue(node: Node): void {
    if (node.kind === 'value') this.disown(node.value);
  }

  private check(declared: readonly TurnoError[]): void {
    const problems = this.findProblems(declared);
    if (problems.length > 0) throw new GraphError(problems);
  }

  /** Problems of handlers before which something is made. */
  private findLeaving(): TurnoError[] {
    return this.graph.nodes.flatMap((node) =>
      node.kind === 'method' && node.before.length > 0
        ? leavingHops(this.plan(node)).flatMap((each) => refuseLeaving(each) ?? [])
        : [],
    );
  }

  /** @returns those of the declarations, and those of the nodes that have been added. */
  private findProblems(declared: readonly TurnoError[]): TurnoError[] {
    const { problems, moved } = this.checked.check();
    if (moved) {
      this.plans.clear();
      this.variants.clear();
      for (const found of this.found.values()) found.straight = undefined;
    }
    return [...declared, ...problems];
  }
}

/** By what `threads: { split }` says. */
const splittings: ReadonlyMap<unknown, Splitting> = new Map([
  [true, 'sharing'],
  [false, 'never'],
]);

/** What threads know that have not been started. */
const nothing: Manifest = { modules: [], portableModules: [], groups: [], needs: [] };

/** The threads of an engine, and of those made from it that need no others. */
class Threads {
  /** What they know; nothing before they are started. */
  manifest = nothing;
  readonly splitter: Splitter;
  readonly times: StepTimes;
  /** While they start. */
  starting: Promise<void> | undefined;

  constructor(
    readonly executor: Executor,
    splitting: Splitting,
  ) {
    this.times = new StepTimes(executor.measured);
    this.splitter = new Splitter(executor, this.times, splitting);
  }

  get isStarted(): boolean {
    return this.manifest.needs.length > 0;
  }

  /** Starts them if something in the manifest needs them. */
  start(manifest: Manifest): Promise<void> | undefined {
    if (manifest.needs.length === 0) return undefined;
    this.manifest = manifest;
    this.starting = this.tryToStart(manifest)
      .catch((error: unknown) => {
        // Whoever needs them next tries again.
        this.manifest = nothing;
        throw error;
      })
      .finally(() => (this.starting = undefined));
    return this.starting;
  }

  /** Whether all that a manifest needs is there, or will be. */
  have({ needs }: Manifest): boolean {
    return lacking(this.manifest, needs).length === 0;
  }

  private async tryToStart(manifest: Manifest): Promise<void> {
    const { needs } = manifest;
    const unnamed = needs.filter(({ classId }) => classId === '');
    const unreachable =
      unnamed.length > 0 ? unnamed.map(withoutDecorator) : await this.executor.start(manifest);
    if (unreachable.length === 0) return;
    throw new GraphError(
      unreachable.flatMap(({ need, reason, remedy: given, needsLoader, cause }) => {
        const mayBeAsync = need.methods.some(({ offloaded }) => offloaded !== true);
        const remedy = needsLoader === true ? loaderRemedy() : given;
        return need.labels.map(
          (label) =>
            new UnreachableError(label, need.module, reason, { remedy, mayBeAsync, cause }),
        );
      }),
    );
  }
}

/** What to say of problems that all come from one: that the compiler leaves no metadata. */
function hintOn(
  problems: readonly TurnoError[],
  nodes: readonly Node[],
  { internal = [] }: GraphInput,
): string | undefined {
  const lacking = problems.filter(({ message }) => message.includes('left no type metadata'));
  const isOwn = (node: Node) =>
    node.kind === 'method' && internal.some((token) => token === node.record.provides?.token);
  if (lacking.length < 2 || nodes.some((node) => hasMetadata(node) && !isOwn(node)))
    return undefined;
  return 'No class has type metadata: is `emitDecoratorMetadata` off, or is this tsx or esbuild (docs/loaders.md)?';
}

function hasMetadata(node: Node): boolean {
  if (node.kind === 'class') return constructorTypes(node.target) !== undefined;
  if (node.kind !== 'method') return false;
  const holder = (node.static ? node.target : node.target.prototype) as object;
  return methodTypes(holder, node.method) !== undefined;
}

/** @throws DeclarationError for what is no token: JavaScript may pass anything. */
function refuseOther(given: unknown, caller: string): void {
  // Methods and arrow functions have no prototype; a class has, whatever it was compiled to.
  const isMethod = typeof given === 'function' && !Object.hasOwn(given, 'prototype');
  if (isToken(given) && !isMethod) return;
  const hint =
    caller === 'explain' && (isMethod || typeof given === 'string')
      ? `; a provider is explained by what it provides, a route by app.explain('GET /burgers/:id')`
      : given === undefined
        ? '; undefined means that two modules import each other'
        : '';
  throw new DeclarationError(
    `${caller} was given ${shown(given)}, which is no token.`,
    `A token is a class or comes from token(name)${hint}.`,
  );
}

/** Reports what names a group of threads that does not exist. */
function findUnknownGroups(nodes: readonly Node[], groups: readonly string[]): TurnoError[] {
  return nodes.flatMap((node) => {
    const hasGroup = node.kind === 'method' || node.kind === 'offloaded';
    if (!hasGroup || groups.includes(node.group)) return [];
    const fact = `${node.label} names the group of threads '${node.group}', which does not exist.`;
    return [unknownGroup(fact, node.group, groups)];
  });
}

/** What of it threads do not have that were started for a manifest. */
function lacking(started: Manifest, wanted: readonly NeededClass[]): readonly NeededClass[] {
  const known = new Map(started.needs.map(({ classId, methods }) => [classId, methods]));
  return wanted.filter(
    ({ classId, methods }) =>
      !known.has(classId) ||
      !methods.every((method) =>
        known
          .get(classId)
          ?.some(
            ({ name, static: isStatic }) => name === method.name && isStatic === method.static,
          ),
      ),
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

/** Whether only a handler takes a parameter. */
function isOfHandler({ consumers }: Node): boolean {
  return consumers.every((each) =>
    each.kind === 'reading' ? isOfHandler(each) : each.kind === 'method' && each.handler,
  );
}
