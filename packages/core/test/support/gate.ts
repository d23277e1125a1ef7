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

/** Lets everything run that is ready to run on the event loop. */
export async function turn(): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve));
}
