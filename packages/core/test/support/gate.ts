/** A gate: a promise that the test opens, so that no test waits by the clock. */
export interface Gate<T = void> {
  readonly passed: Promise<T>;
  open(value: T): void;
  fail(error: unknown): void;
}

export function gate<T = void>(): Gate<T> {
  let open!: (value: T) => void;
  let fail!: (error: unknown) => void;
  const passed = new Promise<T>((accept, reject) => {
    open = accept;
    fail = reject;
  });
  return { passed, open, fail };
}

/**
 * Lets what is due after no time happen: timers of one length go off in the order in which they were
 * set, and Node makes no difference between 0 and 1.
 */
export async function moment(): Promise<void> {
  await new Promise<void>((resolve) => setTimeout(resolve, 1));
}

/** Lets everything run that is ready to run on the event loop. */
export async function turn(): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve));
}
