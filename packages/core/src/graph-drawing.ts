/** Draws a graph: as text for Mermaid, and for Graphviz. */
import type { GraphData, GraphEdge, GraphNode } from './graph-data.js';
import type { Scope } from './scope.js';

/**
 * The graph as a Mermaid flowchart; an arrow leads from who needs something to what it needs.
 *
 * Colours tell where a node is made (blue on the loop, orange in threads, green on both), shapes
 * how long its value lives (a rectangle is a singleton, a double-edged one lives in each thread,
 * rounded ones last for a request or call, one with half-circles is transient). Dashed arrows are
 * resolved on demand. Edges whose ends are not both in `nodes` are left out, so that part of a
 * graph can be drawn by filtering `nodes`.
 */
export function toMermaid({ nodes, edges }: GraphData): string {
  const names = namesOf(nodes);
  const lines = nodes.map((node) => {
    const [open, close] = mermaidShapes[node.scope];
    const text = `${mermaidText(node.label)}<br/>${mermaidText(describeLife(node))}`;
    return `  ${names.get(node.id) ?? ''}${open}"${text}"${close}:::${node.placement}`;
  });
  for (const { from, to, kind } of linksOf(edges, names)) {
    lines.push(`  ${from} ${kind === 'lazy' ? '-.->' : '-->'} ${to}`);
  }
  const classes = placements.map(
    (placement) => `  classDef ${placement} fill:${colours[placement]},stroke:#333,color:#000`,
  );
  return ['flowchart LR', ...lines, ...classes, ''].join('\n');
}

/** The graph in the DOT language of Graphviz. Drawn as {@link toMermaid} does. */
export function toDot({ nodes, edges }: GraphData): string {
  const names = namesOf(nodes);
  const lines = nodes.map((node) => {
    const text = `${dotText(node.label)}\\n${dotText(describeLife(node))}`;
    const look = `${dotShapes[node.scope]}, fillcolor="${colours[node.placement]}"`;
    return `  ${names.get(node.id) ?? ''} [label="${text}", ${look}];`;
  });
  for (const { from, to, kind } of linksOf(edges, names)) {
    lines.push(`  ${from} -> ${to}${kind === 'lazy' ? ' [style=dashed]' : ''};`);
  }
  return ['digraph turno {', '  rankdir=LR;', ...lines, '}', ''].join('\n');
}

const placements = ['loop', 'thread', 'both'] as const;

const colours: Record<GraphNode['placement'], string> = {
  loop: '#dbeafe',
  thread: '#fed7aa',
  both: '#d9f99d',
};

const mermaidShapes: Record<Scope, readonly [open: string, close: string]> = {
  singleton: ['[', ']'],
  thread: ['[[', ']]'],
  request: ['(', ')'],
  call: ['(', ')'],
  transient: ['([', '])'],
};

const dotShapes: Record<Scope, string> = {
  singleton: 'shape=box, style="filled"',
  thread: 'shape=box, peripheries=2, style="filled"',
  request: 'shape=box, style="rounded,filled"',
  call: 'shape=box, style="rounded,filled"',
  transient: 'shape=ellipse, style="filled"',
};

/** Of the nodes in the drawing; ids that have been through other hands may hold anything. */
function namesOf(nodes: readonly GraphNode[]): ReadonlyMap<string, string> {
  return new Map(nodes.map(({ id }, position) => [id, `n${position}`]));
}

function linksOf(edges: readonly GraphEdge[], names: ReadonlyMap<string, string>): GraphEdge[] {
  return edges.flatMap((edge) => {
    const from = names.get(edge.from);
    const to = names.get(edge.to);
    return from === undefined || to === undefined ? [] : [{ from, to, kind: edge.kind }];
  });
}

function describeLife({ kind, scope, placement }: GraphNode): string {
  const where = placement === 'both' ? 'loop and thread' : placement;
  if (kind === 'class' || kind === 'method') return `${scope}, ${where}`;
  if (kind === 'handler') return `handler, ${where}`;
  return kind === 'scopeValue' ? 'scope value' : kind;
}

/**
 * Everything but letters, digits and a few harmless marks as a code: `#34;`. Quotes and `#` would
 * end the text or begin a code, `<` and `&` are HTML, backticks Markdown; and a colon may not
 * stand before a code, since Mermaid takes `style…:…#…;` for CSS wherever it finds it.
 */
function mermaidText(text: string): string {
  return text.replaceAll(/[^\p{L}\p{N} .,()-]/gu, (mark) => `#${codeOf(mark)};`);
}

function codeOf(mark: string): number {
  const code = mark.codePointAt(0) ?? 0;
  // HTML has no such characters: half a surrogate pair, and NUL.
  return code === 0 || (code >= 0xd800 && code <= 0xdfff) ? 0xfffd : code;
}

/** Graphviz decodes HTML entities in labels, and expands `\N`, `\G` and the like. */
function dotText(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll(/\r\n|[\n\r]/g, '\\n')
    .replaceAll(/[\p{Cc}\p{Cs}]/gu, '\ufffd');
}
