/** Finds out whether a thread can reach what its hops need. */
import { classById } from '../record.js';
import type { NeededClass } from './executor.js';

/**
 * Why a needed class cannot be used, as a sentence without its full stop; undefined if it can.
 * @param missing - why the class is not known, if it is not.
 */
export function whyUnreachable(
  need: NeededClass,
  missing: (need: NeededClass) => string,
): string | undefined {
  const type = classById(need.classId);
  if (type === undefined) return missing(need);
  for (const { name, static: isStatic } of need.methods) {
    const holder: unknown = isStatic ? type : type.prototype;
    if (typeof (holder as Record<string, unknown>)[name] !== 'function') {
      return `its class has no ${isStatic ? 'static ' : ''}method "${name}" there`;
    }
  }
  return undefined;
}
