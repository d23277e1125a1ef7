/** Remembers what belongs to an error without touching it: its path, and what it has hidden. */
import type { TeardownFault } from './disposal.js';
import { TurnoError, type Path } from './errors.js';

const paths = new WeakMap<object, Path>();
const suppressed = new WeakMap<object, readonly unknown[]>();

function isObject(error: unknown): error is object {
  return typeof error === 'object' && error !== null;
}

/** Notes the path of an error; the first note is the closest to the culprit and stays. */
export function notePath(error: unknown, path: Path): void {
  if (isObject(error) && !paths.has(error)) paths.set(error, path);
}

/** As {@link notePath}, when a step has thrown it: the same step may have thrown the same error before. */
export function noteThrown(error: unknown, path: Path): void {
  if (!isObject(error)) return;
  const known = paths.get(error);
  if (known === undefined || known.at(-1) === path.at(-1)) paths.set(error, path);
}

/** Notes that `path` leads to the provider from which the known path of an error goes on. */
export function extendPath(error: unknown, path: Path): void {
  if (!isObject(error)) return;
  const known = paths.get(error) ?? path.slice(-1);
  // Somebody else who has waited for it may have noted the way to himself already.
  const from = known.indexOf(path.at(-1) as string);
  paths.set(error, [...path, ...(from < 0 ? known.slice(-1) : known.slice(from + 1))]);
}

/** One error may be thrown again and again. */
const mostSuppressed = 100;

/** Notes errors that came beside or after the one that the caller sees. */
export function noteSuppressed(error: unknown, others: readonly unknown[]): void {
  if (!isObject(error) || others.length === 0) return;
  const all = new Set([...(suppressed.get(error) ?? []), ...others]);
  suppressed.set(error, [...all].slice(-mostSuppressed));
}

/**
 * The path from what was resolved down to the provider that threw `error`, such as
 * `['Burgers.mixed', 'Kitchen.grind']`; undefined for what did not come out of a `resolve`.
 */
export function errorPath(error: unknown): Path | undefined {
  if (!isObject(error)) return undefined;
  return paths.get(error) ?? (error instanceof TurnoError ? error.path : undefined);
}

/**
 * What else failed when `error` was thrown: steps that failed at the same time, later in the
 * order of declaration, and teardowns of what had been made.
 */
export function suppressedErrors(error: unknown): readonly unknown[] {
  return isObject(error) ? (suppressed.get(error) ?? []) : [];
}

/** What teardowns threw, with a note of whose they were. */
export function errorsOf(faults: readonly TeardownFault[]): readonly unknown[] {
  for (const { label, error } of faults) notePath(error, [label]);
  return faults.map(({ error }) => error);
}
