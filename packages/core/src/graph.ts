/** The graph: providers as nodes, what they need as edges. Built whole, extended on demand. */
import { handlerToken } from './decorators.js';
import {
  classParts,
  readDeclarations,
  readScopeValues,
  type Declaration,
  type Declarations,
} from './declaration.js';
import {
  CycleError,
  DeclarationError,
  DuplicateProviderError,
  MissingProviderError,
  OverrideError,
  TurnoError,
  type Path,
} from './errors.js';
import { returnType } from './metadata.js';
import { nearNames } from './near-name.js';
import type { GivenNode, MethodNode, Node, NodeParts } from './node.js';
import { methodNames } from './offloaded.js';
import { bare } from './own.js';
import { wantedByConstructor, wantedByMethod, type Wanted } from './parameter.js';
import { AliasProvider, type Provider } from './provider.js';
import { findRecord } from './record.js';
import {
  all,
  AllToken,
  LazyToken,
  OffloadedToken,
  OriginalToken,
  writtenAs,
} from './request-token.js';
import { NamedToken, tokenName, type AbstractClass, type Token } from './token.js';

/** What the graph is built from. */
export interface GraphInput {
  readonly providers: readonly Provider[];
  /** Each replaces providers of those before it, the first those of `providers`. */
  readonly overrides: readonly (readonly Provider[])[];
  readonly scopeValues: readonly Token[];
  /** For handlers, by their tokens: what is made before them. */
  readonly before?: ReadonlyMap<Token, readonly Token[]> | undefined;
  /** Of providers and handlers that have none of their own, in milliseconds. */
  readonly deadline?: number | undefined;
  /** Tokens of an adapter, which messages neither suggest nor count. */
  readonly internal?: readonly Token[] | undefined;
  /** The class of the container, which gives itself to whoever asks for it. */
  readonly self?: Token | undefined;
}

/** A fault whose path is known only when all edges are. */
interface Fault {
  readonly node: Node;
  readonly error: (path: Path) => TurnoError;
}

/** A provider that an override has replaced. */
interface Replaced extends Declaration {
  /** Of the list that declares it: 0 for `providers`. */
  readonly layer: number;
  /** Set when an override has asked for it. */
  slot: Slot | undefined;
}

/** What provides a token: a node, or an alias to follow. */
type Slot = Node | AliasProvider;

/** How many messages of one graph bear suggestions. */
const mostSuggested = 20;

export class Graph {
  readonly nodes: Node[] = [];
  /** What provides each token that has one provider. */
  private readonly slots = new Map<Token, Slot>();
  /** What provides each token that may have several, in the order of declaration. */
  private readonly lists = new Map<Token, Slot[]>();
  /** Who provides each token, for messages. */
  private readonly claims = new Map<Token, { readonly many: boolean; readonly by: string[] }>();
  /**
   * What overrides have replaced, the last layer first; it joins the graph only if an override asks
   * for it.
   */
  private readonly originals = new Map<Token, Replaced[]>();
  /** Nodes of overrides, with their layer: 1 for the first. */
  private readonly layers = new Map<Node, number>();
  /** Tokens whose aliases end in nothing, or in a circle, which has been reported. */
  private readonly broken = new Map<Token, Token | 'circular'>();
  private suggested = 0;
  private readonly unlinked: Node[] = [];
  private faults: Fault[] = [];

  private constructor(
    private readonly before: ReadonlyMap<Token, readonly Token[]>,
    private readonly deadline: number | undefined,
    private readonly self: Token | undefined,
    /** Tokens that messages do not suggest. */
    private readonly internal: ReadonlySet<Token>,
  ) {}

  /**
   * Declares and links everything; classes that only appear as dependencies are found on the way.
   * @returns the graph, and every problem in its declarations and edges. Cycles, scopes and what
   * crosses to a thread are checked by validate.ts and crossing.ts.
   */
  static build(input: GraphInput): { graph: Graph; problems: TurnoError[] } {
    const { providers, overrides, scopeValues, before, deadline, self, internal = [] } = input;
    const graph = new Graph(before ?? new Map(), deadline, self, new Set(internal));
    const problems: TurnoError[] = [];
    graph.add({ kind: 'signal', label: 'AbortSignal', scope: 'transient' }, AbortSignal);
    const overridden = new Set<Token>();
    // The last ones first: they hold whatever comes before.
    for (const [index, list] of [...overrides.entries()].toReversed()) {
      const overriding = readDeclarations(list, 'overrides', deadline);
      graph.declare(overriding, overridden, problems, index + 1);
      for (const { token } of overriding.declared) overridden.add(token);
    }
    graph.declare(readScopeValues(scopeValues), overridden, problems);
    graph.declare(readDeclarations(providers, 'providers', deadline), overridden, problems);
    for (const token of overridden) {
      if (graph.originals.has(token) || isInjectable(token) || token === self) continue;
      const near = nearNames(tokenName(token), graph.names(overridden));
      problems.push(new OverrideError(tokenName(token), near));
    }
    problems.push(...graph.checkAliases(), ...graph.link());
    return { graph, problems };
  }

  /**
   * The node that provides a token. A decorated class that nothing has asked for so far joins the
   * graph here; the caller checks what was added, and takes it back with {@link truncate} if it
   * cannot stay.
   * @throws MissingProviderError; CycleError among aliases.
   */
  find(token: Token): { node: Node; problems: TurnoError[] } {
    const node = this.lookUp(token);
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
      path.unshift(at.label);
    }
    return path;
  }

  private declare(
    { declared, holders, problems: found }: Declarations,
    overridden: ReadonlySet<Token>,
    problems: TurnoError[],
    layer = 0,
  ): void {
    problems.push(...found);
    const claimed = new Map<Token, string[]>();
    /** Classes some method of which is called on an instance. */
    const used = new Set<AbstractClass>();
    for (const declaration of declared) {
      const { token, many, by, provider } = declaration;
      if (overridden.has(token)) {
        this.replace(declaration, layer);
        continue;
      }
      if (typeof provider === 'object' && 'kind' in provider && provider.kind === 'method') {
        if (!provider.static) used.add(provider.target);
      }
      const others = this.claims.get(token);
      if (others === undefined) {
        this.claims.set(token, { many, by: [by] });
        this.accept(declaration, layer);
      } else {
        others.by.push(by);
        if (many && others.many) this.accept(declaration, layer);
        else claimed.set(token, others.by);
      }
    }
    for (const [token, by] of claimed) {
      problems.push(new DuplicateProviderError(tokenName(token), by));
    }
    for (const holder of holders) {
      const declaration: Declaration = {
        token: holder,
        by: holder.name,
        many: false,
        provider: classParts(holder, bare({}), this.deadline),
      };
      if (overridden.has(holder)) this.replace(declaration, layer);
      else if (used.has(holder) && !this.slots.has(holder)) this.accept(declaration, layer);
    }
  }

  /** Follows every alias, whether somebody asks for it or not. */
  private checkAliases(): TurnoError[] {
    const problems: TurnoError[] = [];
    const listed = [...this.lists.values()].flat();
    for (const slot of [...this.slots.values(), ...listed]) {
      if (!(slot instanceof AliasProvider) || this.broken.has(slot.token)) continue;
      try {
        if (this.follow(slot, slot.token, undefined) !== undefined) continue;
        const end = this.broken.get(slot.token);
        if (end !== undefined && end !== 'circular') {
          problems.push(this.missing(end, [tokenName(slot.token), tokenName(end)]));
        }
      } catch (error) {
        if (!(error instanceof TurnoError)) throw error;
        problems.push(error);
      }
    }
    return problems;
  }

  /** Whether a token is an adapter's own. */
  isInternal(token: Token): boolean {
    return this.internal.has(token);
  }

  /** Whether an override of a token stands for what lives in threads. */
  replacesThread(token: Token): boolean {
    const scopes = (this.originals.get(token) ?? []).map(({ provider }) =>
      provider instanceof AliasProvider ? undefined : provider.scope,
    );
    if (isInjectable(token)) scopes.push(findRecord(token)?.injectable?.scope);
    return scopes.includes('thread');
  }

  private replace(declaration: Declaration, layer: number): void {
    const { token } = declaration;
    const replaced = this.originals.get(token) ?? [];
    replaced.push({ ...declaration, layer, slot: undefined });
    this.originals.set(token, replaced);
  }

  private accept({ token, many, provider }: Declaration, layer: number): void {
    const slot = this.slotOf(provider, layer);
    if (!many) {
      this.slots.set(token, slot);
      return;
    }
    const list = this.lists.get(token);
    if (list === undefined) this.lists.set(token, [slot]);
    else list.push(slot);
  }

  private slotOf(provider: Declaration['provider'], layer: number): Slot {
    if (provider instanceof AliasProvider) return provider;
    const node = this.add(provider);
    if (layer > 0) this.layers.set(node, layer);
    return node;
  }

  private add(parts: NodeParts, token?: Token): Node {
    // Not a copy: the parts were made for it.
    const added = Object.assign(parts, {
      index: this.nodes.length,
      needs: [],
      consumers: [],
    }) as Node;
    this.nodes.push(added);
    this.unlinked.push(added);
    if (token !== undefined) this.slots.set(token, added);
    return added;
  }

  /** Connects what has been added; adds the nodes that are met on the way. */
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
    const { target, static: isStatic, label, record } = node;
    if (!isStatic) {
      const instance = this.lookUp(target, node);
      if (instance !== undefined) this.edge(node, instance);
    }
    const holder = (isStatic ? target : target.prototype) as object;
    this.connect(node, wantedByMethod(label, holder, record));
    if (node.handler) this.linkBefore(node);
  }

  private linkBefore(node: MethodNode): void {
    for (const token of new Set(this.before.get(handlerToken(node.target, node.method)))) {
      const first = this.lookUp(token, node);
      if (first === undefined) {
        if (this.broken.has(token)) continue;
        this.faults.push({
          node,
          error: (path) => this.missing(token, [...path, tokenName(token)], 'made before it'),
        });
      } else if (first.scope === 'thread') {
        const fact = `${first.label} is to be made before ${node.label}, but has scope 'thread': each thread makes it when something there needs it.`;
        const remedy = `Give it scope 'request' or 'call'.`;
        this.faults.push({
          node,
          error: (path) => new DeclarationError(fact, remedy, [...path, first.label]),
        });
      } else {
        node.before.push(first);
      }
    }
  }

  private connect(consumer: Node, parameters: readonly Wanted[]): void {
    for (const wanted of parameters) {
      if (wanted.kind === 'fault') {
        this.faults.push({ node: consumer, error: wanted.fault });
      } else if (wanted.kind === 'source') {
        this.connectSource(consumer, wanted);
      } else {
        this.connectToken(consumer, wanted.token, wanted.parameter, wanted.optional);
      }
    }
  }

  private connectToken(consumer: Node, token: Token, parameter: string, optional: boolean): void {
    const isMissing =
      optional &&
      (token instanceof LazyToken || token instanceof OffloadedToken) &&
      this.lookUp(token.of, consumer) === undefined;
    const dependency = isMissing ? undefined : this.lookUp(token, consumer);
    if (dependency !== undefined) {
      const isGiven = optional && dependency.kind === 'given';
      this.edge(consumer, isGiven ? this.givenIfAny(dependency) : dependency);
    } else if (optional && !this.isOneOfMany(token)) {
      this.edge(consumer, this.nothing(token));
    } else if (!this.broken.has(token)) {
      this.faults.push({
        node: consumer,
        error: (path) => this.missing(token, [...path, tokenName(token)], parameter),
      });
    }
  }

  /** What an optional parameter gets of what a scope may have been given. */
  private givenIfAny(given: GivenNode): Node {
    const { label, scope, token } = given;
    return this.add({ kind: 'given', label, scope, token, isOptional: true });
  }

  /** What an optional parameter gets where nothing provides its token. */
  private nothing(token: Token): Node {
    const label = `no ${tokenName(token)}`;
    return this.add({
      kind: 'value',
      label,
      scope: 'singleton',
      token: undefined,
      value: undefined,
    });
  }

  private connectSource(
    consumer: Node,
    { source, info }: Extract<Wanted, { kind: 'source' }>,
  ): void {
    let read: (from: unknown) => unknown;
    try {
      read = source.reader(info);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      const fact = `${source.name} (parameter ${info.index + 1} of ${info.owner}) cannot be read: ${reason}`;
      this.faults.push({
        node: consumer,
        error: (path) => new DeclarationError(fact, undefined, path),
      });
      return;
    }
    const { late } = source;
    const isLate = late !== undefined && consumer.kind === 'method' && isInThread(consumer);
    const input = this.add({
      kind: 'input',
      label: isLate ? `${source.name}, as it came` : source.name,
      scope: 'request',
      source,
      owner: info.owner,
      parameter: info.index,
      type: isLate ? undefined : info.type,
      read: isLate ? (from) => late.pick(from) : read,
      check: isLate ? (from) => late.isCheap(from) && read(from) : undefined,
    });
    if (isLate) {
      const reading = this.add({
        kind: 'reading',
        label: source.name,
        scope: 'request',
        owner: info.owner,
        target: consumer.target,
        method: String(consumer.method),
        static: consumer.static,
        parameter: info.index,
      });
      this.edge(consumer, reading);
      this.edge(reading, input);
    } else {
      this.edge(consumer, input);
    }
    this.connectToken(input, source.from, 'what it is read from', false);
  }

  private edge(consumer: Node, dependency: Node): void {
    consumer.needs.push(dependency);
    dependency.consumers.push(consumer);
  }

  /**
   * The node of a token: follows aliases, and adds what is not there yet but can be. Undefined
   * where nothing provides it.
   * @throws CycleError among aliases, where there is no consumer to report it for.
   */
  private lookUp(token: Token, consumer?: Node): Node | undefined {
    // It means another one in each layer.
    if (token instanceof OriginalToken) return this.original(token, consumer);
    if (token instanceof AllToken && token.of instanceof OriginalToken) {
      return this.original(new OriginalToken(all(token.of.of)), consumer);
    }
    const slot = this.slots.get(token);
    if (slot !== undefined) return this.follow(slot, token, consumer);
    return this.implicit(token) ?? this.derived(token, consumer);
  }

  private follow(slot: Slot, token: Token, consumer: Node | undefined): Node | undefined {
    const seen: Token[] = [token];
    let at = slot;
    while (at instanceof AliasProvider) {
      const { target } = at;
      const start = seen.indexOf(target);
      if (start >= 0) {
        const reported = this.broken.has(token);
        for (const each of seen) this.broken.set(each, 'circular');
        const error = new CycleError([...seen.slice(start), target].map(tokenName), 'aliases');
        if (consumer === undefined) throw error;
        if (!reported) this.faults.push({ node: consumer, error: () => error });
        return undefined;
      }
      seen.push(target);
      const next = this.slots.get(target);
      if (next === undefined) {
        const found = this.lookUp(target, consumer);
        if (found === undefined) this.broken.set(token, target);
        return found;
      }
      at = next;
    }
    return at;
  }

  /** The container itself, or a decorated class, that is not in the graph yet. */
  private implicit(token: Token): Node | undefined {
    if (token === this.self) {
      const label = tokenName(token);
      return this.add(
        { kind: 'given', label, scope: 'transient', token, isOptional: false },
        token,
      );
    }
    if (!isInjectable(token)) return undefined;
    const injectable = findRecord(token)?.injectable;
    return injectable === undefined
      ? undefined
      : this.add(classParts(token, injectable, this.deadline), token);
  }

  /** What is asked for in another form than by its token alone. */
  private derived(token: Token, consumer: Node | undefined): Node | undefined {
    if (token instanceof AllToken) return this.list(token, consumer);
    if (token instanceof LazyToken) return this.lazily(token);
    if (token instanceof OffloadedToken) return this.offload(token);
    return undefined;
  }

  private list(token: AllToken<unknown>, consumer: Node | undefined): Node {
    const node = this.add({ kind: 'list', label: token.name, scope: 'transient' }, token);
    const many = this.lists.get(token.of);
    const members = many?.map((slot) => this.follow(slot, token.of, consumer)) ?? [
      this.lookUp(token.of, node),
    ];
    for (const member of members) if (member !== undefined) this.edge(node, member);
    return node;
  }

  private lazily(token: LazyToken<unknown>): Node {
    const parts: NodeParts = {
      kind: 'lazy',
      label: token.name,
      scope: 'transient',
      target: undefined,
    };
    const node = this.add(parts, token);
    const target = this.lookUp(token.of, node);
    if (target === undefined) {
      this.faults.push({
        node,
        error: (path) => this.missing(token.of, [...path, tokenName(token.of)]),
      });
    } else if (node.kind === 'lazy') {
      node.target = target;
    }
    return node;
  }

  private offload(token: OffloadedToken<unknown>): Node {
    const parts: NodeParts = {
      kind: 'offloaded',
      group: token.group,
      label: token.name,
      scope: 'transient',
      token,
      methods: [],
    };
    const node = this.add(parts, token);
    const instance = this.lookUp(token.of, node);
    if (instance === undefined) {
      if (!this.broken.has(token.of)) {
        this.faults.push({
          node,
          error: (path) => this.missing(token.of, [...path, tokenName(token.of)]),
        });
      }
      return node;
    }
    this.edge(node, instance);
    const methods = methodsMadeBy(instance, token.of);
    if (node.kind === 'offloaded') node.methods = methods;
    // A test's value may have but a part of the class.
    if (methods.length === 0 && instance.kind !== 'value') {
      const remedy = `Name a class with methods: arrow functions in its fields are none, and an interface has none that a program can see.`;
      const fact = `${token.name} has no method to call: none is known of ${tokenName(token.of)}.`;
      this.faults.push({ node, error: (path) => new DeclarationError(fact, remedy, path) });
    }
    return node;
  }

  /** What was there before the layer of the consumer replaced it. */
  private original(token: OriginalToken<unknown>, consumer: Node | undefined): Node | undefined {
    const { of } = token;
    const ofList = of instanceof AllToken;
    const layer = (consumer === undefined ? undefined : this.layers.get(consumer)) ?? Infinity;
    const replaced = (this.originals.get(ofList ? of.of : of) ?? []).filter(
      (each) => each.layer < layer,
    );
    const before = replaced.filter((each) => each.layer === replaced[0]?.layer);
    const nodes = before.map((each) => {
      each.slot ??= this.slotOf(each.provider, each.layer);
      return this.follow(each.slot, each.token, consumer);
    });
    if (ofList) {
      const list = this.add({ kind: 'list', label: token.name, scope: 'transient' });
      for (const member of nodes) if (member !== undefined) this.edge(list, member);
      return list;
    }
    if (before.some(({ many }) => many)) return undefined;
    if (nodes.length > 0) return nodes[0];
    const injectable = isInjectable(of) ? findRecord(of)?.injectable : undefined;
    return injectable === undefined
      ? undefined
      : this.add(classParts(of as AbstractClass, injectable, this.deadline));
  }

  private missing(token: Token, path: Path, parameter?: string): MissingProviderError {
    const hint =
      this.lists.has(token) || this.isOneOfMany(token)
        ? 'many'
        : token instanceof OriginalToken
          ? 'original'
          : token instanceof NamedToken
            ? 'token'
            : 'class';
    // Looking for near names is slow; with many problems at once nobody reads them all.
    const near =
      ++this.suggested > mostSuggested
        ? []
        : nearNames(tokenName(token), this.names(new Set([token])));
    return new MissingProviderError(
      tokenName(token),
      path,
      parameter,
      near,
      hint,
      writtenAs(token),
    );
  }

  /** Whether it asks for one original of a token that has several. */
  private isOneOfMany(token: Token): boolean {
    if (!(token instanceof OriginalToken)) return false;
    return this.originals.get(token.of)?.some(({ many }) => many) === true;
  }

  /** Names of what is provided, for suggestions. */
  private names(except: ReadonlySet<Token>): string[] {
    const isHandler = (token: Token) => {
      const slot = this.slots.get(token);
      if (slot === undefined || slot instanceof AliasProvider) return false;
      return slot.kind === 'method' && slot.handler;
    };
    return [...this.claims.keys()]
      .filter((token) => !except.has(token) && !this.internal.has(token) && !isHandler(token))
      .map(tokenName);
  }
}

/** Names of the methods of what a node makes, as far as its classes tell. */
function methodsMadeBy(node: Node, token: Token): string[] {
  if (node.kind === 'class') return methodNames(node.target.prototype);
  const types: unknown[] = [token];
  if (node.kind === 'method') {
    const holder = (node.static ? node.target : node.target.prototype) as object;
    types.push(node.makes, returnType(holder, node.method));
  }
  const names = types.flatMap((type) =>
    typeof type === 'function' && type !== Object && type !== Promise
      ? methodNames(type.prototype)
      : [],
  );
  if (node.kind === 'value') names.push(...methodNames(node.value));
  return [...new Set(names)];
}

function isInThread({ placement, scope }: MethodNode): boolean {
  return placement === 'thread' || scope === 'thread';
}

function isInjectable(token: Token): token is AbstractClass {
  return !(token instanceof NamedToken) && findRecord(token)?.injectable !== undefined;
}
