/** Which definitions of hops a thread has: decided on the loop, so that both sides forget the same. */
import type { HopDefinition } from './executor.js';
import type { HopDetails } from './message.js';

/**
 * How many definitions a thread keeps. Plans of overrides, forks and scopes that keep other values have
 * hops of their own, without end in a program that goes on making them; a definition that comes again
 * costs no more than the sending of it.
 */
export const mostKnown = 512;

export class KnownHops {
  /** Ids, the one that was used longest ago first. */
  readonly #ids = new Set<number>();

  constructor(private readonly most = mostKnown) {}

  /** How many there are. */
  get size(): number {
    return this.#ids.size;
  }

  /**
   * What a task says of the definition of its hop: undefined where the thread has it. To be called once for
   * each task, in the order in which the tasks are posted: the thread does as it is told.
   */
  mention(definition: HopDefinition): Pick<HopDetails, 'definition' | 'forget'> | undefined {
    const { id } = definition;
    // Most programs have few hops, whose order does not matter as long as there is room.
    const isKnown = this.#ids.size < this.most ? this.#ids.has(id) : this.#ids.delete(id);
    this.#ids.add(id);
    if (isKnown) return undefined;
    if (this.#ids.size <= this.most) return { definition };
    const [forget = id] = this.#ids;
    this.#ids.delete(forget);
    return { definition, forget };
  }
}
