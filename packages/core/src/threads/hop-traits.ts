/** What is the same for each run of a hop, and is asked at each. */
import type { HopDefinition } from './executor.js';

export interface HopTraits {
  /** Whether a step of it may run only for so long. */
  readonly hasDeadline: boolean;
  /** Whether a step of it asks for the `AbortSignal`. */
  readonly hasSignal: boolean;
}

const known = new WeakMap<HopDefinition, HopTraits>();

export function traitsOf(definition: HopDefinition): HopTraits {
  let traits = known.get(definition);
  if (traits === undefined) {
    const { steps } = definition;
    traits = {
      hasDeadline: steps.some(({ deadline }) => deadline !== undefined),
      hasSignal: steps.some(({ operation }) => operation === 'signal'),
    };
    known.set(definition, traits);
  }
  return traits;
}

/** The steps that matter, as messages show a hop: `Kitchen.grind -> Burgers.parallel`. */
export function labelOf({ steps }: HopDefinition): string {
  const calls = steps.filter(({ operation }) => operation === 'call');
  return (calls.length === 0 ? steps : calls).map(({ label }) => label).join(' -> ');
}
