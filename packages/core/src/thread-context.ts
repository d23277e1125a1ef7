/** Tells code whether it runs in a worker thread of turno. Both sides import this. */
import { inFlow, isInHop } from './context.js';
import { DeclarationError } from './errors.js';

/** What the entry of a worker has written down in its realm. */
interface ThreadContext {
  /** Set while a module is being imported: called when that module starts a container. */
  parked: (() => void) | undefined;
  /** Whether some module was left unfinished, and nobody was warned of what that means. */
  isPartial: boolean;
}

/** One flag for the whole realm, for the same reason as that of the records. */
const contextKey = Symbol.for('@turno/core:thread:2');
const realm = globalThis as { [contextKey]?: ThreadContext | undefined };

/** Whether this is a worker thread of turno. */
export function inThread(): boolean {
  return realm[contextKey] !== undefined;
}

/**
 * What `Container.create` does in a thread: a file that declares providers and starts a server is
 * imported here for its declarations only, and stops at this point; also where it gets here only
 * after its import, by an `async function main()` that nobody awaits.
 * @returns a promise that never settles.
 * @throws DeclarationError when a provider starts a container.
 */
export function park(): Promise<never> {
  if (isInHop()) {
    throw new DeclarationError(
      'Container.create was called by a provider, in a worker thread.',
      'Start containers on the main thread, and inject what the provider needs.',
    );
  }
  realm[contextKey]?.parked?.();
  return new Promise<never>(() => undefined);
}

/** For the entry of a worker: makes {@link inThread} true. */
export function enterThread(): void {
  realm[contextKey] = { parked: undefined, isPartial: false };
}

/**
 * For the entry of a worker: imports a module until it is done or has parked.
 * @returns whether it has parked.
 */
export async function importUntilParked(module: string): Promise<boolean> {
  const context = (realm[contextKey] ??= { parked: undefined, isPartial: false });
  const before = context.parked;
  try {
    return await new Promise<boolean>((resolve, reject) => {
      context.parked = () => {
        context.isPartial = true;
        resolve(true);
      };
      // A hop may need a module that only it has named; what that does is none of the hop's doing.
      inFlow(undefined, () => import(module)).then(() => resolve(false), reject);
    });
  } finally {
    context.parked = before;
  }
}

/**
 * Warns, once in each thread, if an error may come of a module that was left unfinished: where it is thrown,
 * nothing looks wrong.
 */
export function warnOfPartial(error: unknown): void {
  const context = realm[contextKey];
  if (context?.isPartial !== true || !isBeforeInitialization(error)) return;
  context.isPartial = false;
  process.emitWarning(
    `${error.message}. Perhaps it stands below the start of a container: a thread imports a module only up to createApp or Container.create. Then move it above, or providers and controllers into modules of their own.`,
    { code: 'TURNO_BELOW_START' },
  );
}

function isBeforeInitialization(error: unknown): error is ReferenceError {
  try {
    if (!(error instanceof ReferenceError)) return false;
    const message: unknown = error.message;
    return typeof message === 'string' && message.endsWith('before initialization');
  } catch {
    // What was thrown may be anything, such as a proxy that throws itself.
    return false;
  }
}
