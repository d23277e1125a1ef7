/** Ends what a hop has made and nobody else holds. */
import { StepFailure, type StepsRun } from './run-steps.js';

/**
 * Disposes the values that the steps have made, in reverse order, each once. Left alone are values
 * that the thread keeps, that `leaves` says have gone to the loop, and that a step was given and
 * only handed on.
 * @returns what failed, as one failure; a promise only where a value is disposed asynchronously.
 */
export function disposeValues(
  { steps, values, inputs }: StepsRun,
  leaves: ReadonlySet<number>,
): StepFailure | undefined | Promise<StepFailure | undefined> {
  // Nearly every hop makes nothing that can be disposed, and must stay synchronous and cheap.
  if (!values.some(isDisposable)) return undefined;
  const spared = new Set<unknown>(inputs);
  for (const [index, step] of steps.entries()) {
    if (step.perThread !== undefined || step.operation === 'signal' || leaves.has(index)) {
      spared.add(values[index]);
    }
  }
  const mine = new Map<Disposer, number>();
  for (const [index, value] of values.entries()) {
    if (!isDisposable(value) || spared.has(value) || mine.has(value)) continue;
    mine.set(value, index);
  }
  return mine.size === 0 ? undefined : disposeAll([...mine].toReversed());
}

type Disposer = Partial<AsyncDisposable & Disposable>;

async function disposeAll(
  values: readonly (readonly [Disposer, number])[],
): Promise<StepFailure | undefined> {
  const failures: StepFailure[] = [];
  for (const [value, step] of values) {
    try {
      if (typeof value[Symbol.asyncDispose] === 'function') await value[Symbol.asyncDispose]?.();
      else value[Symbol.dispose]?.();
    } catch (error) {
      failures.push(new StepFailure(step, error));
    }
  }
  const [first, ...others] = failures;
  if (first === undefined || others.length === 0) return first;
  const errors = failures.map(({ error }) => error);
  return new StepFailure(first.step, new AggregateError(errors, 'Several teardowns failed.'));
}

function isDisposable(value: unknown): value is Disposer {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  const candidate = value as Disposer;
  return (
    typeof candidate[Symbol.asyncDispose] === 'function' ||
    typeof candidate[Symbol.dispose] === 'function'
  );
}
