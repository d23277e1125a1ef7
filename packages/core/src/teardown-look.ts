/** Looks at the values of one step for an end of their own, by a function of its own. */
import { isObject, teardownOf } from './disposal.js';

/** To write and compile a function pays only for what is looked at often. */
const looksBeforeCode = 100;

let written = 0;

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
  // A text of its own: functions of the same text share what the engine has learnt of the objects they meet.
  const text = `// ${++written}
return (value) => {
  try {
    return typeof value[asyncDispose] === 'function' || typeof value[dispose] === 'function';
  } catch {
    return false;
  }
};`;
  try {
    // eslint-disable-next-line @typescript-eslint/no-implied-eval -- nothing that users wrote is in it; the gain stands above
    const make = new Function('asyncDispose', 'dispose', text) as (
      ...symbols: symbol[]
    ) => TeardownLook;
    return make(Symbol.asyncDispose, Symbol.dispose);
  } catch {
    return hasTeardown;
  }
}
