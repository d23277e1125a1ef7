/** Says which steps of a plan would be better off on the other side, from what was measured. */
import type { Hop } from './hop.js';
import type { Node } from './node.js';
import { loop } from './placement.js';
import type { Plan } from './plan.js';
import { blockingTimes, type StepTimes } from './step-times.js';

/** Below so many runs nothing is said of a step in a thread, or of a trip to one. */
const fewRuns = 32;

/** Below so many measured runs nothing is said of a step on the loop. */
const fewBlocks = 8;

/** How long a step may hold the loop in one of ten runs before it is named, in milliseconds. */
const longBlock = 10;

/** One line for each piece of advice; none where there is nothing to say, or too little is known. */
export function adviceFor(plan: Plan, times: StepTimes): string[] {
  const lines = plan.units.flatMap(({ hop }) =>
    hop === undefined ? [] : adviceForHop(hop, times),
  );
  for (const { node, kind, side } of plan.steps) {
    if (kind === 'make' && side === loop) lines.push(...adviceForLoop(node));
  }
  return lines;
}

/** Steps of a hop that together take less than the trip: a heavy one among them pays for all. */
function adviceForHop({ steps, definition }: Hop, times: StepTimes): string[] {
  const methods = steps.flatMap(({ node }) => (node.kind === 'method' ? [node] : []));
  // On the loop there is nothing that lives once per thread, and a generator's end may be long.
  const isBound = steps.some(({ node }) => node.scope === 'thread');
  if (isBound || methods.length === 0 || methods.some(({ generator }) => generator)) return [];
  const overhead = times.overhead(definition.group);
  if (overhead.count < fewRuns) return [];
  let total = 0;
  let count = Infinity;
  for (const node of methods) {
    const ran = times.runTimes(node);
    if (ran === undefined || ran.count < fewRuns) return [];
    total += ran.percentile(50);
    count = Math.min(count, ran.count);
  }
  const trip = overhead.percentile(50);
  if (total >= trip) return [];
  const labels = methods.map(({ label }) => label);
  const isOne = labels.length === 1;
  return [
    `advice: ${labels.join(' and ')} ran ${shown(total)} ms${isOne ? '' : ' together'} (median of ${count}), less than the ${shown(trip)} ms of ${isOne ? 'its' : 'their'} trip to a thread: write ${isOne ? 'it' : 'them'} async, or give ${isOne ? 'it' : 'them'} on: 'loop'.`,
  ];
}

function adviceForLoop(node: Node): string[] {
  const blocks = blockingTimes(node);
  if (blocks === undefined || blocks.count < fewBlocks) return [];
  const time = blocks.percentile(90);
  if (time < longBlock) return [];
  const remedy =
    node.kind === 'class'
      ? 'let its constructor do less, and move the work into a method without async'
      : 'write it without async, so that it runs in a thread';
  return [
    `advice: ${node.label} blocked the event loop for ${shown(time)} ms (p90 of ${blocks.count}): ${remedy}.`,
  ];
}

function shown(milliseconds: number): string {
  return milliseconds >= 10 ? milliseconds.toFixed(0) : milliseconds.toPrecision(2);
}
