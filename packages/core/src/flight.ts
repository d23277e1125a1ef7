/** What a run has started and what has not ended. */
import type { ProviderGenerator } from './disposal.js';
import type { Unit } from './plan.js';
import type { Step } from './step.js';

/** A step, in the list of all such of its run. */
export class Flight {
  next: Flight | undefined = undefined;
  timer: NodeJS.Timeout | undefined = undefined;

  constructor(
    readonly unit: Unit,
    readonly step: Step,
    /** Set where it is the `yield` of one that is waited for. */
    readonly generator: ProviderGenerator | undefined,
    public previous: Flight | undefined,
  ) {}
}
