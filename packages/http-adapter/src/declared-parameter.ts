/** Lets the compiler compare what a decorator reads with the parameter that it stands at. */

/** The declared type of a parameter; unknown where the compiler does not tell a decorator. */
type DeclaredParameter<Target, Key, Index extends number> = Key extends undefined
  ? // eslint-disable-next-line @typescript-eslint/no-explicit-any -- every signature is accepted
    Target extends abstract new (...args: infer Parameters extends any[]) => unknown
    ? Parameters[Index]
    : unknown
  : Key extends keyof Target
    ? // eslint-disable-next-line @typescript-eslint/no-explicit-any -- as above
      Target[Key] extends (...args: infer Parameters extends any[]) => unknown
      ? Parameters[Index]
      : unknown
    : unknown;

/** A type that no index has, where the parameter cannot hold the value. */
type Fits<Value, Declared> = unknown extends Value
  ? unknown
  : [Value] extends [Declared]
    ? unknown
    : { readonly 'the parameter must accept': Value };

/**
 * A decorator for parameters that can hold a `Value`; at any other the compiler refuses it. That
 * of a private method is not checked.
 */
export type ParameterOf<Value> = <
  Target extends object,
  Key extends string | symbol | undefined,
  Index extends number,
>(
  target: Target,
  key: Key,
  index: Index & Fits<Value, DeclaredParameter<Target, Key, Index>>,
) => void;
