/** The graph as plain data, and drawn: for people, files and tools. */
import { findSourceMap } from 'node:module';

import type { Node } from './node.js';
import { isInstanceOf, type Sides } from './placement.js';
import { findRecord } from './record.js';
import type { CallSite } from './call-site.js';
import type { Scope } from './scope.js';
import { tokenName } from './token.js';

/**
 * A graph of providers. Frozen, and nothing but JSON: it can be written to a file, read again,
 * compared, filtered and drawn ({@link toMermaid}, {@link toDot}).
 */
export interface GraphData {
  /** In the order of declaration; dependencies that nobody listed come where they were met. */
  readonly nodes: readonly GraphNode[];
  /** Consumer by consumer, in the order of its parameters. */
  readonly edges: readonly GraphEdge[];
}

export interface GraphNode {
  /** Names the node in `edges`. The same in each picture of a container; not while it is overridden. */
  readonly id: string;
  /** As paths and messages show it: `Kitchen.grind`. */
  readonly label: string;
  /** The name of the token that it provides; null where it provides none, as a handler. */
  readonly token: string | null;
  /**
   * - `class`: constructed; `method`: called, also a function of `provide`; `handler`: called, and the root of its plan;
   * - `value`: given to the container; `scopeValue`: given to each scope;
   * - `parameter`: read from a scope value (over HTTP: from the request);
   * - `signal`: the `AbortSignal`; `list`: all providers of a token; `lazy`: a function that
   *   resolves a token on demand; `offloaded`: an object whose methods run in threads.
   */
  readonly kind:
    | 'class'
    | 'method'
    | 'handler'
    | 'value'
    | 'scopeValue'
    | 'parameter'
    | 'signal'
    | 'list'
    | 'lazy'
    | 'offloaded';
  readonly scope: Scope;
  /** Where it is made: `both` is a class of which loop and threads make an instance each. */
  readonly placement: 'loop' | 'thread' | 'both';
  /** Whether a singleton waits for its first use, instead of being made at start. */
  readonly lazy: boolean;
  /**
   * URL of the file in which its class is declared, null for what has no decorated class: of the
   * source where Node knows the source map (`--enable-source-maps`), else of the code that runs.
   */
  readonly file: string | null;
  /**
   * Line in that file, from 1: of the class, or of the first of its members that has a decorator.
   */
  readonly line: number | null;
}

export interface GraphEdge {
  /** Id of the node that needs something. */
  readonly from: string;
  /** Id of what it needs. */
  readonly to: string;
  /**
   * `parameter`: an argument of it, or what a parameter is read from; `instance`: what a method
   * (or those that are offloaded) is called on; `member`: of a list; `lazy`: resolved on demand, so it
   * may lead back; `before`: made before a handler, which does not get it.
   */
  readonly kind: 'parameter' | 'instance' | 'member' | 'lazy' | 'before';
}

/** @param sides - where the nodes are made; see `updateSides`. */
export function describeGraph(nodes: readonly Node[], sides: ReadonlyMap<Node, Sides>): GraphData {
  // The signal is in every graph, wanted or not.
  const shown = nodes.filter(({ kind, consumers }) => kind !== 'signal' || consumers.length > 0);
  return Object.freeze({
    nodes: Object.freeze(shown.map((node) => Object.freeze(describeNode(node, sides)))),
    edges: Object.freeze(shown.flatMap((node) => edgesOf(node).map((edge) => Object.freeze(edge)))),
  });
}

function describeNode(node: Node, sides: ReadonlyMap<Node, Sides>): GraphNode {
  const isMade = node.kind === 'class' || node.kind === 'method';
  const site = isMade ? findRecord(node.target)?.site : undefined;
  return {
    id: idOf(node),
    label: node.label,
    token: tokenOf(node),
    kind: kindOf(node),
    scope: node.scope,
    placement: placementIn(node, sides),
    lazy: isMade && node.lazy,
    ...(site === undefined ? { file: null, line: null } : sourceOf(site)),
  };
}

function idOf({ index }: Node): string {
  return `n${index}`;
}

function tokenOf(node: Node): string | null {
  if (node.kind === 'class') return tokenName(node.target);
  if (node.kind === 'method') {
    const token = node.handler ? undefined : node.record.provides?.token;
    return token ? tokenName(token) : null;
  }
  if (node.kind === 'given' || node.kind === 'value') {
    return node.token === undefined ? null : tokenName(node.token);
  }
  return node.kind === 'signal' || node.kind === 'offloaded' ? node.label : null;
}

function kindOf(node: Node): GraphNode['kind'] {
  if (node.kind === 'method') return node.handler ? 'handler' : 'method';
  if (node.kind === 'given') return node.scope === 'request' ? 'scopeValue' : 'value';
  if (node.kind === 'input' || node.kind === 'reading') return 'parameter';
  return node.kind === 'offloadedMethod' ? 'method' : node.kind;
}

function placementIn(node: Node, sides: ReadonlyMap<Node, Sides>): GraphNode['placement'] {
  // Each hop whose steps ask for the signal has its own.
  const of = node.kind === 'signal' ? node.consumers : [node];
  const thread = of.some((each) => (sides.get(each)?.threads.length ?? 0) > 0);
  const loop = of.some((each) => sides.get(each)?.loop);
  return thread ? (loop ? 'both' : 'thread') : 'loop';
}

/** The place that a compiler's output came from, if Node has the map. */
function sourceOf({ module, line }: CallSite): { readonly file: string; readonly line: number } {
  // The call site has no column; what its line begins with is the class or what is decorated.
  const origin = findSourceMap(module)?.findEntry(line - 1, 0);
  return origin !== undefined && 'originalSource' in origin
    ? { file: origin.originalSource, line: origin.originalLine + 1 }
    : { file: module, line };
}

function edgesOf(node: Node): GraphEdge[] {
  const from = idOf(node);
  const edges = node.needs.map((need): GraphEdge => {
    const kind = isInstanceOf(node, need)
      ? 'instance'
      : node.kind === 'list'
        ? 'member'
        : 'parameter';
    return { from, to: idOf(need), kind };
  });
  if (node.kind === 'method') {
    edges.push(
      ...node.before.map((first): GraphEdge => ({ from, to: idOf(first), kind: 'before' })),
    );
  }
  if (node.kind === 'lazy' && node.target !== undefined) {
    edges.push({ from, to: idOf(node.target), kind: 'lazy' });
  }
  return edges;
}
