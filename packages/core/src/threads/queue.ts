/** The bounded queue in front of the threads: first in, first out. */

export class Queue<T> {
  /** A set keeps the order of insertion, and removes from its middle without a search. */
  readonly #items = new Set<T>();

  constructor(
    /** How many items may wait; asked for each time, since it may change. */
    private readonly limitNow: () => number,
  ) {}

  get limit(): number {
    return this.limitNow();
  }

  get size(): number {
    return this.#items.size;
  }

  get isFull(): boolean {
    return this.#items.size >= this.limit;
  }

  /** Whoever pushes asks {@link isFull} first, if the item may be refused. */
  push(item: T): void {
    this.#items.add(item);
  }

  /** Puts an item in front of all others. */
  unshift(item: T): void {
    const others = this.clear();
    for (const each of [item, ...others]) this.#items.add(each);
  }

  /** The item that has waited longest, removed; undefined if there is none. */
  shift(): T | undefined {
    for (const item of this.#items) {
      this.#items.delete(item);
      return item;
    }
    return undefined;
  }

  /** @returns whether the item was waiting. */
  delete(item: T): boolean {
    return this.#items.delete(item);
  }

  /** All items, removed. */
  clear(): T[] {
    const items = [...this.#items];
    this.#items.clear();
    return items;
  }
}
