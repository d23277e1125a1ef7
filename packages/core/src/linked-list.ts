/** Lists whose items know their neighbours, so that each leaves at once, wherever it stands. */

/** An item of one list at a time. */
export interface Linked<T extends Linked<T>> {
  /** The list that it is in. */
  list: LinkedList<T> | undefined;
  previous: T | undefined;
  next: T | undefined;
}

/**
 * First in, first out. A `Set` would do the same, but keeps what has left it: a table that has become too small, or too
 * full of gaps, points to the one that follows it, and once one of them is old enough not to be looked at by
 * each collection of garbage, all that follow stay with it, and so does what they held. With one set for the hops that
 * run, half of all that requests had made survived, and to collect it took a sixth of the loop.
 */
export class LinkedList<T extends Linked<T>> {
  first: T | undefined = undefined;
  size = 0;
  private last: T | undefined = undefined;

  get isEmpty(): boolean {
    return this.first === undefined;
  }

  has(item: T): boolean {
    return item.list === this;
  }

  /** @param item - one that is in no list. */
  add(item: T): void {
    this.insert(item, this.last, undefined);
  }

  /** Puts an item in front of all others. @param item - one that is in no list. */
  addFirst(item: T): void {
    this.insert(item, undefined, this.first);
  }

  private insert(item: T, previous: T | undefined, next: T | undefined): void {
    item.list = this;
    item.previous = previous;
    item.next = next;
    if (previous === undefined) this.first = item;
    else previous.next = item;
    if (next === undefined) this.last = item;
    else next.previous = item;
    this.size++;
  }

  /** @returns whether it was in the list. */
  remove(item: T): boolean {
    if (item.list !== this) return false;
    const { previous, next } = item;
    if (previous === undefined) this.first = next;
    else previous.next = next;
    if (next === undefined) this.last = previous;
    else next.previous = previous;
    item.list = undefined;
    item.previous = item.next = undefined;
    this.size--;
    return true;
  }

  /** All that are in it now, in order. */
  get all(): T[] {
    const items: T[] = [];
    for (let item = this.first; item !== undefined; item = item.next) items.push(item);
    return items;
  }

  /** @returns all that were in it, in order. */
  clear(): T[] {
    const items = this.all;
    for (const item of items) this.remove(item);
    return items;
  }
}
