/** Tells what a handler gets that is torn down at the end of its call. */
import type { Node } from './node.js';
import { loop, sideOf } from './placement.js';

/**
 * Labels of what a handler on the loop is given, itself or in something else, and what ends before an
 * answer that comes piece by piece: what has scope `call`, and transient values with a teardown.
 */
export function endingWithCall(handler: Node): readonly string[] {
  if (sideOf(handler) !== loop) return [];
  const seen = new Set(handler.needs);
  const found: Node[] = [];
  // A set that grows while it is walked.
  for (const node of seen) {
    // What it needs lives at least as long.
    if (node.scope !== 'call' && node.scope !== 'transient') continue;
    if (node.scope === 'call' || hasTeardown(node)) found.push(node);
    for (const need of node.needs) seen.add(need);
    if (node.kind === 'lazy' && node.target !== undefined) seen.add(node.target);
  }
  return [...new Set(found.map(({ label }) => label))];
}

function hasTeardown(node: Node): boolean {
  if (node.kind === 'method') return node.generator;
  if (node.kind !== 'class') return false;
  const prototype = node.target.prototype as object;
  return Symbol.asyncDispose in prototype || Symbol.dispose in prototype;
}
