/** Makes objects whose methods run in threads: each call is a run of its own, with one hop. */
import { Cell } from './cell.js';
import { joinErrors, type Disposal } from './disposal.js';
import { errorPath, errorsOf, extendPath } from './error-path.js';
import type { Asker } from './deadlock.js';
import type { GivenNode, Node, OffloadedNode, ValueNode } from './node.js';
import type { Plan } from './plan.js';
import type { RunLink, RunScope } from './run-scope.js';
import { Run } from './run.js';
import { loop } from './placement.js';
import { isScoped, type Scope } from './scope.js';
import type { Step } from './step.js';

/** What calls belong to: a scope, or the singletons of a container. */
export interface Home {
  readonly runScope: RunScope;
  /** @throws DisposedError once it ends. */
  refuseEnded(): void;
  /** Settles when threads have been started; undefined where there is nothing to wait for. */
  ready(node: OffloadedNode): Promise<void> | undefined;
  /** @param hasSignal - whether the method gets a signal as its last argument. */
  plan(node: OffloadedNode, method: string, hasSignal: boolean): Plan;
  /** For the values that only one call needs. */
  newDisposal(): Disposal;
  /** Notes a run, which is cancelled when the home ends. */
  note(run: Run): void;
}

/**
 * An object with the methods of a node, and nothing else: no prototype, no `then`.
 * @param made - the run that it is made in; a call is aborted with it.
 */
export function offload(node: OffloadedNode, home: Home, made: RunLink): object {
  const methods = Object.create(null) as Record<string, (...args: unknown[]) => Promise<unknown>>;
  const [instance] = node.needs;
  for (const method of node.methods) {
    methods[method] =
      instance?.kind === 'value'
        ? async (...args) => callGiven(node, instance, method, args, home)
        : (...args) => call(node, method, args, home, made);
  }
  return methods;
}

/** What a user has given cannot move to a thread. */
function callGiven(
  { label }: OffloadedNode,
  { value }: ValueNode,
  method: string,
  args: readonly unknown[],
  home: Home,
): unknown {
  home.refuseEnded();
  const callable = (value as Record<string, unknown> | undefined)?.[method];
  if (typeof callable !== 'function') {
    throw new TypeError(`The value that was given for ${label} has no method "${method}".`);
  }
  return callable.apply(value, args) as unknown;
}

async function call(
  node: OffloadedNode,
  method: string,
  args: readonly unknown[],
  home: Home,
  made: RunLink,
): Promise<unknown> {
  home.refuseEnded();
  const starting = home.ready(node);
  if (starting !== undefined) {
    await starting;
    home.refuseEnded();
  }
  const last = args.at(-1);
  const signal = last instanceof AbortSignal ? last : undefined;
  signal?.throwIfAborted();
  made.signal()?.throwIfAborted();
  const plan = home.plan(node, method, signal !== undefined);
  // In its place the method gets a signal of the thread.
  const sent = signal === undefined ? args : args.slice(0, -1);
  const scope = new CallScope(home);
  const run = new Run(plan, scope, sent);
  home.note(run);
  if (signal !== undefined || made.signal() !== undefined) heedBoth(run, signal, made);
  try {
    const value = await run.start();
    // Nearly always there is nothing to tear down.
    const torn = scope.made === undefined ? undefined : await scope.made.run();
    if (torn !== undefined && torn.faults.length > 0) throw joinErrors(errorsOf(torn.faults));
    return value;
  } catch (error) {
    // The reason of an abort has no path, or another one.
    const { label } = plan.target;
    if (errorPath(error)?.[0] === label) extendPath(error, [node.label, label]);
    throw error;
  }
}

/** It may go on in its thread when it has been given up, and may still be cancelled then. */
function heedBoth(run: Run, signal: AbortSignal | undefined, made: RunLink): void {
  const stops = [run.heed(signal), run.heedRun(made)];
  run.whenEnded({
    runEnded: () => {
      for (const stop of stops) stop();
    },
  });
}

/**
 * What the scope makes on the loop is shared as always. Each call has for itself what is transient,
 * and what a thread makes for it: that may not be able to leave, and another call may run elsewhere.
 */
class CallScope implements RunScope {
  private readonly scope: RunScope;
  /** For the values that only this call needs; made for the first one. */
  made: Disposal | undefined = undefined;

  constructor(private readonly home: Home) {
    this.scope = home.runScope;
  }

  get executor(): RunScope['executor'] {
    return this.scope.executor;
  }

  get splitter(): RunScope['splitter'] {
    return this.scope.splitter;
  }

  private get disposal(): Disposal {
    return (this.made ??= this.home.newDisposal());
  }

  get disposals(): readonly Disposal[] {
    return [this.disposal, ...this.scope.disposals];
  }

  disposalOf(owner: Scope): Disposal {
    return isScoped(owner) ? this.scope.disposalOf(owner) : this.disposal;
  }

  given(node: GivenNode, plan: Plan, owner: Scope): unknown {
    return this.scope.given(node, plan, owner);
  }

  kept(node: Node): Cell {
    return this.scope.kept(node);
  }

  keep(): boolean {
    return false;
  }

  forget(): void {
    // Nothing is remembered.
  }

  claim(step: Step): Cell {
    return step.side !== loop ? new Cell(step.node.label) : this.scope.claim(step);
  }

  drop(node: Node, cell: Cell, failed: boolean): void {
    this.scope.drop(node, cell, failed);
  }

  lazy(target: Node, maker: Node | undefined, asker: Asker | undefined): () => Promise<unknown> {
    return this.scope.lazy(target, maker, asker);
  }

  offload(step: Step, node: OffloadedNode, run: RunLink): object {
    return this.scope.offload(step, node, run);
  }

  remake(node: Node): Promise<unknown> {
    return this.scope.remake(node);
  }
}
