/** What belongs to one flow of asynchronous work: values of context variables, and whether it is a hop. */
import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks';

/** The context variables that are set, by name. Never changed: setting one makes another map. */
export type ContextValues = ReadonlyMap<string, unknown>;

/** A flow: a call and all that it starts, also behind an `await`. */
export interface Flow {
  readonly values: ContextValues;
  /** Whether it is that of a hop, in a thread or inline. */
  readonly isHop: boolean;
}

/**
 * One store for the whole realm, for the same reason as that of the records, and one for all
 * variables: a storage that nobody has ever set costs nothing, each one that somebody has costs
 * something at every promise.
 */
const storageKey = Symbol.for('@turno/core:context:1');
const realm = globalThis as { [storageKey]?: AsyncLocalStorage<Flow | undefined> | undefined };
const storage = (realm[storageKey] ??= new AsyncLocalStorage());

/** The flow that the caller is in; undefined outside of hops as long as no variable is set. */
export function currentFlow(): Flow | undefined {
  return storage.getStore();
}

/** Calls `body` in a flow that was there before, or in none. */
export function inFlow<T>(flow: Flow | undefined, body: () => T): T {
  return storage.getStore() === flow ? body() : storage.run(flow, body);
}

/** Made where nobody's work is under way: when this file is loaded. */
const nobodys = new AsyncResource('turno');

/**
 * Calls `body` in no flow, and with nothing that anybody has put into an `AsyncLocalStorage` of his own: what
 * is made there lives longer than the request that was the first to need it.
 */
export function outsideOfFlows<T>(body: () => T): T {
  return nobodys.runInAsyncScope(() => inFlow(undefined, body));
}

const emptyHop: Flow = { values: new Map(), isHop: true };

/** Calls `body` as that of a hop which the values have come with. */
export function inHop<T>(values: ContextValues | undefined, body: () => T): T {
  return storage.run(values === undefined ? emptyHop : { values, isHop: true }, body);
}

/** Whether the caller belongs to a hop. */
export function isInHop(): boolean {
  return storage.getStore()?.isHop === true;
}
