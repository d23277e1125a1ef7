/** Knows which objects have somebody who disposes them, so that nobody else does. */

/** Who disposes what; a `WeakSet` is one, too. */
export interface Owned {
  has(value: object): boolean;
  add(value: object): unknown;
  delete(value: object): unknown;
}

/** What some scopes dispose or were given, some of it without a note in {@link Ownership}. */
export interface Holder {
  /** Notes there what they hold of a class. */
  noteHeld(held: HeldClass): void;
}

/** A class whose instances are held without a note each, as long as nobody hands one on. */
export interface HeldClass {
  isNoted: boolean;
}

/**
 * The owners of a container and of those that were made from it. What users gave is owned too: it is theirs.
 *
 * Nearly everything that is disposed is an instance that the container has just constructed, and that
 * nobody hands on as if he had made it. To add each to a `WeakSet` and to take it out again costs several
 * times what it costs to construct and dispose it (0.4 µs for the five values of a request, which takes
 * 0.5 µs as a whole). So instances of a class are not noted before the first time that one of that class
 * is handed on: then all that are held are noted, and so is each that is made from then on.
 */
export class Ownership implements Owned {
  private readonly noted = new WeakSet<object>();
  /** By the prototype of the instances. */
  private readonly classes = new WeakMap<object, HeldClass>();
  /** Of each container one, which knows what those in it hold. */
  private readonly holders = new Set<Holder>();

  has(value: object): boolean {
    if (this.noted.has(value)) return true;
    const prototype = prototypeOf(value);
    const held = prototype === null ? undefined : this.classes.get(prototype);
    if (held === undefined || held.isNoted) return false;
    held.isNoted = true;
    for (const holder of this.holders) holder.noteHeld(held);
    return this.noted.has(value);
  }

  add(value: object): void {
    if (!this.has(value)) this.noted.add(value);
  }

  /** As {@link add}, for what is held without a note so far. */
  note(value: object): void {
    this.noted.add(value);
  }

  delete(value: object): void {
    this.noted.delete(value);
  }

  /** What to ask before an instance with that prototype is held without a note. */
  classOf(prototype: object): HeldClass {
    let held = this.classes.get(prototype);
    if (held === undefined) this.classes.set(prototype, (held = { isNoted: false }));
    return held;
  }

  /** As {@link classOf}, of an instance; undefined for what has to be noted at once. */
  classOfValue(value: object): HeldClass | undefined {
    const prototype = prototypeOf(value);
    return prototype === null ? undefined : this.classOf(prototype);
  }

  join(holder: Holder): void {
    this.holders.add(holder);
  }

  leave(holder: Holder): void {
    this.holders.delete(holder);
  }
}

function prototypeOf(value: object): object | null {
  try {
    return Object.getPrototypeOf(value) as object | null;
  } catch {
    // A proxy that throws for what it does not know.
    return null;
  }
}
