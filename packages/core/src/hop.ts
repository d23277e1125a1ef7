/** Fuses connected thread steps into hops, and describes each so that a thread can run it. */
import { providerKey, type Node, type OffloadedMethodNode } from './node.js';
import { findRecord } from './record.js';
import { bare } from './own.js';
import { loop } from './placement.js';
import { isScoped } from './scope.js';
import type { Step } from './step.js';
import type { HopDefinition, HopInput, HopStep, NeededClass } from './threads/executor.js';

/** One trip to a thread. */
export interface Hop {
  readonly definition: HopDefinition;
  /** As in `definition.steps`, in topological order. */
  readonly steps: readonly Step[];
  /** Steps of the plan whose values enter, as in `definition.inputs`. */
  readonly inputs: readonly number[];
  /** Steps of the plan whose values come back, as in `definition.outputs`. */
  readonly outputs: readonly number[];
  /** Steps of the plan whose values come back if they can, as in `definition.extras`. */
  readonly extras: readonly number[];
  /** All of these in topological order, each with the position of its value in what comes back. */
  readonly arrivals: readonly Arrival[];
  /** Steps of the plan whose values enter and come back, as in `definition.returned`. */
  readonly returned: readonly ReturnedInput[];
  /** What it was made from; for taking it apart. */
  readonly context: HopContext;
}

/** A value that comes back. */
export interface Arrival {
  /** Index of the step of the plan that made it. */
  readonly index: number;
  readonly position: number;
}

/** A value that a hop may write to. */
export interface ReturnedInput {
  /** Index of the step of the plan that made it. */
  readonly step: number;
  readonly merge: (original: unknown, returned: unknown) => void;
}

/** What is known when a hop is described. */
export interface HopContext {
  /** All steps of the plan. */
  readonly steps: readonly Step[];
  readonly root: Step;
  /** For each step of the plan, the steps that need it. */
  readonly consumers: readonly (readonly Step[])[];
  /** As for {@link groupHops}. */
  readonly keep: boolean;
  readonly late: readonly NeededClass[];
  /** The steps of the hop, in topological order. */
  readonly members: readonly Step[];
}

let lastId = 0;

/**
 * Groups the thread steps of a plan: those of one level that are connected make one hop.
 * @param keep - whether values that only the hop uses shall come back too where they can, for
 * what is resolved from the same scope later.
 * @param late - classes that threads have not been told of at their start.
 */
export function groupHops(
  steps: readonly Step[],
  root: Step,
  keep: boolean,
  late: readonly NeededClass[],
): Hop[] {
  const groups = new Groups(steps.length);
  const isOwn = (step: Step | undefined): step is Step =>
    step !== undefined && step.side !== loop && (step.bound !== 'thread' || step === root);
  for (const step of steps.filter(isOwn)) {
    for (const need of [...step.needs, ...step.after]) {
      const other = steps[need];
      if (isOwn(other) && other.level === step.level && other.side === step.side) {
        groups.join(step.index, need);
      }
    }
  }
  const members = new Map<number, Set<Step>>();
  for (const step of steps.filter(isOwn)) {
    const group = groups.find(step.index);
    const known = members.get(group) ?? new Set();
    members.set(group, known.add(step));
  }
  const consumers = consumersOf(steps);
  return [...members.values()].map((own) => {
    // A set that grows while it is walked: with each step goes what the thread keeps for it.
    for (const { needs } of own) {
      for (const need of needs) {
        const kept = steps[need];
        if (kept?.bound === 'thread') own.add(kept);
      }
    }
    const sorted = [...own].sort((a, b) => a.index - b.index);
    return describeHop(sorted, { steps, root, consumers, keep, late, members: sorted });
  });
}

/** The definition of a hop, with those of the classes that it uses. */
function withLate(definition: HopDefinition, late: readonly NeededClass[]): HopDefinition {
  const used = late.filter((need) =>
    definition.steps.some(({ classId }) => classId === need.classId),
  );
  return used.length === 0 ? definition : { ...definition, late: used };
}

function consumersOf(steps: readonly Step[]): readonly Step[][] {
  const consumers: Step[][] = steps.map(() => []);
  for (const step of steps) {
    for (const need of step.needs) consumers[need]?.push(step);
  }
  return consumers;
}

/**
 * @param sorted - the steps of the hop, in topological order.
 * @param lenient - steps that need values of these: where no others do, values come back only if they
 * can.
 * @param continues - whether it goes on with what another hop has begun.
 */
export function describeHop(
  sorted: readonly Step[],
  context: HopContext,
  lenient: ReadonlySet<Step> = new Set(),
  continues = false,
): Hop {
  const { steps, root, consumers, keep, late } = context;
  // Before anything runs all parameters are read, which need nothing that is made in the hop.
  const isReading = ({ node }: Step) => node.kind === 'reading';
  const members = [...sorted.filter(isReading), ...sorted.filter((step) => !isReading(step))];
  const inside = new Set(members);
  const inputs: number[] = [];
  const hopInputs: HopInput[] = [];
  const hopSteps: HopStep[] = [];
  /** Where each step of the plan stands in the definition: an operand. */
  const operands = new Map<number, number>();
  const operand = (need: number, consumer: Step, position: number): number => {
    const known = operands.get(need);
    if (known !== undefined) return known;
    const entering = inputs.length;
    inputs.push(need);
    hopInputs.push({
      consumer: consumer.node.label,
      parameter: `parameter ${position + 1} (${steps[need]?.node.label ?? ''})`,
    });
    operands.set(need, entering);
    return entering;
  };
  for (const step of members) {
    const { node } = step;
    const hasSelf = node.kind === 'offloadedMethod' || (node.kind === 'method' && !node.static);
    const args = step.needs.map((need, position) =>
      operand(need, step, hasSelf ? position - 1 : position),
    );
    const described =
      node.kind === 'offloadedMethod'
        ? describeOffloaded(node, args, inputs.length)
        : describeStep(step, args, consumers);
    hopSteps.push(bare(described));
    operands.set(step.index, ~(hopSteps.length - 1));
  }
  const isNeededBy = (step: Step, is: (consumer: Step) => boolean): boolean =>
    step.bound !== 'thread' && (consumers[step.index] ?? []).some(is);
  const leaves = (step: Step): boolean =>
    step === root || isNeededBy(step, (each) => !inside.has(each) && !lenient.has(each));
  const mayComeBack = (step: Step): boolean =>
    isNeededBy(step, (each) => !inside.has(each)) ||
    (keep && isScoped(step.node.scope) && mayLeave(step.node));
  const outputs = members.filter(leaves);
  const extras = members.filter((step) => !leaves(step) && mayComeBack(step));
  // An operand below zero is the complement of a position.
  const position = (step: Step) => ~(operands.get(step.index) as number);
  const returned = inputs.flatMap((step, index) => {
    const merge = mergeOf(steps[step]?.node);
    return merge === undefined ? [] : [{ index, input: { step, merge } }];
  });
  const definition: HopDefinition = {
    id: ++lastId,
    group: members[0]?.side ?? loop,
    steps: hopSteps,
    outputs: outputs.map(position),
    extras: extras.map(position),
    inputs: hopInputs,
    ...(returned.length === 0 ? {} : { returned: returned.map(({ index }) => index) }),
    ...(continues ? { continues } : {}),
    ...(root.node.kind === 'offloadedMethod' && inside.has(root) ? { rest: root.node.label } : {}),
  };
  return {
    definition: bare(withLate(definition, late)),
    steps: members,
    inputs,
    outputs: outputs.map(({ index }) => index),
    extras: extras.map(({ index }) => index),
    arrivals: [...outputs, ...extras]
      .map(({ index }, place) => ({ index, position: place }))
      .sort((a, b) => a.index - b.index),
    returned: returned.map(({ input }) => input),
    context,
  };
}

/** What puts into a value on the loop what a thread has written to it, if its class has that. */
function mergeOf(node: Node | undefined): ReturnedInput['merge'] | undefined {
  const type =
    node?.kind === 'method' ? node.makes : node?.kind === 'given' ? node.token : undefined;
  if (typeof type !== 'function') return undefined;
  return findRecord(type)?.portable?.merge as ReturnedInput['merge'] | undefined;
}

/** Whether it is worth trying to send a value to the loop: it might be portable. */
export function mayLeave(node: Node): boolean {
  if (node.kind === 'class') return findRecord(node.target)?.portable !== undefined;
  return node.kind === 'method' && !node.generator;
}

function describeStep(
  step: Step,
  args: readonly number[],
  consumers: HopContext['consumers'],
): HopStep {
  const { node, bound } = step;
  const isKept = bound === 'thread' || node.scope === 'thread';
  const key = isKept ? { perThread: keyInThread(step, consumers) } : {};
  if (node.kind === 'class') {
    const classId = findRecord(node.target)?.id ?? '';
    const limit = node.deadline === undefined ? {} : { deadline: node.deadline };
    return {
      label: node.label,
      operation: 'construct',
      classId,
      arguments: args,
      ...limit,
      ...key,
    };
  }
  if (node.kind === 'list') {
    return { label: node.label, operation: 'list', classId: '', arguments: args };
  }
  if (node.kind === 'reading') {
    const { label, target, method, owner, parameter: index } = node;
    const parameter = { index, owner, static: node.static };
    const classId = findRecord(target)?.id ?? '';
    return { label, operation: 'read', classId, method, parameter, arguments: args };
  }
  if (node.kind !== 'method') {
    return { label: node.label, operation: 'signal', classId: '', arguments: [] };
  }
  const [self, ...rest] = args;
  const isStatic = node.static || self === undefined;
  return {
    label: node.label,
    operation: 'call',
    classId: findRecord(node.target)?.id ?? '',
    method: String(node.method),
    ...(isStatic ? {} : { self }),
    arguments: isStatic ? args : rest,
    ...(node.generator ? { generator: true } : {}),
    ...(node.handler && node.record.handler?.finish !== undefined ? { finish: true } : {}),
    // That of a handler counts from the start of its plan, and is watched there.
    ...(node.deadline === undefined || node.handler ? {} : { deadline: node.deadline }),
    ...key,
  };
}

/** Names what a thread keeps; a transient value by what it was made for. */
function keyInThread(step: Step, consumers: HopContext['consumers']): string {
  const [consumer] = consumers[step.index] ?? [];
  if (step.node.scope !== 'transient' || consumer === undefined) return providerKey(step.node);
  return `${keyInThread(consumer, consumers)}[${consumer.needs.indexOf(step.index)}]`;
}

/** @param rest - the number of inputs that do not come with the call. */
function describeOffloaded(
  { label, method, owner }: OffloadedMethodNode,
  [self = 0, ...signal]: readonly number[],
  rest: number,
): HopStep {
  return {
    label,
    operation: 'call',
    classId: '',
    method,
    self,
    rest,
    arguments: signal,
    instead: `ask for ${owner} itself and call its method on the event loop`,
  };
}

/** Union-find over step indices. */
class Groups {
  private readonly parents: number[];

  constructor(size: number) {
    this.parents = Array.from({ length: size }, (_, index) => index);
  }

  find(index: number): number {
    let root = index;
    for (let parent = this.parents[root]; parent !== undefined && parent !== root;) {
      root = parent;
      parent = this.parents[root];
    }
    for (let at = index; at !== root;) {
      const next = this.parents[at] ?? root;
      this.parents[at] = root;
      at = next;
    }
    return root;
  }

  join(a: number, b: number): void {
    this.parents[this.find(a)] = this.find(b);
  }
}
