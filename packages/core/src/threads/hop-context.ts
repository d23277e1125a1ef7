/**
 * How the context variables that are set travel with a hop: as one more input, behind those that its
 * definition speaks of, so that they share its encoding and its message. Where none is set there is none.
 */
import { currentFlow, type ContextValues } from '../context.js';
import type { NotPortableError } from '../errors.js';
import type { Obstacle } from '../portable/codec.js';
import type { HopDefinition } from './executor.js';

/** The form in which they travel. */
type Entries = readonly (readonly [name: string, value: unknown])[];

/** Adds the variables that are set where this is called. */
export function withContext(inputs: readonly unknown[]): readonly unknown[] {
  const values = currentFlow()?.values;
  if (values === undefined || values.size === 0) return inputs;
  const entries: Entries = [...values];
  return [...inputs, entries];
}

/** Where among the inputs of a hop its context stands. */
function placeIn({ inputs, rest }: HopDefinition): number {
  return inputs.length + (rest === undefined ? 0 : 1);
}

/** The variables that have come with a hop; undefined where there are none. */
export function contextOf(
  definition: HopDefinition,
  inputs: readonly unknown[],
): ContextValues | undefined {
  const entries = inputs[placeIn(definition)] as Entries | undefined;
  return entries === undefined ? undefined : new Map(entries);
}

/**
 * Says that the value of a variable cannot cross.
 * @param hop - as messages show it.
 * @returns undefined if the obstacle is met in another input.
 */
export function contextRefusal(
  definition: HopDefinition,
  inputs: readonly unknown[],
  obstacle: Obstacle,
  hop: string,
): NotPortableError | undefined {
  const [input, entry] = obstacle.path;
  if (input !== placeIn(definition) || typeof entry !== 'number') return undefined;
  const [name = ''] = (inputs[input] as Entries)[entry] ?? [];
  return obstacle
    .from(3)
    .toError(
      `${hop} runs in a thread, but the value of the context variable "${name}" cannot cross`,
      'keep it out of the context, and inject it where it is needed',
    );
}
