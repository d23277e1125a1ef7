/** What the steps of a straight pass see of it. */
import type { HeldEnding } from './disposal.js';
import type { Step } from './step.js';

/** Sees to the teardown of what one step makes. */
export interface Owner {
  own(pass: Pass, value: unknown): void;
}

/** More than any pass holds. No `Infinity`: a field that had that once would be an object of its own. */
export const allLeft = 1_000_000;

/** One making of the values of a plan. */
export interface Pass {
  /** By step: what is there before, and what has been made. */
  readonly values: unknown[];
  /** Whether its steps are measured. */
  readonly isSampled: boolean;
  /** Somebody has come between: a run goes on. */
  readonly isTaken: boolean;
  /** Notes a value for its teardown. */
  note(step: Step, value: unknown): void;
  /** As {@link note}, of a class whose instances may be held without a note. */
  hold(step: Step, value: object, ending: HeldEnding): void;
  /** Whether what it makes needs no note: its values tell what is to be torn down. */
  readonly holds: boolean;
  /** Of what its plan holds: how many from the first one on it holds still; or {@link allLeft}. */
  left: number;
  /** Sees to the teardown of a value that it cannot hold, nor any from then on. */
  ownApart(owner: Owner, value: unknown): void;
  /** Whether it may wait for a promise: nobody else is at work in its scope. */
  readonly mayWait: boolean;
  /** Goes on behind a step when what that has returned is there. @returns false */
  wait(order: number, pending: PromiseLike<unknown>): false;
  /** Ends it with what the step of a unit has returned. @returns false */
  leave(position: number, value: unknown): false;
  /** Ends it with what the step of a unit has thrown. @returns false */
  fail(position: number, error: unknown): false;
}
