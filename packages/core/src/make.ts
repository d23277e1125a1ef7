/** Makes a value on the loop: what constructing and calling are there. */
import { types } from 'node:util';
import { DeclarationError } from './errors.js';
import type { MethodNode, Node } from './node.js';
import type { Step } from './step.js';
import type { Class } from './token.js';
import { runText } from './written-code.js';

/** To write and compile a function pays only for what is made often. */
const callsBeforeCode = 100;

/**
 * Only so many steps get one, those that are made most: many functions push one another out of the processor's caches. With
 * one for each step, 100 plans of ten steps, used in turn, took half as long again; few of them a fifth less.
 */
const mostWritten = 100;
let written = 0;

/**
 * @param values - of the steps of its plan, those that it needs among them; for an instance's method the instance comes
 * first.
 * @returns what the constructor or the method returns; of a list its members.
 */
export function makeOnLoop(step: Step, values: readonly unknown[]): unknown {
  const { code } = step;
  return code === undefined ? makePlainly(step, values) : code(values);
}

function makePlainly(step: Step, values: readonly unknown[]): unknown {
  if (++step.calls === callsBeforeCode && written++ < mostWritten) step.code = writeMake(step);
  const { node, needs } = step;
  if (node.kind === 'class') return construct(node.target as Class, needs, values);
  if (node.kind !== 'method') return valuesOf(needs, 0, values);
  const result = callPlainly(node, needs, values);
  // Of a plan only the first time: what does it at all does it from the first time on.
  if (step.calls === 1 && !node.handler && !node.generator && types.isGeneratorObject(result)) {
    step.calls = 0;
    throw new DeclarationError(
      `${node.label} returned a generator, which nobody runs: it is no generator method itself.`,
      'Write it as one (`*name`, `async *name`; where a decorator wraps it, with `yield*`), or put a generator that is the value into an object.',
    );
  }
  return result;
}

function callPlainly(
  node: MethodNode,
  needs: readonly number[],
  values: readonly unknown[],
): unknown {
  if (node.fixed !== undefined) return call(node.fixed, node.target, 0, needs, values);
  const self = node.static ? node.target : values[needs[0] as number];
  const method = (self as Record<string | symbol, unknown>)[node.method];
  if (typeof method !== 'function') throw noMethod(node);
  return call(method, self, node.static ? 0 : 1, needs, values);
}

// Both without a list of arguments where there are few, as nearly always: 0.02 µs a step.

function construct(target: Class, needs: readonly number[], values: readonly unknown[]): unknown {
  switch (needs.length) {
    case 0:
      return new target();
    case 1:
      return new target(values[needs[0] as number]);
    case 2:
      return new target(values[needs[0] as number], values[needs[1] as number]);
    case 3:
      return new target(
        values[needs[0] as number],
        values[needs[1] as number],
        values[needs[2] as number],
      );
    default:
      return new target(...valuesOf(needs, 0, values));
  }
}

/** @param first - where in `needs` the arguments begin. */
function call(
  // eslint-disable-next-line @typescript-eslint/no-unsafe-function-type -- whatever stands under that name
  method: Function,
  self: unknown,
  first: number,
  needs: readonly number[],
  values: readonly unknown[],
): unknown {
  switch (needs.length - first) {
    case 0:
      return method.call(self) as unknown;
    case 1:
      return method.call(self, values[needs[first] as number]) as unknown;
    case 2:
      return method.call(
        self,
        values[needs[first] as number],
        values[needs[first + 1] as number],
      ) as unknown;
    default:
      return method.apply(self, valuesOf(needs, first, values)) as unknown;
  }
}

/** By a function of its own, with no function in it: each caller would pay for that one's context. */
function valuesOf(needs: readonly number[], first: number, values: readonly unknown[]): unknown[] {
  const chosen: unknown[] = [];
  for (let at = first; at < needs.length; at++) chosen.push(values[needs[at] as number]);
  return chosen;
}

function noMethod({ label, target }: MethodNode): TypeError {
  return new TypeError(`${label} is not a method of what provides ${target.name}.`);
}

/**
 * A function that does what {@link makePlainly} does, for one step: there, one place calls the methods and constructors of
 * all, so that none is put in line, and looks each up anew.
 * @returns undefined where the program does not allow code from strings.
 */
function writeMake({ node, needs }: Step): Step['code'] {
  const args = needs.map((need) => `v[${need}]`);
  if (node.kind === 'class') return write(`return new C(${args.join()});`, { C: node.target });
  if (node.kind !== 'method') return write(`return [${args.join()}];`, {});
  const { fixed, target, method: name } = node;
  if (fixed !== undefined) {
    return write(`return F.call(${['T', ...args].join()});`, { F: fixed, T: target });
  }
  const self = node.static ? 'T' : args.shift();
  const text = `const self = ${self}, method = self[name];
    if (typeof method !== 'function') throw refused();
    return method.call(${['self', ...args].join()});`;
  return write(text, { T: target, name, refused: () => noMethod(node) });
}

/** @param text - of numbers, and what stands here: nothing that users wrote. */
function write(text: string, given: Readonly<Record<string, unknown>>): Step['code'] {
  return runText(`return function make(v) { ${text} };`, given) as Step['code'];
}

/** What is made of the result of a handler. */
export function finished(node: Node, result: unknown): unknown {
  if (node.kind !== 'method' || !node.handler) return result;
  const finish = node.record.handler?.finishOnLoop;
  return finish === undefined ? result : finish(result, node.label);
}

/** Whether what is made belongs to whoever has asked for it: what an offloaded method or a handler returns. */
export function isCallers(node: Node): boolean {
  return node.kind === 'offloadedMethod' || (node.kind === 'method' && node.handler);
}
