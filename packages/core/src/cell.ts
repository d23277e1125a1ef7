/** A cell holds one value that a container or scope keeps, from the moment somebody makes it. */
import { AsyncResource } from 'node:async_hooks';
import { NotPortableError } from './errors.js';

/**
 * How making a value ended. `released`: whoever was to make it gave up for a reason that has
 * nothing to do with it; the next one who wants it makes it.
 */
export type Outcome =
  | { readonly kind: 'made'; readonly value: unknown }
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'released' };

/** Hardly anybody asks, and an error with its stack costs as much as the rest of a small hop on the loop. */
class LeftInThread {
  readonly kind = 'failed';
  private known: NotPortableError | undefined;

  constructor(private readonly label: string) {}

  get error(): NotPortableError {
    return (this.known ??= new NotPortableError(
      `${this.label} was made in a thread for an earlier resolve of this scope, and its value could not leave that thread.`,
      `Resolve both together (let one provider take them as parameters), make ${this.label} async, or make its value portable.`,
    ));
  }
}

type Waiter = (outcome: Outcome) => void;

export class Cell {
  /** Undefined while the value is being made. */
  outcome: Outcome | undefined;
  /** Somebody else than its maker has taken the value: its maker's failure does not end it. */
  shared = false;
  /** The value was made in a thread and could not leave it. */
  isLeft = false;
  /** Most cells nobody ever waits for. */
  private waiters: Waiter[] | undefined;

  constructor(private readonly label: string) {}

  /** Ends the making; those who wait are told. */
  settle(outcome: Outcome): void {
    this.outcome = outcome;
    const { waiters } = this;
    if (waiters === undefined) return;
    this.waiters = undefined;
    // At once: its maker may fail before those who wait are told.
    if (outcome.kind === 'made') this.shared = true;
    for (const waiter of waiters) calls.push({ cell: this, waiter, outcome });
    drain();
  }

  /** The value was made in a thread and could not leave it: an error for whoever asks later. */
  leaveInThread(): void {
    this.isLeft = true;
    this.settle(new LeftInThread(this.label));
  }

  /** Calls back once with the outcome: at once, or when there is one. */
  wait(waiter: Waiter): void {
    // Who waits goes on in its own async context, not in that of whoever makes the value.
    if (this.outcome === undefined) (this.waiters ??= []).push(AsyncResource.bind(waiter));
    else this.tell(waiter, this.outcome);
  }

  /** @internal */
  tell(waiter: Waiter, outcome: Outcome): void {
    if (outcome.kind === 'made') this.shared = true;
    waiter(outcome);
  }
}

/**
 * Calls that are due. Who is told may settle another cell, and so on down a chain of any length:
 * the outermost `settle` makes the calls of all, so that the stack does not grow.
 */
const calls: { readonly cell: Cell; readonly waiter: Waiter; readonly outcome: Outcome }[] = [];
let draining = false;

function drain(): void {
  if (draining) return;
  draining = true;
  try {
    for (let call = calls.shift(); call !== undefined; call = calls.shift()) {
      call.cell.tell(call.waiter, call.outcome);
    }
  } finally {
    draining = false;
  }
}
