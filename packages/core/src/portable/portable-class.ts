/** Says of a class whether its instances may cross between loop and thread. */
import { findRecord, portableRecords } from '../record.js';
import type { AbstractClass } from '../token.js';
import './library-errors.js';
import { builtinName, isErrorClass, kindOf } from './kind.js';
import { privateField } from './private-fields.js';

/** How the instances of one class cross, or why they do not. */
export type Portability =
  | { readonly crosses: true }
  | { readonly crosses: false; readonly reason: string; readonly remedy: string };

const yes: Portability = { crosses: true };

/** Of `@Portable` classes only: their sources do not change, and reading them is slow. */
const answers = new WeakMap<object, Portability>();

/**
 * Whether instances of a class may cross, as far as the class can tell: what its fields hold is
 * known only when a value crosses. Built-in classes of data and errors may.
 */
export function portability(target: AbstractClass): Portability {
  const record = findRecord(target);
  if (record?.portable === undefined) return ofOther(target);
  let answer = answers.get(target);
  if (answer === undefined) {
    answer = ofPortable(target, record.portable);
    answers.set(target, answer);
  }
  return answer;
}

/**
 * Whether values of a class are known not to cross, before there is one.
 * @param exact - the value is made by `new` on that very class. Otherwise the class is a declared
 * type, and the value may be of a subclass, or an object literal of the same shape.
 */
export function isKnownUnportable(target: AbstractClass, exact: boolean): boolean {
  if (portability(target).crosses) return false;
  if (exact || (target as unknown) === Function || (target as unknown) === Symbol) return true;
  if (findRecord(target)?.portable !== undefined) return true;
  // Only what has methods cannot be meant as a literal.
  const members = Reflect.ownKeys(target.prototype as object);
  return members.length > 1 && !hasPortableSubclass(target);
}

/** Why instances of a class that is `@Portable` cannot cross all the same; undefined if they can. */
export function portableFault(
  target: AbstractClass,
): { readonly reason: string; readonly remedy: string } | undefined {
  if (findRecord(target)?.portable === undefined) return undefined;
  const answer = portability(target);
  return answer.crosses ? undefined : answer;
}

/**
 * For adapters: why what a thread throws as an instance of a class is none on the loop; undefined where
 * it may be one, itself or as an instance of a subclass.
 */
export function whyNotPortable(
  target: AbstractClass,
): { readonly reason: string; readonly remedy: string } | undefined {
  const answer = portability(target);
  if (answer.crosses || (target as unknown) === DOMException) return undefined;
  if (hasPortableSubclass(target)) return undefined;
  if (findRecord(target)?.portable !== undefined) return answer;
  const { reason } = answer;
  const { name } = target;
  const remedy = `Decorate ${name} with @Portable(), or write Portable()(${name}) where the class is not yours.`;
  return { reason, remedy };
}

function hasPortableSubclass(target: AbstractClass): boolean {
  return portableRecords().some((record) => record.target.prototype instanceof target);
}

function ofPortable(
  target: AbstractClass,
  { encode, decode }: { readonly encode?: unknown; readonly decode?: unknown },
): Portability {
  if ((encode === undefined) !== (decode === undefined)) {
    return {
      crosses: false,
      reason: `which has ${encode === undefined ? 'decode' : 'encode'} without ${encode === undefined ? 'encode' : 'decode'}`,
      remedy: `Give @Portable of ${target.name} both \`encode\` and \`decode\`.`,
    };
  }
  if (encode !== undefined) return yes;
  const field = privateField(target);
  if (field !== undefined) {
    return {
      crosses: false,
      reason: `which has the private field ${field}, and that cannot be read from outside`,
      remedy: `Make ${field} \`private ${field.slice(1)}\`, or give @Portable \`encode\` and \`decode\`.`,
    };
  }
  const base = dataBase(target);
  if (base !== undefined) {
    return {
      crosses: false,
      reason: `which extends ${base}`,
      remedy: `Give @Portable of ${target.name} \`encode\` and \`decode\`.`,
    };
  }
  return yes;
}

function ofOther(target: AbstractClass): Portability {
  const prototype = target.prototype as object;
  if (kindOf(prototype) !== 'other') return yes;
  if (isErrorClass(builtinName(prototype))) return yes;
  return {
    crosses: false,
    reason: 'which is not @Portable',
    remedy: `Decorate ${target.name} with @Portable() if it is data, or pass plain data.`,
  };
}

/** The built-in class other than `Object` and the errors that a class extends. */
function dataBase(target: AbstractClass): string | undefined {
  for (
    let prototype: unknown = Object.getPrototypeOf(target.prototype);
    typeof prototype === 'object' && prototype !== null;
    prototype = Object.getPrototypeOf(prototype)
  ) {
    const name = prototype === Buffer.prototype ? 'Buffer' : builtinName(prototype);
    if (name === 'Object' || isErrorClass(name)) return undefined;
    if (name !== undefined) return name;
  }
  return undefined;
}
