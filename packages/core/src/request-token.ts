/** Tokens that say how a token is asked for: all its providers, on demand, by key, off the loop. */
import { defaultGroup } from './scope.js';
import { DeclarationError } from './errors.js';
import { refuseNonToken, refuseUnknownOptions, shown } from './misuse.js';
import { bare } from './own.js';
import type { Offloaded } from './offloaded.js';
import { isClass, NamedToken, tokenName, type AbstractClass, type Token } from './token.js';

/** Asks for all providers of a token; made by {@link all}. */
export class AllToken<T> extends NamedToken<readonly T[]> {
  constructor(readonly of: Token<T>) {
    super(`all(${tokenName(of)})`);
  }
}

/** Resolves a token in the scope of whoever holds the function. */
export type Lazy<T> = () => Promise<T>;

/** Asks for a function that resolves a token on demand; made by {@link lazy}. */
export class LazyToken<T> extends NamedToken<Lazy<T>> {
  constructor(readonly of: Token<T>) {
    super(`lazy(${tokenName(of)})`);
  }
}

/** Asks for an object whose methods run in threads; made by {@link offloaded}. */
export class OffloadedToken<T> extends NamedToken<Offloaded<T>> {
  constructor(
    readonly of: Token<T>,
    /** The group of threads that runs the methods. */
    readonly group: string,
  ) {
    super(`offloaded(${tokenName(of)}${group === defaultGroup ? '' : `, '${group}'`})`);
  }
}

/** Asks for what an override replaces; made by {@link original}. */
export class OriginalToken<T> extends NamedToken<T> {
  constructor(readonly of: Token<T>) {
    super(`original(${tokenName(of)})`);
  }
}

/** One of several tokens that stand for the same kind of thing; made by {@link keyed}. */
export class KeyedToken<T> extends NamedToken<T> {
  constructor(
    readonly of: Token<T>,
    readonly key: string | number | symbol,
  ) {
    super(`${tokenName(of)}(${keyText(key)})`);
  }
}

function keyText(key: string | number | symbol): string {
  return typeof key === 'string' ? JSON.stringify(key) : String(key);
}

/** How code names a token. */
export function writtenAs(token: Token): string {
  if (!(token instanceof KeyedToken)) return tokenName(token);
  return `keyed(${writtenAs(token.of)}, ${keyText(token.key)})`;
}

/** A token that is not there yet; made by {@link forwardRef}. */
export class ForwardRef<T = unknown> {
  constructor(readonly get: () => Token<T>) {}
}

/**
 * Asks for the values of all providers that are declared with `many: true`, in the order of
 * declaration: `@Inject(all(Plugin)) plugins: readonly Plugin[]`. Without any it is an empty list.
 */
export function all<T>(of: Token<T>): NamedToken<readonly T[]> {
  refuseUndeclared('all', of);
  return memo(allTokens, of, () => new AllToken(of)) as AllToken<T>;
}

/**
 * Asks for a function that resolves a token when it is called, in the same scope:
 * `@Inject(lazy(Report)) report: Lazy<Report>`. It makes nothing before, and may close a circle.
 */
export function lazy<T>(of: Token<T>): NamedToken<Lazy<T>> {
  refuseUndeclared('lazy', of);
  return memo(lazyTokens, of, () => new LazyToken(of)) as LazyToken<T>;
}

/**
 * Asks for an object with the methods of a class, for async code: each call runs the method in a
 * worker thread and returns a promise. `@Inject(offloaded(Hasher)) hasher: Offloaded<Hasher>`.
 *
 * The instance that the methods are called on is made in the thread, with what it needs: once in each
 * thread for a class that is a singleton or has scope `thread`, else for each call. A provider of the
 * class that runs in a thread makes it there; methods of a given value (a test's) are called on the
 * event loop, for it cannot move.
 *
 * Methods are those on the prototypes of the class; they may be async. Arguments and results are
 * copied, or moved by `transfer`. An `AbortSignal` as the last argument of a call aborts it; the method
 * gets one of its thread in that place. A call is aborted too when the run fails or gives up in which
 * the object was injected, and when the scope that the object belongs to is disposed; the container is
 * the scope of singletons. Each call fails as a resolve may: with what the method threw, a
 * `NotPortableError`, `QueueFullError`, `ThreadDiedError` or `DisposedError`, or the reason of a signal.
 */
export function offloaded<T>(
  of: Token<T>,
  options: OffloadedOptions = {},
): NamedToken<Offloaded<T>> {
  refuseUndeclared('offloaded', of);
  refuseUnknownOptions('offloaded()', options, ['threads']);
  const { threads = defaultGroup } = bare(options);
  const byGroup = memo(offloadedTokens, of, () => new Map<string, OffloadedToken<unknown>>());
  let found = byGroup.get(threads);
  if (found === undefined) byGroup.set(threads, (found = new OffloadedToken(of, threads)));
  return found as OffloadedToken<T>;
}

/** Options of {@link offloaded}. */
export interface OffloadedOptions {
  /** The group of threads that runs the methods; as in the options of providers. */
  readonly threads?: string;
}

/** In an override: asks for what it replaces, to wrap it. */
export function original<T>(of: Token<T>): NamedToken<T> {
  refuseUndeclared('original', of);
  return memo(originalTokens, of, () => new OriginalToken(of)) as OriginalToken<T>;
}

/**
 * A token of its own for each key, to provide one type several times:
 * `@Provides(keyed(Database, 'replica'))`, `@Inject(keyed(Database, 'replica'))`.
 */
export function keyed<T>(of: Token<T>, key: string | number | symbol): NamedToken<T> {
  refuseNonToken('keyed', of, 'forwardRef(() => keyed(TheToken, key))');
  const keys = memo(keyedTokens, of, () => new Map<typeof key, NamedToken<unknown>>());
  let found = keys.get(key);
  if (found === undefined) {
    found = new KeyedToken<unknown>(of, key);
    keys.set(key, found);
  }
  return found as NamedToken<T>;
}

/** Names a class that stands further down, or in a module that imports this one. */
export function forwardRef<T>(get: () => Token<T>): ForwardRef<T> {
  // JavaScript may pass the class itself.
  if (typeof get !== 'function' || isClass(get)) {
    throw new DeclarationError(
      `forwardRef() was given ${isClass(get) ? `the class ${(get as { name: string }).name}` : shown(get)} for its function.`,
      'Write forwardRef(() => TheClass).',
    );
  }
  return new ForwardRef(get);
}

function refuseUndeclared(caller: 'all' | 'lazy' | 'offloaded' | 'original', of: unknown): void {
  refuseNonToken(caller, of, `forwardRef(() => ${caller}(TheToken))`);
}

type Key = AbstractClass | NamedToken<unknown>;
const allTokens = new WeakMap<Key, AllToken<unknown>>();
const lazyTokens = new WeakMap<Key, LazyToken<unknown>>();
const offloadedTokens = new WeakMap<Key, Map<string, OffloadedToken<unknown>>>();
const originalTokens = new WeakMap<Key, OriginalToken<unknown>>();
const keyedTokens = new WeakMap<Key, Map<string | number | symbol, NamedToken<unknown>>>();

/** The same token for the same request, so that it can be a key of maps. */
function memo<V>(store: WeakMap<Key, V>, of: Token, make: () => V): V {
  let found = store.get(of);
  if (found === undefined) {
    found = make();
    store.set(of, found);
  }
  return found;
}
