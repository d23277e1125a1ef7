/** The nodes of the graph: each a provider, or something else that a parameter may get. */
import { findRecord, type MethodRecord, type ParameterSource } from './record.js';
import type { OffloadedToken } from './request-token.js';
import { isScoped, type Placement, type Scope } from './scope.js';
import { tokenName, type AbstractClass, type Token } from './token.js';

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
  /** How long its constructor may take in a thread, in milliseconds: on the loop nothing can end it. */
  readonly deadline: number | undefined;
}

/** A method that is called. */
export interface MethodNode extends NodeBase {
  readonly kind: 'method';
  /** The class that was listed: of the instance, or the holder of the static method. */
  readonly target: AbstractClass;
  readonly method: string | symbol;
  readonly static: boolean;
  /** The function itself, where nothing can come into its place: to look it up takes 0.02 µs each time. */
  readonly fixed: ((...values: unknown[]) => unknown) | undefined;
  readonly record: MethodRecord;
  readonly placement: Placement;
  /** The group of threads that runs it, where it is placed in one. */
  readonly group: string;
  /**
   * How long it may take, in milliseconds: from its start to its value; for a handler from the start
   * of its plan.
   */
  readonly deadline: number | undefined;
  /** Whether it is a generator: its `yield` gives the value, what follows is the teardown. */
  readonly generator: boolean;
  /** The class of what it makes, as far as the token or the declared return type tell. */
  readonly makes: AbstractClass | undefined;
  /** A root of plans, such as a route's handler: nothing may inject it. */
  readonly handler: boolean;
  /** What is made before anything else of the plan of a handler, one after the other; for its effect. */
  readonly before: Node[];
  readonly lazy: boolean;
}

/** A value that was given to the container. */
export interface ValueNode extends NodeBase {
  readonly kind: 'value';
  /** Undefined for what an optional parameter gets where nothing provides its token. */
  readonly token: Token | undefined;
  readonly value: unknown;
}

/** A value that is given to each scope; or the container, which is there in all (`transient`). */
export interface GivenNode extends NodeBase {
  readonly kind: 'given';
  readonly token: Token;
  /** Whether it is undefined where a scope was not given it. */
  readonly isOptional: boolean;
}

/** A parameter that is read from a given value. */
export interface InputNode extends NodeBase {
  readonly kind: 'input';
  readonly source: ParameterSource;
  readonly owner: string;
  readonly parameter: number;
  readonly type: unknown;
  readonly read: (from: unknown) => unknown;
  /** Where the parameter itself is read in a thread: reads it here, if that is cheap. */
  readonly check: ((from: unknown) => unknown) | undefined;
}

/** A parameter that is read in a thread, beside the method that takes it, from what was picked. */
export interface ReadingNode extends NodeBase {
  readonly kind: 'reading';
  readonly owner: string;
  /** Of the method that takes it: the class that was listed. */
  readonly target: AbstractClass;
  readonly method: string;
  readonly static: boolean;
  readonly parameter: number;
}

/** The `AbortSignal` of whoever resolves. */
export interface SignalNode extends NodeBase {
  readonly kind: 'signal';
}

/** All providers of one token, as a list; the list is made where its consumer runs. */
export interface ListNode extends NodeBase {
  readonly kind: 'list';
}

/** A function that resolves a token on demand. */
export interface LazyNode extends NodeBase {
  readonly kind: 'lazy';
  /** What it resolves; no edge, so it may lead back here. Set when the node is linked. */
  target: Node | undefined;
}

/** An object on the loop whose methods run in threads. It needs what they are called on there. */
export interface OffloadedNode extends NodeBase {
  readonly kind: 'offloaded';
  readonly token: OffloadedToken<unknown>;
  /** The group of threads that its methods run in. */
  readonly group: string;
  /** Names of the methods. Set when the node is linked. */
  methods: readonly string[];
}

/** One call of an offloaded method: the root of a plan, in no graph. Its arguments come with the run. */
export interface OffloadedMethodNode extends NodeBase {
  readonly kind: 'offloadedMethod';
  readonly method: string;
  readonly group: string;
  /** As messages name the class of the method. */
  readonly owner: string;
}

export type Node =
  | ClassNode
  | MethodNode
  | ValueNode
  | GivenNode
  | InputNode
  | ReadingNode
  | SignalNode
  | ListNode
  | LazyNode
  | OffloadedNode
  | OffloadedMethodNode;

/** A node before it has a place in the graph. */
export type NodeParts = Node extends infer N
  ? N extends Node
    ? Omit<N, 'index' | 'needs' | 'consumers'>
    : never
  : never;

/** @param signal - the node of the signal that the method gets as its last argument, if it gets one. */
export function offloadedMethod(
  { needs, token, group }: OffloadedNode,
  method: string,
  signal: Node | undefined,
): OffloadedMethodNode {
  const [instance] = needs;
  const owner = instance?.kind === 'class' ? instance.label : tokenName(token.of);
  return {
    kind: 'offloadedMethod',
    index: -1,
    label: `${owner}.${method}`,
    scope: 'transient',
    needs: signal === undefined ? needs : [...needs, signal],
    consumers: [],
    method,
    group,
    owner,
  };
}

/**
 * Names what a class or method makes, the same in every thread and in every graph that has it; also
 * the key under which a thread keeps its value. Empty for all else.
 */
export function providerKey(node: Node): string {
  if (node.kind !== 'class' && node.kind !== 'method') return '';
  const id = findRecord(node.target)?.id ?? '';
  return node.kind === 'method' ? `${id}${node.static ? '.' : '#'}${String(node.method)}` : id;
}

/** Whether a node's value is kept in the container, or in a scope, for who asks next. */
export function isKept(node: Node): boolean {
  return (
    (node.kind === 'class' || node.kind === 'method') &&
    (node.scope === 'singleton' || isScoped(node.scope))
  );
}
