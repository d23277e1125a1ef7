/** Says in text how a plan runs, for people. */
import type { Plan } from './plan.js';
import type { Step } from './step.js';

interface Row {
  readonly number: number;
  readonly step: Step;
  /** Number of the hop, from 1; undefined on the loop. */
  readonly hop: number | undefined;
}

/**
 * One line per step in the order of the plan: number, label, scope, placement, what it waits for.
 * Steps that share a trip to a thread carry the number of the same hop.
 */
export function explainPlan(plan: Plan): string {
  const { rows, hops } = rowsOf(plan);
  const cells = [...new Set(rows.values())].map((row) => [
    String(row.number),
    row.step.node.label,
    `[${describeScope(row.step)}]`,
    describePlace(row),
    describeNeeds(row, rows),
  ]);
  const widths = [0, 1, 2, 3].map((column) =>
    Math.max(...cells.map((row) => row[column]?.length ?? 0)),
  );
  const lines = cells.map(([number = '', ...rest]) =>
    [
      `  ${number.padStart(widths[0] ?? 0)}`,
      ...rest.map((cell, i) => cell.padEnd(widths[i + 1] ?? 0)),
    ]
      .join('  ')
      .trimEnd(),
  );
  const trips = hops === 0 ? 'no thread' : `${count(hops, 'hop')} to a thread`;
  return [`${plan.target.label}: ${count(cells.length, 'step')}, ${trips}`, ...lines].join('\n');
}

/** A row for each step; what a thread keeps is one row for all in a hop that share it. */
function rowsOf(plan: Plan): { rows: ReadonlyMap<number, Row>; hops: number } {
  const hopOf = new Map<Step, number>();
  const shared = new Map<Step, Step>();
  let hops = 0;
  for (const { hop } of plan.units) {
    if (hop === undefined) continue;
    hops++;
    for (const step of hop.steps) {
      hopOf.set(step, hops);
      if (hop.planned.includes(step)) continue;
      const same = hop.planned.find(({ node }) => node === step.node);
      if (same !== undefined) shared.set(step, same);
    }
  }
  const rows = new Map<number, Row>();
  let number = 0;
  for (const step of plan.steps) {
    const same = shared.get(step);
    const row = same === undefined ? undefined : rows.get(same.index);
    rows.set(step.index, row ?? { number: ++number, step, hop: hopOf.get(step) });
  }
  return { rows, hops };
}

function describeScope({ node, kind }: Step): string {
  if (kind === 'value') return 'value';
  if (kind === 'given' || kind === 'input') return 'scope value';
  if (kind === 'signal') return 'signal';
  return node.kind === 'method' && node.handler ? 'handler' : node.scope;
}

function describePlace({ step, hop }: Row): string {
  if (hop !== undefined) return `thread, hop ${hop}`;
  return step.kind === 'load' ? 'loop, kept' : 'loop';
}

function describeNeeds({ step }: Row, rows: ReadonlyMap<number, Row>): string {
  const numbers = new Set(step.needs.map((need) => rows.get(need)?.number ?? 0));
  return numbers.size === 0 ? '' : `after ${[...numbers].sort((a, b) => a - b).join(', ')}`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
