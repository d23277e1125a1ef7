/** Writes a straight pass as one function, and the teardown of what it holds as another one. */
import type { HeldEnding } from './disposal.js';
import { HeldValues, type HeldStep } from './held-values.js';
import type { Owner, Pass } from './pass.js';
import type { Step } from './step.js';
import type { Class } from './token.js';
import { runText } from './written-code.js';

/** What the functions are written from: one step. */
export interface CodedStep extends Owner {
  readonly step: Step;
  /** Of the step: where its value goes. */
  readonly index: number;
  /** Of its unit. */
  readonly position: number;
  readonly needs: readonly number[];
  /** Set for a class; all else is made by {@link make}. */
  readonly target: Class | undefined;
  /** How the last instance is torn down, of a class whose instances may be held without a note. */
  readonly ending: HeldEnding | undefined;
  make(pass: Pass): boolean;
}

/** What was written. */
export interface StraightCode {
  /** The same as to call `make` of each step in turn, as long as it returns true. */
  readonly make: (pass: Pass) => boolean;
  /** What passes hold by themselves; undefined where that is nothing. */
  readonly held: HeldValues | undefined;
}

interface Written {
  readonly make: StraightCode['make'];
  readonly tearDown: (pass: Pass) => unknown;
}

/** Longer functions the engine does not optimise. */
const mostSteps = 200;

/**
 * In a loop each `new` and each look for a dispose symbol meets objects of all classes; here every place meets those of
 * one class, so that the engine puts the constructors in line: ten transient classes take 0.3 µs in the place of 1.0 µs.
 * What instances of a class had for their teardown so far is taken for what the next one has: where it has something
 * else, it is owned as any other value. So a pass holds all by its list of values, which takes a fifth less of a request
 * scope than an entry for each.
 *
 * The text consists of what stands here and of numbers; nothing that users wrote is in it.
 * @param isHeld - whether the scope keeps the pass anyway, which so may hold what it has made.
 * @returns undefined where the program does not allow code from strings, or there is too much of it.
 */
export function writeStraight(
  steps: readonly CodedStep[],
  isHeld: boolean,
): StraightCode | undefined {
  if (steps.length > mostSteps) return undefined;
  const held: readonly HeldStep[] = steps.flatMap(({ index, ending }, order) =>
    isHeld && ending !== undefined ? { order, index, ending } : [],
  );
  const text = `${steps.map((_, at) => `const s${at} = steps[${at}], C${at} = s${at}.target, e${at} = s${at}.ending;`).join('\n')}
function make(pass) {
  const v = pass.values;
  let at = 0, o, isAsSeen;
  try {
${steps.map((step, at) => makeText(step, at, isHeld)).join('\n')}
    return true;
  } catch (error) {
    return pass.fail(steps[at].position, error);
  }
}
function tearDown(pass) {
  const v = pass.values, left = pass.left;
  let disposable, result;
${held.map(endText).toReversed().join('\n')}
  return result;
}
return { make, tearDown };`;
  const { asyncDispose, dispose } = Symbol;
  const written = runText(text, { steps, asyncDispose, dispose }) as Written | undefined;
  if (written === undefined) return undefined;
  const { make, tearDown } = written;
  return { make, held: held.length === 0 ? undefined : new HeldValues(held, tearDown) };
}

function makeText(
  { target, ending, index, position, needs }: CodedStep,
  at: number,
  isHeld: boolean,
): string {
  if (target === undefined) return `    if (!s${at}.make(pass)) return false;`;
  const args = needs.map((need) => `v[${need}]`).join(', ');
  return `    at = ${at};
    o = new C${at}(${args});
    if (pass.isTaken) return pass.leave(${position}, o);
    ${ending !== undefined && isHeld ? heldText(ending, at) : ownText(at)}
    v[${index}] = o;`;
}

/** What throws for a look has no teardown, here as well. */
function ownText(at: number): string {
  return `try {
      isAsSeen = typeof o[asyncDispose] !== 'function' && typeof o[dispose] !== 'function';
    } catch {
      isAsSeen = true;
    }
    if (!isAsSeen) s${at}.own(pass, o);`;
}

function heldText({ symbol }: HeldEnding, at: number): string {
  const asSeen =
    symbol === Symbol.asyncDispose
      ? "typeof o[asyncDispose] === 'function'"
      : "typeof o[asyncDispose] !== 'function' && typeof o[dispose] === 'function'";
  return `try {
      isAsSeen = ${asSeen};
    } catch {
      isAsSeen = false;
    }
    if (!isAsSeen || !pass.holds || e${at}.held.isNoted) pass.ownApart(s${at}, o);`;
}

/** As `dispose` of disposal.ts does, by the same names, which stand in what the engine says of what is no function. */
function endText({ ending, index }: HeldStep, at: number): string {
  const symbol = ending.symbol === Symbol.asyncDispose ? 'asyncDispose' : 'dispose';
  return `  if (left > ${at}) {
    pass.left = ${at};
    disposable = v[${index}];
    result = disposable[Symbol.${symbol}]?.();
    if (!pass.holds || (typeof result === 'object' && result !== null)) return result;
  }`;
}
