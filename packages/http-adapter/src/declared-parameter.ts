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

/** What a text becomes by a constructor, as {@link PrimitiveType} lists them. */
type Made<Type> = Type extends StringConstructor
  ? string
  : Type extends NumberConstructor
    ? number
    : Type extends BooleanConstructor
      ? boolean
      : Type extends BigIntConstructor
        ? bigint
        : unknown;

/** What a text is converted to where only the declared type says it. */
type Converted<Declared> = unknown extends Declared
  ? unknown
  : [Declared] extends [number]
    ? number
    : [Declared] extends [boolean]
      ? boolean
      : [Declared] extends [bigint]
        ? bigint
        : string;

/** What a decorator with such options gives the parameter. */
type TextValue<Options, Declared> = Options extends { readonly type: readonly [infer Type] }
  ? Made<Type>[]
  : Options extends { readonly type: infer Type }
    ? Made<Type>
    : Converted<Exclude<Declared, undefined>>;

/** What it is where the request has none. */
type MissingValue<Options> = Options extends { readonly default: infer Default }
  ? Widened<Default>
  : Options extends { readonly optional: true }
    ? undefined
    : never;

type Widened<Default> = Default extends string
  ? string
  : Default extends number
    ? number
    : Default extends boolean
      ? boolean
      : Default extends bigint
        ? bigint
        : Default extends readonly (infer Item)[]
          ? Widened<Item>[]
          : Default;

/**
 * As {@link ParameterOf}, for a text that is converted to what the options or else the declared type
 * say. A union of literals is refused: nothing would check that the text is one of them.
 */
export type TextParameterOf<Options> = <
  Target extends object,
  Key extends string | symbol | undefined,
  Index extends number,
>(
  target: Target,
  key: Key,
  index: Index & FitsText<Options, DeclaredParameter<Target, Key, Index>>,
) => void;

type FitsText<Options, Declared> = unknown extends Declared
  ? unknown
  : Fits<TextValue<Options, Declared> | MissingValue<Options>, Declared>;
