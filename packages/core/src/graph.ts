/** The graph: providers as nodes, what they need as edges. Built whole, extended on demand. */
import {
  CycleError,
  DeclarationError,
  DuplicateProviderError,
  MissingProviderError,
  OverrideError,
  type Path,
  type TurnoError,
} from './errors.js';
import { returnType } from './metadata.js';
import { nearNames } from './near-name.js';
import { wantedByConstructor, wantedByMethod, type Wanted } from './parameter.js';
import { AliasProvider, ValueProvider, type Provider } from './provider.js';
import {
  findRecord,
  type ClassRecord,
  type MethodRecord,
  type ParameterSource,
  type ProviderOptions,
} from './record.js';
import type { Placement, Scope } from './scope.js';
import { handlerToken } from './decorators.js';
import { NamedToken, tokenName, type AbstractClass, type Token } from './token.js';

interface NodeBase {
  /** Position in `graph.nodes`: the order of declaration. */
  readonly index: number;
  /** As paths and messages show it: `Kitchen.grind`, `Tickets`. */
  readonly label: string;
  readonly scope: Scope;
  /** What is made before it, in the order of parameters; a method's instance comes first. */
  readonly needs: Node[];
  /** Who needs it, in order of declaration. */
  readonly consumers: Node[];
}

/** A class that is constructed, in the place of its consumer. */
export interface ClassNode extends NodeBase {
  readonly kind: 'class';
  readonly target: AbstractClass;
  readonly lazy: boolean;
}

/** A method that is called. */
export interface MethodNode extends NodeBase {
  readonly kind: 'method';
  /** The class that was listed: of the instance, or the holder of the static method. */
  readonly target: AbstractClass;
  readonly method: string | symbol;
  readonly static: boolean;
  readonly record: MethodRecord;
  readonly placement: Placement;
  /** The class of what it makes, as far as the token or the declared return type tell. */
  readonly makes: AbstractClass | undefined;
  /** A root of plans, such as a route's handler: nothing may inject it. */
  readonly handler: boolean;
  readonly lazy: boolean;
}

/** A value that was given to the container. */
export interface ValueNode extends NodeBase {
  readonly kind: 'value';
  readonly value: unknown;
}

/** A value that is given to each scope. */
export interface GivenNode extends NodeBase {
  readonly kind: 'given';
  readonly token: Token;
}

/** A parameter that is read from a given value. */
export interface InputNode extends NodeBase {
  readonly kind: 'input';
  readonly source: ParameterSource;
  readonly owner: string;
  readonly parameter: number;
  readonly type: unknown;
  readonly read: (from: unknown) => unknown;
}

/** The `AbortSignal` of whoever resolves. */
export interface SignalNode extends NodeBase {
  readonly kind: 'signal';
}

export type Node = ClassNode | MethodNode | ValueNode | GivenNode | InputNode | SignalNode;

/** Whether a node's value is kept in the container, or in a scope, for who asks next. */
export function isKept(node: Node): boolean {
  return (
    (node.kind === 'class' || node.kind === 'method') &&
    (node.scope === 'singleton' || node.scope === 'request')
  );
}

/** What the graph is built from. */
export interface GraphInput {
  readonly providers: readonly Provider[];
  readonly overrides: readonly Provider[];
  readonly scopeValues: readonly Token[];
}

/** A fault whose path is known only when all edges are. */
interface Fault {
  readonly node: Node;
  readonly error: (path: Path) => TurnoError;
}

type Slot = Node | AliasProvider;

const noOptions: ProviderOptions = {};

export class Graph {
  readonly nodes: Node[] = [];
  /** What provides each token. */
  private readonly slots = new Map<Token, Slot>();
  /** Who claims each token, for messages: more than one is a problem. */
  private readonly providedBy = new Map<Token, string[]>();
  /** Tokens that overrides provide, and those of them that something else provided before. */
  private readonly overridden = new Set<Token>();
  private readonly replaced = new Set<Token>();
  private readonly circularAliases = new Set<Token>();
  private readonly unlinked: Node[] = [];
  private faults: Fault[] = [];

  /**
   * Declares and links everything; classes that only appear as dependencies are found on the way.
   * @returns the graph, and every problem in its declarations and edges. Cycles, scopes and what
   * crosses to a thread are checked by validate.ts and crossing.ts.
   */
  static build(input: GraphInput): { graph: Graph; problems: TurnoError[] } {
    const graph = new Graph();
    const problems: TurnoError[] = [];
    graph.add({ kind: 'signal', label: 'AbortSignal', scope: 'transient' }, AbortSignal);
    graph.declareOverrides(input.overrides, problems);
    for (const token of input.scopeValues) {
      graph.add({ kind: 'given', label: tokenName(token), scope: 'request', token }, token);
    }
    graph.declareAll(input.providers, 'providers', problems);
    for (const token of graph.overridden) {
      if (!graph.replaced.has(token) && !isInjectable(token)) {
        const near = nearNames(tokenName(token), graph.names());
        problems.push(new OverrideError(tokenName(token), near));
      }
    }
    problems.push(...graph.link());
    return { graph, problems };
  }

  /**
   * The node that provides a token. A decorated class that nothing has asked for so far joins the
   * graph here; the caller checks what was added, and takes it back with {@link truncate} if it
   * cannot stay.
   * @throws MissingProviderError; CycleError among aliases.
   */
  find(token: Token): { node: Node; problems: TurnoError[] } {
    const node = this.lookUp(token) ?? this.implicit(token);
    if (node === undefined) throw this.missing(token, [tokenName(token)]);
    return { node, problems: this.link() };
  }

  /** Takes the nodes back that were added last. @param length - how many nodes stay. */
  truncate(length: number): void {
    const isGone = ({ index }: Node): boolean => index >= length;
    this.nodes.length = length;
    for (const [token, slot] of this.slots) {
      if (!(slot instanceof AliasProvider) && isGone(slot)) this.slots.delete(token);
    }
    for (const { consumers } of this.nodes) {
      consumers.splice(0, consumers.length, ...consumers.filter((node) => !isGone(node)));
    }
  }

  /** From a node that nothing needs, down to this one: the way that a reader can follow. */
  pathTo(node: Node): string[] {
    const path = [node.label];
    const seen = new Set([node]);
    for (let at = node.consumers[0]; at !== undefined && !seen.has(at); at = at.consumers[0]) {
      seen.add(at);
      // The instance of a method is not a step that a reader would name.
      path.unshift(at.label);
    }
    return path;
  }

  private declareOverrides(overrides: readonly Provider[], problems: TurnoError[]): void {
    this.declareAll(overrides, 'overrides', problems);
    for (const token of this.providedBy.keys()) this.overridden.add(token);
    this.providedBy.clear();
  }

  private declareAll(providers: readonly Provider[], list: string, problems: TurnoError[]): void {
    // A set: a class that two feature lists both name is one provider.
    [...new Set(providers)].forEach((provider, position) => {
      this.declare(provider, `${list}[${position}]`, problems);
    });
    for (const [token, by] of this.providedBy) {
      if (by.length > 1) problems.push(new DuplicateProviderError(tokenName(token), by));
    }
  }

  private declare(
    // JavaScript may list anything, and a circular import leaves undefined.
    provider: unknown,
    where: string,
    problems: TurnoError[],
  ): void {
    if (provider instanceof ValueProvider) {
      const { token, value } = provider as ValueProvider;
      this.provide(token, `value(${tokenName(token)})`, () =>
        this.add({ kind: 'value', label: tokenName(token), scope: 'singleton', value }, token),
      );
    } else if (provider instanceof AliasProvider) {
      const { token, target } = provider;
      this.provide(token, `alias(${tokenName(token)}, ${tokenName(target)})`, () => {
        this.slots.set(token, provider);
      });
    } else if (typeof provider === 'function') {
      this.declareClass(provider as AbstractClass, where, problems);
    } else {
      problems.push(
        new DeclarationError(
          `${where} is ${describe(provider)}, which is no provider.`,
          provider === undefined
            ? 'Two modules import each other, or a name is misspelt.'
            : 'List classes, value(token, …) or alias(token, …).',
        ),
      );
    }
  }

  private declareClass(target: AbstractClass, where: string, problems: TurnoError[]): void {
    let provides = false;
    let needsInstance = false;
    for (const method of methodsOf(target)) {
      const { handler, provides: provided } = method;
      if (handler === undefined && provided === undefined) continue;
      provides = true;
      needsInstance ||= !method.static;
      const label = `${target.name}.${String(method.name)}`;
      if (handler !== undefined) {
        const token = handlerToken(target, method.name);
        const options = handler.on === undefined ? noOptions : { on: handler.on };
        this.addMethod(target, method, token, label, { ...options, scope: 'transient' }, true);
      }
      if (provided !== undefined) {
        const { token, options } = provided;
        if (token === null) {
          problems.push(
            new DeclarationError(
              `The token of @Provides on ${label} was undefined when ${target.name} was declared.`,
              'Its module and the module of the token import each other: move the token into a module that does not import this one.',
            ),
          );
          continue;
        }
        this.provide(token, label, () => {
          this.addMethod(target, method, token, label, options, false);
        });
      }
    }
    const injectable = findRecord(target)?.injectable;
    if (injectable !== undefined) {
      this.provide(target, target.name, () => {
        this.addClass(target, injectable);
      });
    } else if (needsInstance && !this.slots.has(target)) {
      this.addClass(target, noOptions);
    } else if (!provides) {
      problems.push(
        new DeclarationError(
          `${where} is the class ${tokenName(target)}, which provides nothing.`,
          'Decorate it with @Injectable(), or one of its methods with @Provides(token).',
        ),
      );
    }
  }

  /** Adds a provider unless an override holds its token; notes who provides what. */
  private provide(token: Token, by: string, add: () => void): void {
    if (this.overridden.has(token)) {
      this.replaced.add(token);
      return;
    }
    const others = this.providedBy.get(token);
    if (others !== undefined) {
      others.push(by);
      return;
    }
    this.providedBy.set(token, [by]);
    add();
  }

  private addClass(target: AbstractClass, options: ProviderOptions): Node {
    return this.add(
      {
        kind: 'class',
        label: tokenName(target),
        scope: options.scope ?? 'singleton',
        lazy: options.lazy ?? false,
        target,
      },
      target,
    );
  }

  private addMethod(
    target: AbstractClass,
    method: MethodRecord,
    token: Token,
    label: string,
    options: ProviderOptions,
    handler: boolean,
  ): void {
    const holder = (method.static ? target : target.prototype) as object;
    const returns = returnType(holder, method.name);
    const callable = (holder as Record<string | symbol, unknown>)[method.name];
    const placement = options.on ?? (isAsync(callable) || returns === Promise ? 'loop' : 'thread');
    this.add(
      {
        kind: 'method',
        label,
        scope: options.scope ?? 'singleton',
        lazy: options.lazy ?? false,
        target,
        method: method.name,
        static: method.static,
        record: method,
        placement,
        makes: classOf(token, returns),
        handler,
      },
      token,
    );
  }

  private add(node: NewNode, token?: Token): Node {
    const added = { ...node, index: this.nodes.length, needs: [], consumers: [] } as Node;
    this.nodes.push(added);
    this.unlinked.push(added);
    if (token !== undefined) this.slots.set(token, added);
    return added;
  }

  /** Connects what has been added; adds the classes that are met on the way. */
  private link(): TurnoError[] {
    // A list that grows while it is walked, instead of recursion: graphs may be deep.
    for (const node of this.unlinked) {
      if (node.kind === 'class') this.connect(node, wantedByConstructor(node.target));
      else if (node.kind === 'method') this.linkMethod(node);
    }
    this.unlinked.length = 0;
    const faults = this.faults;
    this.faults = [];
    return faults.map(({ node, error }) => error(this.pathTo(node)));
  }

  private linkMethod(node: MethodNode): void {
    const { target, static: isStatic } = node;
    const holder = (isStatic ? target : target.prototype) as object;
    if (!isStatic) {
      const instance = this.lookUp(target);
      if (instance !== undefined) this.edge(node, instance);
    }
    this.connect(node, wantedByMethod(node.label, holder, node.record));
  }

  private connect(consumer: Node, parameters: readonly Wanted[]): void {
    for (const wanted of parameters) {
      if (wanted.kind === 'fault') {
        this.faults.push({ node: consumer, error: wanted.fault });
      } else if (wanted.kind === 'source') {
        this.connectSource(consumer, wanted);
      } else {
        this.connectToken(consumer, wanted.token, wanted.parameter);
      }
    }
  }

  private connectToken(consumer: Node, token: Token, parameter: string): void {
    const dependency = this.lookUp(token, consumer) ?? this.implicit(token);
    if (dependency === undefined) {
      if (!this.circularAliases.has(token)) {
        this.faults.push({
          node: consumer,
          error: (path) => this.missing(token, [...path, tokenName(token)], parameter),
        });
      }
    } else {
      this.edge(consumer, dependency);
    }
  }

  private connectSource(
    consumer: Node,
    { source, info }: Extract<Wanted, { kind: 'source' }>,
  ): void {
    let read: (from: unknown) => unknown;
    try {
      read = source.reader(info);
    } catch (cause) {
      this.faults.push({
        node: consumer,
        error: (path) =>
          new DeclarationError(
            `${source.name} (parameter ${info.index + 1} of ${info.owner}) cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`,
            '',
            path,
          ),
      });
      return;
    }
    const input = this.add({
      kind: 'input',
      label: source.name,
      scope: 'request',
      source,
      owner: info.owner,
      parameter: info.index,
      type: info.type,
      read,
    });
    this.edge(consumer, input);
    this.connectToken(input, source.from, 'what it is read from');
  }

  private edge(consumer: Node, dependency: Node): void {
    consumer.needs.push(dependency);
    dependency.consumers.push(consumer);
  }

  /** Follows aliases; undefined where nothing is provided (yet). */
  private lookUp(token: Token, consumer?: Node): Node | undefined {
    const seen: Token[] = [];
    let at = token;
    for (;;) {
      const slot = this.slots.get(at);
      if (!(slot instanceof AliasProvider))
        return slot ?? (seen.length > 0 ? this.implicit(at) : undefined);
      if (seen.includes(at)) {
        this.circularAliases.add(token);
        const cycle = [...seen.slice(seen.indexOf(at)), at].map(tokenName);
        if (consumer === undefined) throw new CycleError(cycle);
        this.faults.push({ node: consumer, error: () => new CycleError(cycle) });
        return undefined;
      }
      seen.push(at);
      at = slot.target;
    }
  }

  /** A decorated class that is not in the graph yet. */
  private implicit(token: Token): Node | undefined {
    if (!isInjectable(token)) return undefined;
    const record = findRecord(token);
    return record?.injectable === undefined
      ? undefined
      : this.addClass(record.target, record.injectable);
  }

  private missing(token: Token, path: Path, parameter?: string): MissingProviderError {
    const isClass = !(token instanceof NamedToken);
    return new MissingProviderError(
      tokenName(token),
      path,
      parameter,
      nearNames(tokenName(token), this.names()),
      isClass,
    );
  }

  private names(): string[] {
    return [...this.providedBy.keys()].map(tokenName);
  }
}

type NewNode = Node extends infer N
  ? N extends Node
    ? Omit<N, 'index' | 'needs' | 'consumers'>
    : never
  : never;

/**
 * The decorated methods of a class and its ancestors. An overriding method takes the place of its
 * parent's; what it is not decorated with itself it inherits.
 */
function methodsOf(target: AbstractClass): Iterable<MethodRecord> {
  const chain: ClassRecord[] = [];
  for (
    let at: unknown = target;
    typeof at === 'function' && at !== Function.prototype;
    at = Object.getPrototypeOf(at)
  ) {
    const record = findRecord(at as AbstractClass);
    if (record !== undefined) chain.unshift(record);
  }
  const methods = new Map<string | symbol, MethodRecord>();
  const staticMethods = new Map<string | symbol, MethodRecord>();
  for (const record of chain) {
    for (const [name, method] of record.methods) {
      methods.set(name, { ...methods.get(name), ...method });
    }
    for (const [name, method] of record.staticMethods) {
      staticMethods.set(name, { ...staticMethods.get(name), ...method });
    }
  }
  return [...methods.values(), ...staticMethods.values()];
}

function isInjectable(token: Token): token is AbstractClass {
  return !(token instanceof NamedToken) && findRecord(token)?.injectable !== undefined;
}

/** By tag, not by constructor: functions of another realm (a Jest sandbox) count too. */
function isAsync(callable: unknown): boolean {
  const tag = Object.prototype.toString.call(callable);
  return tag === '[object AsyncFunction]' || tag === '[object AsyncGeneratorFunction]';
}

/** The class of what a method makes: its declared return type if it says more than the token. */
function classOf(token: Token, returns: unknown): AbstractClass | undefined {
  if (!(token instanceof NamedToken)) return token;
  return typeof returns === 'function' && returns !== Object && returns !== Promise
    ? (returns as AbstractClass)
    : undefined;
}

function describe(candidate: unknown): string {
  if (candidate === null) return 'null';
  if (candidate === undefined) return 'undefined';
  if (typeof candidate !== 'object') return `a ${typeof candidate}`;
  const { constructor } = candidate as { constructor?: { name?: string } };
  return `an instance of ${constructor?.name ?? 'an unknown class'}`;
}
