/** How long a hop is expected to keep its thread, from how long it did before. */

/** So many of the last times count. */
const kept = 8;

/**
 * Which of them, from the shortest: three of four do not take longer. Not their mean: a thread that was made to
 * wait for a core in the middle of a hop, as it is on a busy machine now and then, says nothing of the hop.
 */
const rank = (kept * 3) / 4 - 1;

export class Pace {
  readonly #times: number[] = [];
  #next = 0;
  #expected = Infinity;
  #moves = false;

  /** In milliseconds; `Infinity` as long as it is not known, and for what nobody may have to take back. */
  get expected(): number {
    return this.#moves ? Infinity : this.#expected;
  }

  /** Memory has moved along: gone with a thread, it could not be given to another one. */
  noteMove(): void {
    this.#moves = true;
  }

  /** @param took - in milliseconds. */
  note(took: number): void {
    this.#times[this.#next] = took;
    this.#next = (this.#next + 1) % kept;
    if (this.#times.length < kept) return;
    const sorted = this.#times.slice().sort((one, other) => one - other);
    this.#expected = sorted[rank] as number;
  }
}
