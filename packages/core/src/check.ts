/** Checks a graph as a whole, and what joins it later: every problem at once. */
import { checkCrossings } from './crossing.js';
import type { TurnoError } from './errors.js';
import type { Graph } from './graph.js';
import type { Node } from './node.js';
import { updateSides, type NodeLevels, type Sides } from './placement.js';
import { checkLifetimes, sortNodes } from './validate.js';

/** What is known of the nodes that have been checked. */
export class CheckedGraph {
  /** In topological order. */
  readonly sorted: Node[] = [];
  readonly sides = new Map<Node, Sides>();
  /** The shortest-lived thing that each node holds on to. */
  private readonly shortest = new Map<Node, Node>();
  private readonly levels = new Map<Node, NodeLevels>();

  constructor(private readonly graph: Graph) {}

  /**
   * Checks the nodes that have been added since the last check; those before need none of them, so
   * the effort is that of what is new.
   * @returns the problems, and whether nodes that were there before are now made on another side.
   */
  check(): { problems: readonly TurnoError[]; moved: boolean } {
    const { graph, sides, shortest } = this;
    const added = graph.nodes.slice(this.sorted.length);
    const { sorted, cycles } = sortNodes(added);
    const lifetimes = checkLifetimes(graph, sorted, shortest);
    // With a cycle there is no order, so nothing can be said of what has to cross.
    if (cycles.length > 0) return { problems: [...cycles, ...lifetimes], moved: false };
    this.sorted.push(...sorted);
    const moved = updateSides(sides, sorted);
    if (moved) this.levels.clear();
    const crossings = checkCrossings(graph, moved ? this.sorted : sorted, sides, this.levels);
    return { problems: [...lifetimes, ...crossings], moved };
  }
}
