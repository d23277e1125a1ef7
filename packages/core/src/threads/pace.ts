/** How long a hop is expected to keep its thread, from how long it did before. */

/** After so many times it is known. */
const enough = 8;

/** What the last time counts for: enough that a hop that becomes slower is soon known for that. */
const weight = 1 / 8;

export class Pace {
  #count = 0;
  #mean = 0;
  #moves = false;

  /** In milliseconds; `Infinity` as long as it is not known, and for what nobody may have to take back. */
  get expected(): number {
    return this.#count < enough || this.#moves ? Infinity : this.#mean;
  }

  /** Memory has moved along: gone with a thread, it could not be given to another one. */
  noteMove(): void {
    this.#moves = true;
  }

  /** @param took - in milliseconds. */
  note(took: number): void {
    this.#count++;
    // The first times are those of code that has not been compiled.
    this.#mean += (took - this.#mean) * (this.#count <= enough ? 1 / this.#count : weight);
  }
}
