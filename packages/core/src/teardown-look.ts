/** Looks at the values of one step for an end of their own, by a function of its own. */
import { isObject, teardownOf } from './disposal.js';
import { runText } from './written-code.js';

/** To write and compile a function pays only for what is looked at often. */
const looksBeforeCode = 100;

/** Says whether a value has an end of its own, as `isDisposable`. */
export type TeardownLook = (value: object) => boolean;

/** What looks at the values of one step. */
export interface Looked {
  look: TeardownLook | undefined;
  /** How many values were looked at before there was one. */
  looks: number;
}

/**
 * Whether a value of a step has an end of its own, as `isDisposable`. One function for all steps meets objects of all
 * classes, and the engine then walks their prototypes anew for each: 0.05 µs for each value, a tenth of what
 * ten nodes take that do nothing.
 */
export function hasEnd(looked: Looked, value: unknown): value is object {
  if (!isObject(value)) return false;
  const { look } = looked;
  return look === undefined ? lookAnew(looked, value) : look(value);
}

function lookAnew(looked: Looked, value: object): boolean {
  if (++looked.looks === looksBeforeCode) looked.look = write();
  return hasTeardown(value);
}

function hasTeardown(value: object): boolean {
  return teardownOf(value) !== undefined;
}

/** @returns what does the same as {@link hasTeardown}; itself where the program allows no code from strings. */
function write(): TeardownLook {
  const text = `return (value) => {
  try {
    return typeof value[asyncDispose] === 'function' || typeof value[dispose] === 'function';
  } catch {
    return false;
  }
};`;
  const { asyncDispose, dispose } = Symbol;
  return (runText(text, { asyncDispose, dispose }) as TeardownLook | undefined) ?? hasTeardown;
}
