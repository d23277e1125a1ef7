/** Reads the parameters of a plan that come from given values: all of them, or all faults together. */
import { InputError, type InputFault } from './errors.js';
import type { Input } from './plan.js';

/**
 * @param values - of the steps of the plan; gets those of the inputs.
 * @throws InputError with all faults.
 */
export function readInputs(inputs: readonly Input[], values: unknown[]): void {
  let faults: InputFault[] | undefined;
  for (const { step, node } of inputs) {
    try {
      values[step.index] = node.read(values[step.needs[0] as number]);
    } catch (error) {
      (faults ??= []).push({ owner: node.owner, index: node.parameter, error });
    }
  }
  if (faults === undefined) return;
  checkLateInputs(inputs, values, faults);
  throw new InputError(faults);
}

/** Nothing will cross: so that all faults are told together, those of the others are looked for here. */
function checkLateInputs(
  inputs: readonly Input[],
  values: readonly unknown[],
  faults: InputFault[],
): void {
  for (const { step, node } of inputs) {
    try {
      node.check?.(values[step.needs[0] as number]);
    } catch (error) {
      faults.push({ owner: node.owner, index: node.parameter, error });
    }
  }
}
