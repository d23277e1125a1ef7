/** Writes a straight pass as one function, which the engine can compile as a whole. */
import type { HeldEnding } from './disposal.js';
import type { Pass } from './pass.js';
import type { Step } from './step.js';
import type { Class } from './token.js';
import { runText } from './written-code.js';

/** What the function is written from: one step. */
export interface CodedStep {
  readonly step: Step;
  /** Of the step: where its value goes. */
  readonly index: number;
  /** Of its unit. */
  readonly position: number;
  readonly needs: readonly number[];
  /** Set for a class; all else is made by {@link make}. */
  readonly target: Class | undefined;
  /** Set for a class whose instances may be held without a note. */
  readonly endings: readonly [async: HeldEnding, sync: HeldEnding] | undefined;
  make(pass: Pass): boolean;
  /** Sees to the teardown of what is made. */
  own(pass: Pass, value: unknown): void;
}

/** Longer functions the engine does not optimise. */
const mostSteps = 200;

/**
 * The same as to call `make` of each step in turn, as long as it returns true. In a loop each `new` and each
 * look for a dispose symbol meets objects of all classes; here every place meets those of one class, so that
 * the engine puts the constructors in line: ten transient classes take 0.3 µs in the place of 1.0 µs. Likewise each
 * class gets a function of its own that disposes its instances: 0.01 µs less for each.
 *
 * The text consists of what stands here and of numbers; nothing that users wrote is in it.
 * @returns undefined where the program does not allow code from strings, or there is too much of it.
 */
export function writeStraight(steps: readonly CodedStep[]): ((pass: Pass) => boolean) | undefined {
  if (steps.length > mostSteps) return undefined;
  const text = `${steps.map((_, at) => `const s${at} = steps[${at}], C${at} = s${at}.target;`).join('\n')}
${steps.map(({ endings }, at) => (endings === undefined ? '' : endersText(at))).join('\n')}
return function straight(pass) {
  const v = pass.values;
  let at = 0, o, by, ending, holder;
  try {
${steps.map(textOf).join('\n')}
    return true;
  } catch (error) {
    return pass.fail(steps[at].position, error);
  }
};`;
  const { asyncDispose, dispose } = Symbol;
  return runText(text, { steps, asyncDispose, dispose }) as ((pass: Pass) => boolean) | undefined;
}

function textOf({ target, endings, index, position, needs }: CodedStep, at: number): string {
  if (target === undefined) return `    if (!s${at}.make(pass)) return false;`;
  const args = needs.map((need) => `v[${need}]`).join(', ');
  return `    at = ${at};
    o = new C${at}(${args});
    if (pass.isTaken) return pass.leave(${position}, o);
    ${endings === undefined ? `s${at}.own(pass, o);` : ownText(at)}
    v[${index}] = o;`;
}

/** As `dispose` of disposal.ts does, by the same names, which stand in what the engine says of what is no function. */
function endersText(at: number): string {
  return `s${at}.endings[0].call = (disposable) => disposable[Symbol.asyncDispose]?.();
s${at}.endings[1].call = (disposable) => disposable[Symbol.dispose]?.();`;
}

/**
 * As `own` does, with one look for a holder, to whose entries it adds as `hold` does: in that, all callers share what
 * the engine has learnt, which is a twentieth of a request scope. A proxy that throws for what it does not know cannot be
 * disposed.
 */
function ownText(at: number): string {
  return `try {
      by = typeof o[asyncDispose] === 'function' ? 0 : typeof o[dispose] === 'function' ? 1 : -1;
    } catch {
      by = -1;
    }
    if (by >= 0) {
      ending = s${at}.endings[by];
      if (holder === undefined) holder = pass.holderFor(s${at}.step);
      if (holder === null || ending.held.isNoted) pass.note(s${at}.step, o);
      else holder.entries.push(o, ending);
    }`;
}
