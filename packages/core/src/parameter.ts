/** Finds out what each parameter of a constructor or method wants: records first, then metadata. */
import {
  DeclarationError,
  MetadataError,
  ParameterTypeError,
  UndefinedDependencyError,
  type Path,
  type TurnoError,
} from './errors.js';
import { constructorTypes, methodTypes } from './metadata.js';
import { shown } from './misuse.js';
import {
  findRecord,
  type MethodRecord,
  type ParameterInfo,
  type ParameterRecord,
  type ParameterSource,
} from './record.js';
import { ForwardRef } from './request-token.js';
import { isToken, tokenName, type AbstractClass, type Token } from './token.js';

/** What one parameter wants, or why that cannot be told. */
export type Wanted =
  | {
      readonly kind: 'token';
      readonly token: Token;
      /** As messages show it. */
      readonly parameter: string;
      readonly optional: boolean;
    }
  | { readonly kind: 'source'; readonly source: ParameterSource; readonly info: ParameterInfo }
  | { readonly kind: 'fault'; readonly fault: (path: Path) => TurnoError };

/** Types that compilers emit for what is no class: they name no provider. */
const uninjectable = new Set<unknown>([
  Object,
  String,
  Number,
  Boolean,
  Symbol,
  BigInt,
  Array,
  Function,
  Promise,
]);

/** The parameters of a class's constructor; a class without one has those of its parent. */
export function wantedByConstructor(target: AbstractClass): readonly Wanted[] {
  for (let owner = target; owner !== Function.prototype; owner = parentOf(owner)) {
    const types = constructorTypes(owner);
    const records = findRecord(owner)?.parameters ?? new Map<number, ParameterRecord>();
    // A class that inherits its constructor has no metadata, no parameter records and length 0.
    if (types !== undefined || records.size > 0 || owner.length > 0) {
      const undecorated = isDecorated(owner) ? undefined : owner.name;
      return wanted(`the constructor of ${target.name}`, types, records, owner.length, undecorated);
    }
  }
  return [];
}

/**
 * The parameters of a method.
 * @param holder - the class for a static method, else its prototype.
 */
export function wantedByMethod(
  label: string,
  holder: object,
  method: MethodRecord,
): readonly Wanted[] {
  const callable = (holder as Record<string | symbol, unknown>)[method.name];
  const length = typeof callable === 'function' ? callable.length : 0;
  const types = methodTypes(holder, method.name);
  return wanted(label, types, method.parameters, length, undefined, method.handler?.hint);
}

/** Whether a decorator stands on the class itself, so that the compiler leaves its types. */
function isDecorated(target: AbstractClass): boolean {
  const record = findRecord(target);
  if (record === undefined) return false;
  return record.isDeclared || record.injectable !== undefined || record.portable !== undefined;
}

function parentOf(target: AbstractClass): AbstractClass {
  return Object.getPrototypeOf(target) as AbstractClass;
}

function wanted(
  owner: string,
  types: readonly unknown[] | undefined,
  records: ReadonlyMap<number, ParameterRecord>,
  length: number,
  undecorated?: string,
  hint?: string,
): readonly Wanted[] {
  const count = Math.max(types?.length ?? length, ...[...records.keys()].map((index) => index + 1));
  const isExplicit = ({ token, source }: ParameterRecord) =>
    token !== undefined || source !== undefined;
  if (types === undefined && count > 0 && ![...records.values()].some(isExplicit)) {
    return [{ kind: 'fault', fault: (path) => new MetadataError(owner, count, path, undecorated) }];
  }
  return Array.from({ length: count }, (_, index) =>
    wantedByParameter(owner, index, types, records.get(index), hint),
  );
}

/** A forward reference is followed now, when all modules have been evaluated. */
function wantedLater(
  owner: string,
  { get }: ForwardRef,
  parameter: string,
  optional: boolean,
): Wanted {
  let token: unknown;
  try {
    token = get();
  } catch (cause) {
    const fact = `The function of forwardRef at ${parameter} of ${owner} has thrown an error: ${cause instanceof Error ? cause.message : String(cause)}.`;
    return {
      kind: 'fault',
      fault: (path) => new DeclarationError(fact, 'Write forwardRef(() => TheClass).', path, cause),
    };
  }
  if (isToken(token)) return { kind: 'token', token, parameter, optional };
  if (token === undefined) {
    return {
      kind: 'fault',
      fault: (path) => new UndefinedDependencyError(owner, parameter, path, 'forwardRef'),
    };
  }
  const fact = `The function of forwardRef at ${parameter} of ${owner} returned ${shown(token)}.`;
  return {
    kind: 'fault',
    fault: (path) =>
      new DeclarationError(fact, 'It must return a class or what token(name) makes.', path),
  };
}

function wantedByParameter(
  owner: string,
  index: number,
  types: readonly unknown[] | undefined,
  record: ParameterRecord | undefined,
  hint: string | undefined,
): Wanted {
  const type = types?.[index];
  if (record?.source !== undefined) {
    return { kind: 'source', source: record.source, info: { owner, index, type } };
  }
  const parameter = `parameter ${index + 1}`;
  const optional = record?.optional ?? false;
  const given = record?.token;
  if (given instanceof ForwardRef) return wantedLater(owner, given, parameter, optional);
  const token = given;
  if (token !== undefined && token !== null) {
    return { kind: 'token', token, parameter, optional };
  }
  if (token === null || (types !== undefined && type === undefined)) {
    const what = token === null ? 'token' : 'type';
    return {
      kind: 'fault',
      fault: (path) => new UndefinedDependencyError(owner, parameter, path, what),
    };
  }
  if (typeof type !== 'function' || uninjectable.has(type)) {
    const found = typeof type === 'function' ? type.name : undefined;
    return {
      kind: 'fault',
      fault: (path) => new ParameterTypeError(owner, parameter, found, path, hint),
    };
  }
  return {
    kind: 'token',
    token: type as AbstractClass,
    parameter: `${parameter}, ${tokenName(type as AbstractClass)}`,
    optional,
  };
}
