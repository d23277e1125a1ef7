/** Lets the event loop go first where there are fewer cores than work. */
import { setPriority } from 'node:os';

/**
 * @param niceness - 0 to 19, as `nice` counts.
 * @param isProcess - whether this is a process of its own: on Linux alone a thread has a priority of its own,
 * elsewhere that of the whole program would change.
 */
export function giveWay(niceness: number, isProcess: boolean): void {
  if (niceness === 0 || (!isProcess && process.platform !== 'linux')) return;
  try {
    setPriority(niceness);
  } catch {
    // A sandbox may forbid it; all works as well without.
  }
}
