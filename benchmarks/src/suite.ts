/** What all suites have in common. */
import type { Measurements } from './measurements.js';
import type { Options } from './options.js';

export type Suite = (measurements: Measurements, options: Options) => Promise<void>;

/** @returns whether a candidate is asked for: all are if none is named, and bases always. */
export function isWanted(name: string, bases: readonly string[], { only }: Options): boolean {
  return only.length === 0 || bases.includes(name) || only.some((part) => name.includes(part));
}

/** Says on the error stream what is going on, so that standard output holds the results alone. */
export function tell(text: string): void {
  process.stderr.write(`${text}\n`);
}
