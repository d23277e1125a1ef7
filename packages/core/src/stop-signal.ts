/** What hops are told by when what they are made for is given up. */

/** What can be listened to for an abort: an `AbortSignal`, or what stands for one. */
export interface Abortable {
  readonly aborted: boolean;
  /** Undefined before it is aborted. */
  readonly reason: unknown;
  addEventListener(type: 'abort', listener: () => void, options?: { once?: boolean }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/**
 * For who listens inside of turno. An `AbortController` of its own for each run with a hop would cost 5 to 10
 * µs of the loop, with its listeners: a tenth of what the whole hop costs there.
 */
export class StopSignal implements Abortable {
  aborted = false;
  reason: unknown;
  private listeners: Set<() => void> | undefined;

  addEventListener(_type: 'abort', listener: () => void): void {
    (this.listeners ??= new Set()).add(listener);
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    this.listeners?.delete(listener);
  }

  /** Calls all that listen, once. */
  abort(reason: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    // One may take another one back.
    for (const listener of this.listeners ?? []) listener();
    this.listeners = undefined;
  }
}
