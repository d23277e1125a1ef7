/** The type of an object whose methods run in threads, and which methods of a class it has. */

/**
 * An object with the methods of `T`, each of which runs in a worker thread and returns a promise;
 * asked for by `offloaded(T)`. Left out are properties that are no methods. A method with a parameter
 * that cannot cross to a thread does not compile when it is called: see {@link CannotBeOffloaded}.
 */
export type Offloaded<T> = {
  readonly [Name in keyof T as MethodName<Name, T[Name]>]: OffloadedMethod<T[Name]>;
};

declare const because: unique symbol;

/**
 * Stands in the place of a method that has a parameter which cannot cross to a thread, such as a
 * function. There is no value of this type, and it cannot be called.
 */
export interface CannotBeOffloaded<Parameter> {
  /** The type of that parameter. */
  readonly [because]: Parameter;
}

/** Any method. Parameters are `any` because every signature is accepted. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- see above
type Method = (...args: any[]) => unknown;

/** `any` is no method; an object with a `then` would be taken for a promise. */
type MethodName<Name, Member> = Name extends string
  ? Name extends 'then'
    ? never
    : 0 extends Member & 1
      ? never
      : Member extends Method
        ? Name
        : never
  : never;

// The constraint is what lets a readonly array be the rest of the parameters.
type OffloadedMethod<Member> = Member extends (
  ...args: infer Args extends readonly unknown[]
) => infer Result
  ? [Obstacle<Args>] extends [never]
    ? (...args: Portable<Args>) => Promise<Awaited<Result>>
    : CannotBeOffloaded<Obstacle<Args>>
  : never;

/**
 * What no codec takes across, as far as types can tell: an instance of a class may be `@Portable`,
 * so that classes with methods are not among it.
 */
type Stuck =
  // All that can be called or constructed.
  // eslint-disable-next-line @typescript-eslint/no-unsafe-function-type -- see above
  | Function
  | symbol
  | PromiseLike<unknown>
  | { deref(): unknown; readonly [Symbol.toStringTag]: string }
  | { readonly locked: boolean; getReader(...options: never[]): unknown }
  | { readonly locked: boolean; getWriter(): unknown }
  | WeakMap<WeakKey, unknown>
  | WeakSet<WeakKey>;

/** The members of a union that may cross. A `Map` has all that a `WeakMap` has. */
type PortablePart<Value> = Value extends ReadonlyMap<unknown, unknown> | ReadonlySet<unknown>
  ? Value
  : Value extends Stuck
    ? never
    : Value;

type Portable<Args extends readonly unknown[]> = {
  [Index in keyof Args]: PortablePart<Args[Index]>;
};

/** The type of the first parameter that must be given and cannot cross. */
type Obstacle<Args extends readonly unknown[]> = Args extends readonly [infer First, ...infer Rest]
  ? [First] extends [never]
    ? Obstacle<Rest>
    : [PortablePart<First>] extends [never]
      ? First
      : Obstacle<Rest>
  : never;

/**
 * Names of the methods of an object and its prototypes, up to `Object.prototype`. Without symbols,
 * `constructor`, accessors, and `then`, which would make a promise of what has it.
 */
export function methodNames(holder: unknown): string[] {
  const methods = new Map<string, boolean>([
    ['constructor', false],
    ['then', false],
  ]);
  for (
    let at: unknown = holder;
    typeof at === 'object' && at !== null && at !== Object.prototype;
    at = Object.getPrototypeOf(at)
  ) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(at))) {
      if (!methods.has(name)) methods.set(name, typeof value === 'function');
    }
  }
  return [...methods].flatMap(([name, isMethod]) => (isMethod ? [name] : []));
}
