/** Finds out whether a thread can reach what its hops need. */
import { classById, findRecord } from '../record.js';
import type { NeededClass, Unreachable } from './executor.js';

/** Why a class cannot be used, and what to do about it. */
export type Reason = Pick<Unreachable, 'reason' | 'remedy' | 'needsLoader'>;

/**
 * Why a needed class cannot be used; undefined if it can.
 * @param missing - why the class is not known, if it is not.
 */
export function whyUnreachable(
  need: NeededClass,
  missing: (need: NeededClass) => Reason,
): Reason | undefined {
  const type = classById(need.classId);
  if (type === undefined) return missing(need);
  // Ids count classes of one name in the order in which they are declared. Where not all of them
  // are declared in a thread, the same number may mean another one.
  const declared = findRecord(type)?.twins.count ?? 1;
  if (declared !== need.twins) {
    const twins = need.call === undefined ? 'classes of its name' : `calls of ${need.call}`;
    return {
      reason: `${need.twins} ${twins} stand in its module, but ${declared} in a thread: some stand inside a function, or under a condition`,
    };
  }
  for (const { name, static: isStatic } of need.methods) {
    const holder: unknown = isStatic ? type : type.prototype;
    if (typeof (holder as Record<string, unknown>)[name] !== 'function') {
      return {
        reason: `its class has no ${isStatic ? 'static ' : ''}method "${name}" in a thread`,
      };
    }
  }
  return undefined;
}

/** Classes that a function or a loop makes several of at one place: no thread can tell them apart. */
export function findAmbiguous(needs: readonly NeededClass[]): readonly Unreachable[] {
  return needs.flatMap((need) => {
    if (!need.ambiguous) return [];
    const twins = need.call === undefined ? 'classes of its name' : `calls of ${need.call}`;
    const reason = `${need.twins} ${twins} are made at one place, by a function or a loop, and a thread cannot tell them apart`;
    const remedy =
      need.call === undefined
        ? 'Write each class out, at the top level of a module'
        : 'Write each call out, at the top level of a module';
    return [{ need, reason, remedy }];
  });
}
