/** Says in text how a plan runs, for people. */
import type { Plan, Unit } from './plan.js';
import type { Step } from './step.js';

/**
 * One line per step in the order of the plan: number, label, scope, placement, what it waits for;
 * steps that share a trip to a thread carry the same hop.
 */
export function explainPlan(plan: Plan): string {
  const hops = plan.units.filter((unit) => unit.hop !== undefined);
  const hopOf = new Map(hops.flatMap((unit, hop) => unit.steps.map((step) => [step, hop + 1])));
  const rows = plan.steps.map((step) => [
    String(step.index + 1),
    step.node.label,
    `[${describeScope(step)}]`,
    describePlace(step, hopOf.get(step)),
    describeNeeds(step),
  ]);
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    `  ${row.map((cell, column) => (column === 0 ? cell.padStart(widths[0] ?? 0) : cell.padEnd(widths[column] ?? 0))).join('  ')}`.trimEnd(),
  );
  return [`${plan.target.label}: ${count(plan.steps.length, 'step')}, ${countHops(hops)}`, ...lines].join('\n');
}

function describeScope({ node, kind }: Step): string {
  if (kind === 'value') return 'value';
  if (kind === 'given' || kind === 'input') return 'scope value';
  if (kind === 'signal') return 'signal';
  return node.kind === 'method' && node.handler ? 'handler' : node.scope;
}

function describePlace(step: Step, hop: number | undefined): string {
  if (hop !== undefined) return `thread, hop ${hop}`;
  if (step.kind === 'load') return `loop, kept`;
  return 'loop';
}

function describeNeeds({ needs }: Step): string {
  const numbers = [...new Set(needs)].map((need) => need + 1);
  return numbers.length === 0 ? '' : `after ${numbers.join(', ')}`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

function countHops(hops: readonly Unit[]): string {
  return hops.length === 0 ? 'no thread' : `${count(hops.length, 'hop')} to a thread`;
}
