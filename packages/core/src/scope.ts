/** Scopes and placements: how long a value lives, and where it is made. */

/**
 * How long a value lives, longest first:
 * - `singleton`: with the container;
 * - `thread`: one per worker thread, only for what runs in a thread;
 * - `request`: with one `container.createScope()`;
 * - `call`: inside a request, with one handler (until it has returned, before its answer is sent)
 *   or one `scope.createScope()`;
 * - `transient`: a new value for each injection, owned by the scope of its consumer.
 */
export type Scope = 'singleton' | 'thread' | 'request' | 'call' | 'transient';

/** Where code runs: on the event loop, or in a worker thread. */
export type Placement = 'loop' | 'thread';

export const scopes: readonly Scope[] = ['singleton', 'thread', 'request', 'call', 'transient'];

/** Whether values of that scope are kept by a scope, and not by the container or a thread. */
export function isScoped(scope: Scope): boolean {
  return scope === 'request' || scope === 'call';
}

/** The group of threads that runs what names no other. */
export const defaultGroup = 'default';
