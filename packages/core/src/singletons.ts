/** The singletons of a container: each made once, by a plan of its own, however many wait for it. */
import { Cell } from './cell.js';
import { inFlow } from './context.js';
import { Disposal, type Failure } from './disposal.js';
import { errorsOf, noteSuppressed, suppressedErrors } from './error-path.js';
import { lazily, Waits, type Surroundings } from './deadlock.js';
import type { Engine } from './engine.js';
import { LinkedList } from './linked-list.js';
import { DisposedError } from './errors.js';
import type { Node } from './node.js';
import { offload, type Home } from './offload.js';
import type { RunScope } from './run-scope.js';
import { Run, type RunListener } from './run.js';
import { isAbortError } from './stop-signal.js';

/** Singletons of the container that another one was made from. */
export interface SingletonBase {
  readonly singletons: Singletons;
  /** The node there that makes the same as a node here, if there is one. */
  counterpart(node: Node): Node | undefined;
}

export class Singletons implements RunListener {
  private readonly cells = new Map<Node, Cell>();
  private readonly runs = new LinkedList<Run>();
  private readonly disposal: Disposal;
  private readonly runScope: RunScope;
  /** What the calls of offloaded methods belong to that singletons hold. */
  private readonly home: Home;
  private disposed = false;
  readonly waits = new Waits();
  private readonly around: Surroundings = {
    cellOf: (node) => this.peek(node),
    waitsOf: () => this.waits,
  };

  /**
   * @param resolve - resolves what a singleton asks for on demand.
   * @param container - the only thing given that they may ask for.
   * @param base - where those are made that are the same there.
   */
  constructor(
    private readonly engine: Engine,
    private readonly resolve: (node: Node, asker: Node | undefined) => Promise<unknown>,
    container: unknown,
    private readonly base?: SingletonBase,
  ) {
    this.disposal = new Disposal(engine.teardownTimeout, engine.owned);
    this.runScope = {
      disposals: [this.disposal],
      disposalOf: () => this.disposal,
      executor: engine.executor,
      splitter: engine.splitter,
      given: () => container,
      kept: (node) => this.cell(node),
      keep: () => false,
      forget: () => undefined,
      claim: ({ node }) => this.cells.get(node) as Cell,
      drop: (node, cell, failed) => {
        const forget = (): void => {
          if (this.cells.get(node) === cell) this.cells.delete(node);
        };
        // A failure only at the end of the turn: singletons that are started in this turn because
        // of the same need shall see it, not try again.
        if (failed) queueMicrotask(forget);
        else forget();
      },
      lazy: (target, maker, asker) => lazily(maker, asker, target, this.around, this.resolve),
      offload: (_step, node, run) => offload(node, this.home, run),
      remake: (node) => this.make(node),
    };
    this.home = {
      runScope: this.runScope,
      refuseEnded: () => {
        if (this.disposed) throw new DisposedError('container');
      },
      ready: (node) => engine.ready(node),
      plan: (node, method, hasSignal) => engine.planOfCall(node, method, hasSignal),
      newDisposal: () => new Disposal(engine.teardownTimeout, engine.owned),
      note: (run) => this.note(run),
    };
  }

  /** Nodes whose making is what others wait for, of those that are not made. */
  culprits(nodes: readonly Node[]): readonly Node[] {
    const isMade = (node: Node): boolean => this.peek(node)?.outcome?.kind === 'made';
    return nodes.filter((node) => !isMade(node) && this.engine.plan(node).loads.every(isMade));
  }

  /** The cell of a singleton that is shared with the container that this one was made from. */
  private inherited(node: Node): Cell | undefined {
    const other = this.base?.counterpart(node);
    return other === undefined ? undefined : this.base?.singletons.cell(other);
  }

  /** The cell of a singleton, if somebody has asked for it. */
  peek(node: Node): Cell | undefined {
    const other = this.base?.counterpart(node);
    return other === undefined ? this.cells.get(node) : this.base?.singletons.peek(other);
  }

  /**
   * The cell of a singleton; whoever asks first starts making it. One that failed is not kept:
   * the next who asks starts anew.
   * @throws DisposedError once the container is disposed.
   */
  cell(node: Node): Cell {
    const known = this.peek(node) ?? this.inherited(node);
    if (known !== undefined) return known;
    if (this.disposed) throw new DisposedError('container');
    // Dependencies first, so that no construction calls another: a chain may be longer than the
    // stack. This one comes last.
    for (const missing of this.missingFor(node)) this.start(missing);
    return this.cells.get(node) as Cell;
  }

  /** The value of a singleton. */
  make(node: Node): Promise<unknown> {
    return new Promise((accept, reject) => {
      this.cell(node).wait((outcome) => {
        if (outcome.kind === 'made') accept(outcome.value);
        else if (outcome.kind === 'failed') reject(outcome.error);
        else accept(this.make(node));
      });
    });
  }

  /**
   * Cancels what is being made, then disposes all, dependants first.
   * @param failure - what generators shall see at their `yield`.
   * @returns what the teardowns threw; after a failure also what else has failed meanwhile.
   */
  async dispose(failure?: Failure): Promise<readonly unknown[]> {
    this.disposed = true;
    const runs = this.runs.all;
    const reasons = runs.map(() => new DisposedError('container'));
    for (const [index, run] of runs.entries()) run.cancel(reasons[index]);
    const late = await this.disposal.settle(runs);
    const { failure: last, replaced, faults } = await this.disposal.run(failure);
    const torn = errorsOf(faults);
    if (failure === undefined) {
      noteSuppressed(last?.error, replaced);
      return [...late, ...torn];
    }
    // One that was told, and fails all the same, may do so for a reason of its own.
    const others = reasons.flatMap(suppressedErrors).filter((error) => !isAbortError(error));
    const hidden = [...others, ...replaced, last?.error].filter((each) => each !== failure.error);
    return [...late, ...hidden, ...torn];
  }

  private start(node: Node): void {
    this.cells.set(node, new Cell(node.label));
    // It is made for all who come: what it sees shall not be what the first of them has set.
    inFlow(undefined, () => {
      const run = new Run(this.engine.plan(node), this.runScope);
      this.note(run);
      // Whoever waits is told by the cell.
      run.start().catch(() => undefined);
    });
  }

  private note(run: Run): void {
    this.runs.add(run);
    run.whenEnded(this);
  }

  runEnded(run: Run): void {
    this.runs.remove(run);
  }

  private isInherited(node: Node): boolean {
    return this.base?.counterpart(node) !== undefined;
  }

  /** The singletons that `node` loads and nobody has started, in topological order, and itself. */
  private missingFor(node: Node): readonly Node[] {
    const order: Node[] = [];
    const seen = new Set([node]);
    const frames = [{ node, loads: this.engine.plan(node).loads, next: 0 }];
    for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
      const load = frame.loads[frame.next++];
      if (load === undefined) {
        order.push(frame.node);
        frames.pop();
      } else if (!seen.has(load) && this.peek(load) === undefined && !this.isInherited(load)) {
        seen.add(load);
        frames.push({ node: load, loads: this.engine.plan(load).loads, next: 0 });
      }
    }
    return order;
  }
}
