/** Background tasks: work that a request leaves behind, done after its answer has been sent. */
import { DisposedError, type ScopeInstance, type Token } from '@turno/core';
import { OptionsError } from './errors.js';

type Task = (scope: ScopeInstance) => unknown;

/** What becomes of tasks besides being done. */
export interface TaskWatch {
  /** Told what a task has thrown; the others go on. */
  failed(error: unknown): void;
  /** Whether there is no time left: what has not begun does not begin any more. */
  isOver(): boolean;
  /** Told how many have not begun. */
  dropped(count: number): void;
}

/**
 * Collects what shall be done after the answer: ask for it in an async handler, or in any provider
 * of scope `request` or `call` that runs on the event loop.
 *
 * Tasks run one after the other, in the order in which they were added, when the answer has been sent
 * and before what has scope `request` is torn down. They do not run where the request has failed.
 */
export class BackgroundTasks {
  readonly #tasks: Task[] = [];
  #isDone = false;

  /**
   * Calls an async function on the event loop. For synchronous work give the method of an offloaded
   * object, which does it in a thread: `tasks.add(hasher.hash, 'x')` with a `hasher` that was asked for
   * by `offloaded(Hasher)`.
   * @throws DisposedError when the tasks of the request are done already; OptionsError for what is no
   * function.
   */
  add<Args extends readonly unknown[]>(
    run: (...args: Args) => PromiseLike<unknown>,
    ...args: Args
  ): this {
    // JavaScript may pass anything; here the stack still says who did.
    const given: unknown = run;
    if (typeof given !== 'function') {
      const isPromise = typeof (given as PromiseLike<unknown> | undefined)?.then === 'function';
      throw new OptionsError(
        `tasks.add was given ${isPromise ? 'a promise' : `a value of type ${typeof given}`}, which is no function.`,
        'Write tasks.add(mail, address) instead of tasks.add(mail(address)): it is called when the answer has been sent.',
      );
    }
    return this.#add(() => run(...args));
  }

  /**
   * Resolves a token in the scope of the request, for what making it does: a provider without `async`
   * works in a thread.
   * @throws as {@link add}.
   */
  resolve(token: Token): this {
    return this.#add((scope) => scope.resolve(token));
  }

  /** @internal Does them all. Never rejects. */
  async run(scope: ScopeInstance, watch: TaskWatch): Promise<void> {
    // A list that grows while it is walked: a task may add another one.
    for (const [index, task] of this.#tasks.entries()) {
      if (watch.isOver()) {
        watch.dropped(this.#tasks.length - index);
        break;
      }
      try {
        await task(scope);
      } catch (error) {
        watch.failed(error);
      }
    }
    this.#isDone = true;
  }

  #add(task: Task): this {
    if (this.#isDone) throw new DisposedError('scope');
    this.#tasks.push(task);
    return this;
  }
}
