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
 * @returns undefined where the program does not allow code from strings, or there is too much of it.
 */
export function writeStraight(steps: readonly CodedStep[]): StraightCode | undefined {
  if (steps.length > mostSteps) return undefined;
  const held: readonly HeldStep[] = steps.flatMap(({ index, ending }) =>
    ending === undefined ? [] : { index, ending },
  );
  const text = `${steps.map((_, at) => `const s${at} = steps[${at}], C${at} = s${at}.target, e${at} = s${at}.ending;`).join('\n')}
function make(pass) {
  const v = pass.values;
  let at = 0, o, isAsSeen;
  try {
${steps.map(makeText).join('\n')}
    return true;
  } catch (error) {
    return pass.fail(steps[at].position, error);
  }
}
function tearDown(pass) {
  const v = pass.values;
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

function makeText({ target, ending, index, position, needs }: CodedStep, at: number): string {
  if (target === undefined) return `    if (!s${at}.make(pass)) return false;`;
  const args = needs.map((need) => `v[${need}]`).join(', ');
  return `    at = ${at};
    o = new C${at}(${args});
    if (pass.isTaken) return pass.leave(${position}, o);
    try {
      isAsSeen = ${asSeen(ending)};
    } catch {
      isAsSeen = ${ending === undefined};
    }
    ${ending === undefined ? `if (!isAsSeen) s${at}.own(pass, o);` : `if (!isAsSeen || !pass.holds || e${at}.held.isNoted) pass.ownApart(s${at}, o);`}
    v[${index}] = o;`;
}

/** Whether a value `o` is torn down as the last one. What throws for a look has no teardown. */
function asSeen(ending: HeldEnding | undefined): string {
  if (ending?.symbol === Symbol.asyncDispose) return `typeof o[asyncDispose] === 'function'`;
  const sync = ending === undefined ? '!==' : '===';
  return `typeof o[asyncDispose] !== 'function' && typeof o[dispose] ${sync} 'function'`;
}

/** As `dispose` of disposal.ts does, by the same names, which stand in what the engine says of what is no function. */
function endText({ ending, index }: HeldStep, at: number): string {
  const symbol = ending.symbol === Symbol.asyncDispose ? 'asyncDispose' : 'dispose';
  return `  pass.left = ${at};
  disposable = v[${index}];
  result = disposable[Symbol.${symbol}]?.();
  if (!pass.holds || (typeof result === 'object' && result !== null)) return result;`;
}
