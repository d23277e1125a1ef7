/** Remembers which threads know which hops, so that a definition is sent only where it is news. */

export class Definitions {
  /** By hop, the ids of the threads that have answered a run of it. */
  readonly #known = new Map<number, Set<number>>();

  /** Whether all these threads know the hop. */
  areKnown(hop: number, threads: Iterable<number>): boolean {
    const known = this.#known.get(hop);
    if (known === undefined) return false;
    for (const thread of threads) if (!known.has(thread)) return false;
    return true;
  }

  learn(hop: number, thread: number): void {
    const known = this.#known.get(hop);
    if (known === undefined) this.#known.set(hop, new Set([thread]));
    else known.add(thread);
  }

  /** A thread has ended; ids are not used twice. */
  forget(thread: number): void {
    for (const known of this.#known.values()) known.delete(thread);
  }
}
