/** What hops are told by when what they are made for is given up. */

/** Hears of an abort: a form that `AbortSignal` takes as well. */
export interface AbortListener {
  handleEvent(): void;
}

/** What can be listened to for an abort: an `AbortSignal`, or what stands for one. */
export interface Abortable {
  readonly aborted: boolean;
  /** Undefined before it is aborted. */
  readonly reason: unknown;
  addEventListener(type: 'abort', listener: AbortListener, options?: { once?: boolean }): void;
  removeEventListener(type: 'abort', listener: AbortListener): void;
}

/**
 * For who listens inside of turno. An `AbortController` of its own for each run with a hop would cost 5 to 10
 * µs of the loop, with its listeners: a tenth of what the whole hop costs there.
 */
export class StopSignal implements Abortable {
  aborted = false;
  reason: unknown;
  /** Most runs have one hop at a time, for which no set is made. */
  private first: AbortListener | undefined;
  private others: Set<AbortListener> | undefined;

  addEventListener(_type: 'abort', listener: AbortListener): void {
    if (this.first === undefined) this.first = listener;
    else (this.others ??= new Set()).add(listener);
  }

  removeEventListener(_type: 'abort', listener: AbortListener): void {
    if (this.first === listener) this.first = undefined;
    else this.others?.delete(listener);
  }

  /** Calls all that listen, once. */
  abort(reason: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    this.first?.handleEvent();
    // One may take another one back.
    for (const listener of this.others ?? []) listener.handleEvent();
    this.first = this.others = undefined;
  }
}

/** Whether something only passes on that it was aborted. By name: a DOMException is an Error in its own realm only. */
export function isAbortError(error: unknown): boolean {
  return (error as { readonly name?: unknown } | undefined | null)?.name === 'AbortError';
}
