/** The bounded queue in front of the threads: first in, first out. */

export class Queue<T> {
  /** A set keeps the order of insertion, and removes from its middle without a search. */
  readonly #items = new Set<T>();
  /** What was put in front of these, the first one at the end. */
  readonly #front: T[] = [];

  constructor(
    /** How many items may wait; asked for each time, since it may change. */
    private readonly limitNow: () => number,
  ) {}

  get limit(): number {
    return this.limitNow();
  }

  get size(): number {
    return this.#items.size + this.#front.length;
  }

  /** The item that has waited longest. */
  get first(): T | undefined {
    if (this.#front.length > 0) return this.#front.at(-1);
    for (const item of this.#items) return item;
    return undefined;
  }

  push(item: T): void {
    this.#items.add(item);
  }

  /** Puts an item in front of all others. */
  unshift(item: T): void {
    this.#front.push(item);
  }

  /** The item that has waited longest, removed; undefined if there is none. */
  shift(): T | undefined {
    if (this.#front.length > 0) return this.#front.pop();
    for (const item of this.#items) {
      this.#items.delete(item);
      return item;
    }
    return undefined;
  }

  /** @returns whether the item was waiting. */
  delete(item: T): boolean {
    const position = this.#front.indexOf(item);
    if (position >= 0) this.#front.splice(position, 1);
    return position >= 0 || this.#items.delete(item);
  }

  /** All items, removed. */
  clear(): T[] {
    const items = [...this.#front.reverse(), ...this.#items];
    this.#front.length = 0;
    this.#items.clear();
    return items;
  }
}
