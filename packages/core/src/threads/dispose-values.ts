/** Ends what a hop has made and nobody else holds. */
import { Disposal, isDisposable, isObject, type Failure, type TornDown } from '../disposal.js';
import type { StepsRun } from './run-steps.js';

/**
 * Ends the generators of the steps, which see the failure of the hop if there is one, and disposes
 * the values that the steps have made, in reverse order of creation, each once. Left alone are
 * values that the thread keeps, that `leaves` says have gone to the loop, and that a step was given
 * and only handed on.
 * @param timeout - how long one teardown may take, in milliseconds.
 * @returns undefined where there is nothing to tear down: nearly every hop makes nothing of that
 * kind, and must stay synchronous and cheap.
 */
export function disposeValues(
  { steps, values, inputs, generators }: StepsRun,
  leaves: readonly number[],
  failure: Failure | undefined,
  timeout: number,
): Promise<TornDown> | undefined {
  if (generators === undefined && !values.some(isDisposable)) return undefined;
  const spared = new WeakSet<object>();
  const spare = (value: unknown): void => {
    if (isObject(value)) spared.add(value);
  };
  inputs.forEach(spare);
  for (const [index, step] of steps.entries()) {
    const isMade = step.operation === 'construct' || step.operation === 'call';
    if (step.perThread !== undefined || !isMade || leaves.includes(index)) spare(values[index]);
  }
  const disposal = new Disposal(timeout, spared);
  for (const [index, value] of values.entries()) {
    const label = steps[index]?.label ?? '';
    const generator = generators?.get(index);
    if (generator !== undefined) disposal.noteGenerator(label, generator);
    else disposal.note(label, value);
  }
  return disposal.run(failure);
}
