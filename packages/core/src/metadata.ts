/** Reads the type metadata that the compiler leaves: the only file that uses Reflect. */
import 'reflect-metadata';
import type { AbstractClass } from './token.js';

/** Constructor parameter types (`design:paramtypes`), or undefined where none were emitted. */
export function constructorTypes(target: AbstractClass): readonly unknown[] | undefined {
  // Own: a subclass without a constructor has none of its own, and its parent's are looked up there.
  return Reflect.getOwnMetadata('design:paramtypes', target) as readonly unknown[] | undefined;
}

/** Method parameter types (`design:paramtypes`), or undefined where none were emitted. */
export function methodTypes(holder: object, name: string | symbol): readonly unknown[] | undefined {
  return Reflect.getMetadata('design:paramtypes', holder, name) as readonly unknown[] | undefined;
}

/** The declared return type of a method (`design:returntype`), if it is known. */
export function returnType(holder: object, name: string | symbol): unknown {
  return Reflect.getMetadata('design:returntype', holder, name);
}
