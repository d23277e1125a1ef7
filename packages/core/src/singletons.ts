/** The singletons of a container: each made once, by a plan of its own, however many wait for it. */
import { Cell } from './cell.js';
import { Disposal, type Failure } from './disposal.js';
import { errorsOf } from './error-path.js';
import { lazily, Waits, type Surroundings } from './deadlock.js';
import type { Engine } from './engine.js';
import { DisposedError } from './errors.js';
import type { Node } from './node.js';
import { Run, type RunScope } from './run.js';

export class Singletons {
  private readonly cells = new Map<Node, Cell>();
  private readonly runs = new Set<Run>();
  private readonly disposal: Disposal;
  private readonly runScope: RunScope;
  private disposed = false;
  readonly waits = new Waits();
  private readonly around: Surroundings = {
    cellOf: (node) => this.cells.get(node),
    waitsOf: () => this.waits,
  };

  /** @param resolve - resolves what a singleton asks for on demand. */
  constructor(
    private readonly engine: Engine,
    private readonly resolve: (node: Node) => Promise<unknown>,
  ) {
    this.disposal = new Disposal(engine.teardownTimeout, engine.owned);
    this.runScope = {
      disposals: [this.disposal],
      disposalOf: () => this.disposal,
      executor: engine.executor,
      given: () => undefined,
      kept: (node) => this.cell(node),
      claim: (node) => this.cells.get(node) as Cell,
      drop: (node, cell, failed) => {
        const forget = (): void => {
          if (this.cells.get(node) === cell) this.cells.delete(node);
        };
        // A failure only at the end of the turn: singletons that are started in this turn because
        // of the same need shall see it, not try again.
        if (failed) queueMicrotask(forget);
        else forget();
      },
      lazy: (target, maker) => lazily(maker, target, this.around, this.resolve),
      remake: (node) => this.make(node),
    };
  }

  /** The cell of a singleton, if somebody has asked for it. */
  peek(node: Node): Cell | undefined {
    return this.cells.get(node);
  }

  /**
   * The cell of a singleton; whoever asks first starts making it. One that failed is not kept:
   * the next who asks starts anew.
   * @throws DisposedError once the container is disposed.
   */
  cell(node: Node): Cell {
    const known = this.cells.get(node);
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
   * @returns what the teardowns threw.
   */
  async dispose(failure?: Failure): Promise<readonly unknown[]> {
    this.disposed = true;
    const ended = [...this.runs].map((run) => run.ended);
    for (const run of this.runs) run.cancel(new DisposedError('container'));
    await Promise.all(ended);
    const { faults } = await this.disposal.run(failure);
    return errorsOf(faults);
  }

  private start(node: Node): void {
    this.cells.set(node, new Cell(node.label));
    const run = new Run(this.engine.plan(node), this.runScope);
    this.runs.add(run);
    void run.ended.then(() => this.runs.delete(run));
    // Whoever waits is told by the cell.
    run.start().catch(() => undefined);
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
      } else if (!seen.has(load) && !this.cells.has(load)) {
        seen.add(load);
        frames.push({ node: load, loads: this.engine.plan(load).loads, next: 0 });
      }
    }
    return order;
  }
}
