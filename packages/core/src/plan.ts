/** Compiles a node of the graph to a plan: its steps in topological order, thread steps fused. */
import type { Leaving } from './crossing.js';
import {
  isKept,
  type GivenNode,
  type InputNode,
  type Node,
  type OffloadedNode,
  type ValueNode,
} from './node.js';
import { groupHops, type Hop } from './hop.js';
import { isMadeInPlace, levelOn, loop, sideOf, type Side, type Sides } from './placement.js';
import { isScoped, type Scope } from './scope.js';
import type { Step } from './step.js';
import { Sampling } from './step-times.js';
import { Straight } from './straight.js';
import type { NeededClass } from './threads/executor.js';

/** A parameter that is read in a run. */
export interface Input {
  readonly step: Step;
  readonly node: InputNode;
}

/** What is started as one: a step on the loop, or a hop. */
export interface Unit {
  /** Position in `plan.units`. */
  readonly index: number;
  readonly steps: readonly Step[];
  readonly hop: Hop | undefined;
  /** How many units it waits for. */
  readonly waits: number;
  /** Units that wait for it, ascending. */
  readonly dependants: readonly number[];
}

/** How to make one value. Pure data: made once, run as often as asked for. */
export interface Plan {
  readonly target: Node;
  readonly steps: readonly Step[];
  readonly root: Step;
  /** In topological order. */
  readonly units: readonly Unit[];
  /** For each unit, how many units it waits for; the start of what each run counts down. */
  readonly waits: readonly number[];
  /** Whether some of it runs in threads. */
  readonly hasHops: boolean;
  /** Parameters that are read before anything runs. */
  readonly inputs: readonly Input[];
  /** Parameters that are read when what is made before the root is there, and before all else. */
  readonly laterInputs: readonly Input[];
  /** Scope values that it uses. */
  readonly given: readonly {
    readonly index: number;
    readonly node: GivenNode;
    /** The scope of what is made with it. */
    readonly owner: Scope;
  }[];
  /** What needs no step, and {@link unmade}; the start of each run's array of results. */
  readonly template: readonly unknown[];
  readonly signals: readonly number[];
  /** Functions that resolve on demand, each with the kept value that is made with it. */
  readonly lazies: readonly {
    readonly step: Step;
    readonly target: Node;
    readonly maker: Node | undefined;
  }[];
  /** Whether it takes something of each scope before anything runs: `given`, `inputs` or `lazies`. */
  readonly isFed: boolean;
  /** Objects whose methods run in threads. */
  readonly offloads: readonly { readonly step: Step; readonly node: OffloadedNode }[];
  /** Singletons that it takes from the container. */
  readonly loads: readonly Node[];
  /** Scopes that values of its steps live in, and those of the calls of offloaded methods. */
  readonly scopes: ReadonlySet<Scope>;
  /** The innermost of those that has to be open; undefined where it can be made in the container. */
  readonly within: 'request' | 'call' | undefined;
  /** Which of its runs are measured on the loop. */
  readonly sampling: Sampling;
  /** Undefined where it cannot be made in one pass, without a word to anybody. */
  readonly straight: Straight | undefined;
  /** Scopes that dispose what it makes on the loop. */
  readonly owners: ReadonlySet<Scope>;
  /** Steps whose values the scope keeps (or, for a singleton's own plan, the container). */
  readonly kept: readonly Step[];
}

/** Stands in the results of a run for a value that the scope is to keep and that is not there yet. */
export const unmade = Symbol('unmade');

/** What a plan may take as there already. */
export interface Stored {
  /** Whether the scope keeps the value of a node already, or is making it. */
  has(node: Node): boolean;
}

const nothingStored: Stored = { has: () => false };

/**
 * Compiles the plan of one target. Singletons are loaded, not made: the container makes each by
 * a plan of its own, so that one construction serves all who wait for it.
 * @param sides - where each node of the graph is made; see `updateSides`.
 * @param late - classes that threads have not been told of at their start.
 */
export function compilePlan(
  target: Node,
  sides: ReadonlyMap<Node, Sides>,
  stored: Stored = nothingStored,
  late: readonly NeededClass[] = [],
): Plan {
  const steps = collectPhases(target, sides, stored);
  const root = steps[steps.length - 1] as Step;
  setLevels(steps);
  // What a handler leaves behind in a thread nobody asks for again: its request is over. Unless
  // somebody in it can resolve on demand. Each call of an offloaded method makes its own.
  const isLast =
    target.kind === 'offloadedMethod' ||
    (target.kind === 'method' && target.handler && !steps.some(({ kind }) => kind === 'lazy'));
  const hops = groupHops(steps, root, !isLast, late);
  const units = orderUnits(steps, hops, root);
  const template = steps.map((step) => templateOf(step));
  const scopes = scopesOf(steps);
  const given = steps.flatMap(({ index, node, owner }) =>
    node.kind === 'given' ? [{ index, node, owner }] : [],
  );
  const inputs = inputsOf(steps, (step) => step.after.length === 0);
  const lazies = lazySteps(steps);
  // A singleton is made by a plan of its own, so it is the root where it is made at all.
  const kept = steps.filter(
    ({ kind, node, bound }) => kind === 'make' && isKept(node) && bound === undefined,
  );
  return {
    target,
    steps,
    root,
    units,
    waits: units.map(({ waits }) => waits),
    hasHops: hops.length > 0,
    straight: Straight.of(target, steps, units, template, kept.length > 0),
    inputs,
    laterInputs: inputsOf(steps, isLaterInput),
    given,
    template,
    lazies,
    isFed: given.length + inputs.length + lazies.length > 0,
    sampling: new Sampling(),
    offloads: steps.flatMap((step) =>
      step.node.kind === 'offloaded' ? [{ step, node: step.node }] : [],
    ),
    signals: steps
      .filter(({ kind, side }) => kind === 'signal' && side === loop)
      .map(({ index }) => index),
    loads: steps.flatMap(({ kind, node }) =>
      kind === 'load' && node.scope === 'singleton' ? [node] : [],
    ),
    scopes,
    within: scopes.has('call') ? 'call' : scopes.has('request') ? 'request' : undefined,
    owners: new Set(steps.flatMap(({ kind, owner }) => (kind === 'make' ? [owner] : []))),
    kept,
  };
}

/** What leaves the hops of a plan whose steps wait for others; the value of its root left out. */
export function leavingHops({ steps, units, root, target }: Plan): readonly Leaving[] {
  const barriers = [...new Set(steps.flatMap(({ after }) => after))].map((at) => steps[at] as Step);
  if (barriers.length === 0) return [];
  return units.flatMap(({ hop }) => {
    if (hop === undefined) return [];
    const inside = new Set(hop.steps);
    return hop.outputs.flatMap((index) => {
      const { node, level } = steps[index] as Step;
      const consumer = steps.find((step) => step.needs.includes(index) && !inside.has(step));
      if (consumer === undefined || index === root.index) return [];
      const between = barriers.find((step) => step.level > level && step.level <= consumer.level);
      const what = between?.kind === 'phase' ? 'parameters' : between?.node;
      return [{ node, consumer: consumer.node, between: what, target }];
    });
  });
}

function templateOf({ node, kind, bound }: Step): unknown {
  if (node.kind === 'value') return node.value;
  return kind === 'make' && isKept(node) && bound === undefined ? unmade : undefined;
}

function inputsOf(steps: readonly Step[], which: (step: Step) => boolean): readonly Input[] {
  return steps.flatMap((step) =>
    step.node.kind === 'input' && which(step) ? [{ step, node: step.node }] : [],
  );
}

/** Whether a step is an input that comes after what is made before the root. */
function isLaterInput({ kind, after }: Step): boolean {
  return kind === 'input' && after.length > 0;
}

function scopesOf(steps: readonly Step[]): ReadonlySet<Scope> {
  const scopes = new Set(steps.map(({ node }) => node.scope));
  const needed = new Set(
    steps.flatMap(({ node }) => (node.kind === 'offloaded' ? node.needs : [])),
  );
  // A set that grows while it is walked.
  for (const { scope, needs } of needed) {
    scopes.add(scope);
    if (scope !== 'singleton') for (const need of needs) needed.add(need);
  }
  return scopes;
}

function lazySteps(steps: readonly Step[]): Plan['lazies'] {
  return steps.flatMap((step) => {
    const { node } = step;
    if (node.kind !== 'lazy' || node.target === undefined) return [];
    return [{ step, target: node.target, maker: makerOf(step, steps) }];
  });
}

/** The kept value that is made with a step: its consumer, behind transient ones. */
function makerOf(step: Step, steps: readonly Step[]): Node | undefined {
  let at = step;
  for (const consumer of steps.slice(step.index + 1)) {
    if (!consumer.needs.includes(at.index)) continue;
    if (isKept(consumer.node)) return consumer.node;
    at = consumer;
  }
  return undefined;
}

interface Frame {
  readonly node: Node;
  readonly side: Side;
  readonly bound: Step['bound'];
  readonly owner: Scope;
  /** The scope of what it is read for: its own, but for what is given and what is read from that. */
  readonly forOwner: Scope;
  readonly needs: number[];
  /** Of the root: what is made before all else. */
  readonly before: readonly Node[];
  next: number;
}

/** With a phase of its own for what is made before the root, if parameters are read after that. */
function collectPhases(target: Node, sides: ReadonlyMap<Node, Sides>, stored: Stored): Step[] {
  const steps = collectSteps(target, sides, stored, true);
  const isNeeded = steps.some(isLaterInput) || !steps.some(({ kind }) => kind === 'phase');
  return isNeeded ? steps : collectSteps(target, sides, stored, false);
}

/**
 * Depth first in the order of parameters, so that steps come out in topological order; what is made
 * before the root comes first. All that is collected after one of those waits for it: no step of a
 * later one starts before an earlier one has ended.
 * @param phased - whether all that is not made before the root waits for its parameters to be read.
 */
function collectSteps(
  target: Node,
  sides: ReadonlyMap<Node, Sides>,
  stored: Stored,
  phased: boolean,
): Step[] {
  const steps: Step[] = [];
  const shared = new Map<Node, Step>();
  /** What is given to scopes for what a request keeps: a call in it may have been given something else. */
  const givenForRequest = new Map<Node, Step>();
  const sharedFor = (node: Node, owner: Scope): Map<Node, Step> =>
    node.kind === 'given' && owner === 'request' ? givenForRequest : shared;
  /** What the threads of a group keep for themselves; the loop may have a value of the same node. */
  const inThreads = new Map<Side, Map<Node, Step>>();
  const open = (node: Node, side: Side, bound: Step['bound'], owner: Scope): Frame => ({
    node,
    side,
    bound,
    owner: node.scope === 'transient' || node.kind === 'given' ? owner : node.scope,
    forOwner: node.scope === 'transient' || isRead(node) ? owner : node.scope,
    needs: [],
    before: [],
    next: 0,
  });
  /** The last one that all further steps wait for. */
  let barrier: number | undefined;
  const note = (consumer: Frame | undefined, step: Step, isNew: boolean): void => {
    if (consumer === undefined) return;
    if (consumer.next > consumer.before.length) consumer.needs.push(step.index);
    else if (isNew && runs(step)) barrier = step.index;
  };
  const before = target.kind === 'method' ? target.before : [];
  const frames: Frame[] = [{ ...open(target, sideOf(target), undefined, 'transient'), before }];
  for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
    const { node, side } = frame;
    const kind = frames.length === 1 ? kindOf(node) : stepKind(node, frame, stored);
    const isFirst = frame.next < frame.before.length;
    // What is made before the root is complete.
    if (phased && !isFirst && frames.length === 1 && barrier !== undefined) {
      if (steps[barrier]?.kind !== 'phase') {
        barrier = steps.push(phaseAfter(barrier, steps.length)) - 1;
      }
    }
    const need = isFirst
      ? frame.before[frame.next++]
      : kind === 'make' || kind === 'input'
        ? node.needs[frame.next++ - frame.before.length]
        : undefined;
    if (need === undefined) {
      const step: Step = {
        index: steps.length,
        node,
        side: kind === 'load' ? loop : side,
        kind,
        needs: frame.needs,
        after: [],
        level: 0,
        bound: frame.bound,
        owner: frame.owner,
        look: undefined,
        looks: 0,
        code: undefined,
        calls: 0,
      };
      const last = barrier === undefined ? undefined : steps[barrier];
      const waits = runs(step) || (kind === 'input' && last?.kind === 'phase');
      const waiting = last !== undefined && waits ? { ...step, after: [last.index] } : step;
      steps.push(waiting);
      if (frame.bound === 'thread') {
        if (isShared(node)) keepInThreads(inThreads, side, node, waiting);
      } else if (frame.bound === undefined && node.scope !== 'transient')
        sharedFor(node, frame.owner).set(node, waiting);
      frames.pop();
      note(frames.at(-1), waiting, true);
      continue;
    }
    if (isFirst) {
      const known = shared.get(need);
      if (known !== undefined) note(frame, known, false);
      else frames.push(open(need, sideOfFirst(need, sides), undefined, frame.owner));
      continue;
    }
    const bound = side === loop ? undefined : boundTo(need, node);
    const known =
      bound === 'thread'
        ? inThreads.get(side)?.get(need)
        : sharedFor(need, frame.forOwner).get(need);
    if (known !== undefined && bound !== 'consumer') {
      note(frame, known, false);
      continue;
    }
    // What is made for one that the thread keeps is kept with it.
    const isKeptToo = bound === 'consumer' && frame.bound === 'thread';
    const place = sideFor(need, frame, sides);
    const owner = isRead(need) ? frame.forOwner : frame.owner;
    frames.push(open(need, place, isKeptToo ? 'thread' : bound, owner));
  }
  return steps;
}

/** Whether it is read from what a scope was given, for one consumer. */
function isRead({ kind }: Node): boolean {
  return kind === 'given' || kind === 'input' || kind === 'reading';
}

/** What the step of a phase has for its node; nobody gets it. */
const phase: ValueNode = {
  kind: 'value',
  index: -1,
  label: 'further parameters',
  scope: 'transient',
  needs: [],
  consumers: [],
  token: undefined,
  value: undefined,
};

function phaseAfter(barrier: number, index: number): Step {
  return {
    index,
    node: phase,
    side: loop,
    kind: 'phase',
    needs: [],
    after: [barrier],
    level: 0,
    bound: undefined,
    owner: 'transient',
    look: undefined,
    looks: 0,
    code: undefined,
    calls: 0,
  };
}

/** Whether a step is something that happens, and is not there before. */
function runs({ kind, bound }: Step): boolean {
  return (kind === 'make' || kind === 'load') && bound !== 'thread';
}

/** Where what is made before a handler is made: nobody gets it, so it has no consumer to be beside. */
function sideOfFirst(node: Node, sides: ReadonlyMap<Node, Sides>): Side {
  if (node.kind !== 'class') return sideOf(node);
  return sharedSide(node, sides);
}

/** How what a thread needs is bound to it; undefined where it is shared or sent. */
function boundTo(need: Node, consumer: Node): Step['bound'] {
  if (need.scope === 'thread') return 'thread';
  if (isMadeInPlace(need, consumer)) return need.scope === 'singleton' ? 'thread' : 'consumer';
  return need.kind === 'signal' ? 'consumer' : undefined;
}

/** Whether all that need it in a thread get the one that is kept there. */
function isShared({ kind, scope }: Node): boolean {
  return kind !== 'signal' && scope !== 'transient';
}

function keepInThreads(
  inThreads: Map<Side, Map<Node, Step>>,
  side: Side,
  node: Node,
  step: Step,
): void {
  const known = inThreads.get(side);
  if (known === undefined) inThreads.set(side, new Map([[node, step]]));
  else known.set(node, step);
}

/** Where what a consumer needs is made for it. */
function sideFor(need: Node, consumer: Frame, sides: ReadonlyMap<Node, Sides>): Side {
  const isBeside = need.kind === 'signal' || need.scope === 'thread';
  if (isBeside || isMadeInPlace(need, consumer.node)) return consumer.side;
  return need.kind === 'class' ? sharedSide(need, sides) : sideOf(need);
}

/** Where the one instance is that all share. */
function sharedSide(node: Node, sides: ReadonlyMap<Node, Sides>): Side {
  const of = sides.get(node);
  return isScoped(node.scope) && of?.loop === false ? (of.threads[0] ?? loop) : loop;
}

function kindOf(node: Node): Step['kind'] {
  return node.kind === 'class' ||
    node.kind === 'method' ||
    node.kind === 'list' ||
    node.kind === 'reading' ||
    node.kind === 'offloadedMethod'
    ? 'make'
    : node.kind;
}

function stepKind(node: Node, { bound }: Frame, stored: Stored): Step['kind'] {
  if (bound !== undefined || !isKept(node)) return kindOf(node);
  return node.scope === 'singleton' || stored.has(node) ? 'load' : 'make';
}

function setLevels(steps: readonly Step[]): void {
  const at = (index: number) => steps[index] as Step;
  for (const step of steps) step.level = levelOn(step.side, [...step.needs, ...step.after].map(at));
  // What can be made late is made late: beside its consumer, in the same hop.
  const earliest = new Map<number, number>();
  for (const step of steps.toReversed()) {
    const consumerLevel = earliest.get(step.index);
    const follows = step.bound === 'consumer' || (step.node.kind === 'class' && step.side !== loop);
    if (follows && consumerLevel !== undefined) step.level = consumerLevel;
    for (const need of [...step.needs, ...step.after]) {
      const latest = at(need).side === step.side ? step.level : step.level - 1;
      earliest.set(need, Math.min(earliest.get(need) ?? Infinity, latest));
    }
  }
}

interface Draft {
  readonly steps: readonly Step[];
  readonly hop: Hop | undefined;
}

/** Puts loop steps and hops into an order in which each comes after what it waits for. */
function orderUnits(steps: readonly Step[], hops: readonly Hop[], root: Step): Unit[] {
  const unitOf = new Map<number, Draft>();
  for (const hop of hops) {
    const draft: Draft = { steps: hop.steps, hop };
    for (const step of hop.steps) {
      // What the thread keeps is in every hop that needs it, and belongs to none.
      if (step.bound !== 'thread' || step === root) unitOf.set(step.index, draft);
    }
  }
  for (const step of steps) {
    const isOnLoop =
      step.side === loop && (step.kind === 'make' || step.kind === 'load' || step.kind === 'phase');
    if (isOnLoop && !unitOf.has(step.index))
      unitOf.set(step.index, { steps: [step], hop: undefined });
  }
  const needsOf = (draft: Draft): Draft[] => {
    const needs = new Set<Draft>();
    for (const step of draft.steps) {
      for (const need of [...step.needs, ...step.after]) {
        const unit = unitOf.get(need);
        if (unit !== undefined && unit !== draft) needs.add(unit);
      }
    }
    return [...needs];
  };
  const order = new Map<Draft, number>();
  const needs: Draft[][] = [];
  const opened = new Set<Draft>();
  const first = unitOf.get(root.index);
  const frames = first === undefined ? [] : [{ draft: first, needs: needsOf(first), next: 0 }];
  for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
    const need = frame.needs[frame.next++];
    if (need === undefined) {
      order.set(frame.draft, needs.length);
      needs.push(frame.needs);
      frames.pop();
    } else if (!opened.has(need)) {
      opened.add(need);
      frames.push({ draft: need, needs: needsOf(need), next: 0 });
    }
  }
  const dependants: number[][] = needs.map(() => []);
  needs.forEach((of, index) => {
    for (const need of of) dependants[order.get(need) as number]?.push(index);
  });
  return [...order.keys()].map((draft, index) => ({
    index,
    steps: draft.steps,
    hop: draft.hop,
    waits: needs[index]?.length ?? 0,
    dependants: dependants[index] ?? [],
  }));
}
