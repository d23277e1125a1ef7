/** Context variables: values that belong to a flow of asynchronous work, seen wherever it runs. */
import { currentFlow, inFlow, isInHop } from './context.js';
import { ContextError, DeclarationError } from './errors.js';
import { shown } from './misuse.js';
import { inThread } from './thread-context.js';

/** Made by {@link contextVar}. */
export class ContextVar<T> {
  /** @internal Use {@link contextVar}. */
  constructor(readonly name: string) {}

  /**
   * The value that the nearest {@link run} around the caller has set; in a thread, the one that was
   * set where the hop was asked for. Undefined where there is none, and in the making of a singleton and
   * of what a thread keeps, which are made for all who come.
   */
  get(): T | undefined {
    return currentFlow()?.values.get(this.name) as T | undefined;
  }

  /**
   * Calls `body`, in which the variable has this value: in it and in all that it starts, behind
   * every `await`, and in the threads that its hops go to. With `undefined` the variable is not set
   * there. A value that cannot cross to a thread is refused when a hop is about to leave.
   * @returns what `body` returns.
   * @throws ContextError in a thread, where what is set would be lost.
   */
  run<R>(value: T | undefined, body: () => R): R {
    if (isInHop()) throw new ContextError(this.name, 'hop');
    if (inThread()) throw new ContextError(this.name, 'import');
    // JavaScript may pass anything.
    const given: unknown = body;
    if (typeof given !== 'function') {
      throw new DeclarationError(
        `\`run\` of the context variable "${this.name}" was given ${shown(given)} for its body.`,
        'Write run(value, () => scope.resolve(…)).',
      );
    }
    const values = new Map(currentFlow()?.values);
    if (value === undefined) values.delete(this.name);
    else values.set(this.name, value);
    return inFlow(values.size === 0 ? undefined : { values, isHop: false }, body);
  }
}

/**
 * Makes a context variable, at the top level of a module:
 * `const traceparent = contextVar<string>('traceparent')`. Two of one name are the same variable,
 * since a thread knows it by its name only.
 * @throws DeclarationError for a name that is none.
 */
export function contextVar<T>(name: string): ContextVar<T> {
  // JavaScript may pass anything.
  const given: unknown = name;
  if (typeof given !== 'string' || given === '') {
    throw new DeclarationError(
      `contextVar() was given ${shown(given)} for a name.`,
      "Write contextVar('traceparent'): threads know a variable by its name.",
    );
  }
  return new ContextVar<T>(name);
}
