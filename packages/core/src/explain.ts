/** Says in text how a plan runs, for people. */
import { defaultGroup } from './scope.js';
import type { Hop } from './hop.js';
import { type Node } from './node.js';
import { loop, type Side } from './placement.js';
import type { Plan, Unit } from './plan.js';
import type { Split } from './split.js';
import type { Step } from './step.js';
import { measuredTime } from './trace.js';

interface Row {
  readonly number: number;
  readonly step: Step;
  /** Numbers of its hops, from 1: several only for what threads keep; none on the loop. */
  readonly hops: readonly number[];
}

/**
 * One line per step in the order of the plan: number, label, scope, placement, what it waits for.
 * Steps that share a trip to a thread carry the number of the same hop. The last line is the
 * critical path: the chain of loop steps and hops that the target has to wait for longest, by
 * their mean run times if some were traced, else by their number.
 * @param splitOf - how a hop is taken apart now where threads are idle, if it is.
 * @param advice - further lines.
 */
export function explainPlan(
  plan: Plan,
  splitOf: (hop: Hop) => Split | undefined = () => undefined,
  advice: readonly string[] = [],
): string {
  const { rows, hops } = rowsOf(plan);
  const cells = rows.map((row) => [
    String(row.number),
    row.step.node.label,
    `[${describeScope(row.step)}]`,
    describePlace(row),
    describeNeeds(row),
  ]);
  const trips = hops === 0 ? 'no thread' : `${count(hops, 'hop')} to a thread`;
  const title = `${plan.target.label}: ${count(cells.length, 'step')}, ${trips}`;
  const lines = [...table(cells), ...criticalPath(plan), ...describeSplits(plan, splitOf)];
  return [title, ...lines, ...advice].join('\n');
}

/** A line for each hop whose branches run at the same time where threads are idle. */
function describeSplits(plan: Plan, splitOf: (hop: Hop) => Split | undefined): string[] {
  const hops = plan.units.flatMap(({ hop }) => hop ?? []);
  return hops.flatMap((hop, index) => {
    const split = splitOf(hop);
    if (split === undefined) return [];
    const branches = split.branches.map(labelsOf).join(' | ');
    return [
      `while threads are idle, hop ${index + 1} runs as: ${branches}, then ${labelsOf(split.tail)}`,
    ];
  });
}

function labelsOf({ steps }: Hop): string {
  const made = steps.filter(({ bound }) => bound !== 'thread');
  return `[${made.map(({ node }) => node.label).join(' ')}]`;
}

/**
 * Says which singletons the container makes at start, in the order in which it starts them.
 * @param eager - those that do not wait for their first use, dependencies first.
 * @param planOf - the plan of a singleton.
 */
export function explainStart(eager: readonly Node[], planOf: (node: Node) => Plan): string {
  const plans = startOrder(eager, planOf);
  const numbers = new Map([...plans.keys()].map((node, index) => [node, index + 1]));
  const cells = [...plans].map(([node, plan], index) => {
    const after = loadsOf(plan).map((load) => numbers.get(load) ?? 0);
    const { side } = plan.root;
    return [
      String(index + 1),
      node.label,
      `[${node.scope}]`,
      describeSide(side),
      describeAfter(after),
    ];
  });
  const title = `start: ${count(cells.length, 'singleton')}`;
  if (cells.length === 0) return title;
  const rule = 'each as soon as what it waits for is there; stop: last ready, first ended';
  return [`${title}, ${rule}`, ...table(cells)].join('\n');
}

/** With the lazy ones that others need, each after what it loads. Without recursion, as always. */
function startOrder(eager: readonly Node[], planOf: (node: Node) => Plan): ReadonlyMap<Node, Plan> {
  const order = new Map<Node, Plan>();
  const opened = new Set<Node>();
  const open = (node: Node) => {
    opened.add(node);
    const plan = planOf(node);
    return { node, plan, loads: loadsOf(plan), next: 0 };
  };
  for (const start of eager) {
    const frames = opened.has(start) ? [] : [open(start)];
    for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
      const load = frame.loads[frame.next++];
      if (load === undefined) {
        order.set(frame.node, frame.plan);
        frames.pop();
      } else if (!opened.has(load)) {
        frames.push(open(load));
      }
    }
  }
  return order;
}

function loadsOf({ steps }: Plan): readonly Node[] {
  return steps.filter(({ kind }) => kind === 'load').map(({ node }) => node);
}

/** Columns; the first is numbers. */
function table(cells: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of cells) {
    row.forEach((cell, column) => (widths[column] = Math.max(widths[column] ?? 0, cell.length)));
  }
  return cells.map(([number = '', ...rest]) =>
    [
      `  ${number.padStart(widths[0] ?? 0)}`,
      ...rest.map((cell, i) => cell.padEnd(widths[i + 1] ?? 0)),
    ]
      .join('  ')
      .trimEnd(),
  );
}

/**
 * One line, or none where nothing is to be made. As if nothing competed for the loop and for
 * threads: what overlaps in the plan is taken to overlap.
 */
function criticalPath({ units }: Plan): string[] {
  const isMade = ({ steps: [step] }: Unit) => step?.kind !== 'load' && step?.kind !== 'phase';
  const isMeasured = units.some((unit) => isMade(unit) && measuredTime(unit) !== undefined);
  // Among chains of one length, that with more hops: so much less than a step counts a hop.
  const hopWeight = 1 / (units.length + 1);
  const weight = (unit: Unit): number => {
    if (!isMade(unit)) return 0;
    if (isMeasured) return measuredTime(unit) ?? 0;
    return unit.hop === undefined ? 1 : 1 + hopWeight;
  };
  /** For each unit, the longest way to its start, and where that comes from. */
  const ways = units.map(() => ({ length: 0, from: undefined as Unit | undefined }));
  for (const unit of units) {
    const length = (ways[unit.index]?.length ?? 0) + weight(unit);
    for (const index of unit.dependants) {
      const way = ways[index];
      if (way !== undefined && (way.from === undefined || length > way.length)) {
        ways[index] = { length, from: unit };
      }
    }
  }
  const hops = units.filter(({ hop }) => hop !== undefined);
  const path: string[] = [];
  // All lead to the root, which is the last.
  for (let unit = units.at(-1); unit !== undefined; unit = ways[unit.index]?.from) {
    if (!isMade(unit)) continue;
    const name =
      unit.hop === undefined ? unit.steps[0]?.node.label : `hop ${hops.indexOf(unit) + 1}`;
    const time = measuredTime(unit);
    const told = time === undefined ? '(not measured)' : `${time.toFixed(1)} ms`;
    path.unshift(isMeasured ? `${name ?? ''} ${told}` : (name ?? ''));
  }
  if (path.length === 0) return [];
  const how = isMeasured ? 'as measured' : 'by number of steps';
  return [`critical path, ${how}: ${path.join(' -> ')}`];
}

/** A row for each step. */
function rowsOf(plan: Plan): { rows: readonly Row[]; hops: number } {
  const hops = plan.units.flatMap(({ hop }) => hop ?? []);
  const rows = plan.steps.map((step) => ({
    number: step.index + 1,
    step,
    hops: hops.flatMap(({ steps }, index) => (steps.includes(step) ? [index + 1] : [])),
  }));
  return { rows, hops: hops.length };
}

function describeScope({ node, kind }: Step): string {
  if (kind === 'phase') return kind;
  if (kind === 'value' || (kind === 'given' && node.scope !== 'request')) return 'value';
  if (kind === 'given' || kind === 'input' || node.kind === 'reading') return 'scope value';
  if (kind === 'signal' || kind === 'offloaded') return kind;
  return node.kind === 'method' && node.handler ? 'handler' : node.scope;
}

function describePlace({ step, hops }: Row): string {
  if (step.node.kind === 'offloaded') {
    // Methods of a given value are called where it is.
    const isGiven = step.node.needs[0]?.kind === 'value';
    return isGiven ? 'loop' : 'loop, calls in threads';
  }
  if (hops.length > 0) return `${describeSide(step.side)}, hop ${hops.join(', ')}`;
  return step.kind === 'load' ? 'loop, kept' : 'loop';
}

function describeSide(side: Side): string {
  if (side === loop) return 'loop';
  return side === defaultGroup ? 'thread' : `thread of '${side}'`;
}

function describeNeeds({ step }: Row): string {
  return describeAfter([...step.needs, ...step.after].map((need) => need + 1));
}

function describeAfter(numbers: readonly number[]): string {
  const each = [...new Set(numbers)].sort((a, b) => a - b);
  return each.length === 0 ? '' : `after ${each.join(', ')}`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
