/** Catch handlers: methods that make answers of errors, with dependencies as any handler. */
import {
  DeclarationError,
  declareHandler,
  declareParameter,
  handlerToken,
  token,
  type AbstractClass,
  type Class,
  type NamedToken,
  type ParameterSource,
  type Provider,
  type Token,
  type TurnoError,
  whyNotPortable,
} from '@turno/core';
import { OptionsError } from './errors.js';
import type { AnswerMethod } from './generator-handler.js';
import { HttpError } from './http-error.js';
import { finishOnLoop } from './loop-answer.js';
import { parameterHint } from './misuse.js';
import { culpritOf, meaningOf } from './problem.js';
import { recordOf, recordsOf } from './record.js';
import { finishInThread } from './thread-answer.js';

const tokenKey = Symbol.for('@turno/http-adapter:error:1');
const realm = globalThis as Partial<Record<symbol, NamedToken<unknown>>>;

/** The scope value that holds the error while a catch handler runs; one for the whole realm. */
export const errorToken: NamedToken<unknown> = (realm[tokenKey] ??= token('CaughtError'));

const errorSource: ParameterSource = {
  from: errorToken,
  name: 'error',
  reader: () => (error) => error,
};

/**
 * Makes a method the handler of errors of a class, its subclasses included unless they have one of their
 * own. Its first parameter is the error, all others are injected; what it returns is the answer, with
 * the status of the error (500 if that has none) unless a `Reply` says another one; what it throws is
 * answered in the place of the error. List its class in `createApp({ catch: [Errors] })`; those of
 * controllers and providers count as well, for all routes.
 *
 * An `async` method runs on the event loop, any other in a thread. Where anything runs in threads the
 * class must be `@Portable`, since an error loses any other on its way.
 */
export function Catch<E>(type: AbstractClass<E>) {
  // JavaScript may pass anything, and a circular import leaves undefined.
  const given: unknown = type;
  if (typeof given !== 'function') {
    throw new DeclarationError(
      `@Catch was given ${String(given)}, which is no class.`,
      'Write @Catch(NotFound); undefined means that two modules import each other.',
    );
  }
  // Parameters are `any` because every signature is accepted.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- see above
  return <M extends (error: E, ...dependencies: any[]) => unknown>(
    target: object,
    name: string | symbol,
    _descriptor: TypedPropertyDescriptor<M>,
  ): void => {
    const owner = (typeof target === 'function' ? target : target.constructor) as AbstractClass;
    recordOf(owner).catches.push({ type, handler: name });
    declareParameter(target, name, 0, errorSource);
    declareHandler(target, name, { finish: finishInThread, finishOnLoop, hint: parameterHint });
  };
}

/** A method that answers errors of one class. */
export interface Catcher {
  /** `Errors.notFound`, for messages. */
  readonly label: string;
  readonly token: Token;
}

/** A catcher, and the class of the error that it is for. */
interface Match {
  readonly type: AbstractClass;
  readonly catcher: Catcher;
}

/** What catches an error. */
export interface Caught extends Catcher {
  /** What the method gets: the error itself, or the {@link HttpError} that it means. */
  readonly error: unknown;
  /** The error itself, for the log. */
  readonly culprit: unknown;
  readonly status: number;
  /** Whose headers the answer has; undefined where the error means nothing to HTTP. */
  readonly meaning: HttpError | undefined;
}

interface CatchMethod extends AnswerMethod {
  /** The class of errors. */
  readonly type: AbstractClass;
}

/** Catch handlers of classes that what a thread throws loses on its way. */
export function catchingInVain(methods: readonly CatchMethod[]): TurnoError[] {
  return methods.flatMap(({ label, type }) => {
    const obstacle = whyNotPortable(type);
    if (obstacle === undefined) return [];
    const { reason, remedy } = obstacle;
    return [
      new OptionsError(
        `${label} catches ${type.name}, ${reason}: what is thrown in a thread loses that class on its way, and nobody catches it.`,
        remedy,
      ),
    ];
  });
}

/** The catch handlers of an app. */
export class Catches {
  private readonly catchers = new Map<AbstractClass, Catcher>();
  /** Those of the list that catch something. */
  readonly owners: Class[] = [];
  readonly problems: TurnoError[] = [];
  /** All methods that catch something. */
  readonly methods: CatchMethod[] = [];

  /** @param others - classes that may have catch handlers as well. */
  constructor(listed: readonly Class[], others: readonly Provider[]) {
    listed.forEach((owner, position) => {
      if (typeof owner === 'function' && this.add(owner)) {
        this.owners.push(owner);
        return;
      }
      const name = typeof owner === 'function' ? owner.name : String(owner);
      this.problems.push(
        new OptionsError(
          `catch[${position}] is ${name}, which catches nothing.`,
          'List classes with methods that are decorated with @Catch(TheError).',
        ),
      );
    });
    for (const owner of new Set(others)) {
      if (typeof owner === 'function' && !listed.includes(owner)) this.add(owner);
    }
  }

  /** The handler of the most specific class, of those of the error itself and of what it means to HTTP. */
  find(thrown: unknown): Caught | undefined {
    const culprit = culpritOf(thrown);
    const meaning = meaningOf(culprit);
    const status = meaning instanceof HttpError ? meaning.status : 500;
    const byItself = this.matchOf(culprit);
    const byMeaning = meaning === culprit ? undefined : this.matchOf(meaning);
    // What catches both, as `Error` does, gets what it can answer with.
    const isMeant =
      byMeaning !== undefined && (byItself === undefined || isA(byMeaning.type, byItself.type));
    const match = isMeant ? byMeaning : byItself;
    if (match === undefined) return undefined;
    return {
      ...match.catcher,
      error: isMeant ? meaning : culprit,
      culprit,
      status,
      meaning: meaning instanceof HttpError ? meaning : undefined,
    };
  }

  private matchOf(error: unknown): Match | undefined {
    if (typeof error !== 'object') return undefined;
    // Classes, not `instanceof`: the first one upwards is the most specific.
    for (
      let at: unknown = error === null ? null : Object.getPrototypeOf(error);
      typeof at === 'object' && at !== null;
      at = Object.getPrototypeOf(at)
    ) {
      const type = at.constructor as AbstractClass;
      const catcher = this.catchers.get(type);
      if (catcher !== undefined) return { type, catcher };
    }
    return undefined;
  }

  /** @returns whether the class has a catch handler. */
  private add(owner: AbstractClass): boolean {
    const own = new Map<AbstractClass, string | symbol>();
    const records = recordsOf(owner).flatMap(({ catches }) => catches);
    for (const { type, handler } of records) own.set(type, handler);
    for (const [type, handler] of own) {
      const label = `${owner.name}.${String(handler)}`;
      const other = this.catchers.get(type);
      if (other === undefined) {
        this.catchers.set(type, { label, token: handlerToken(owner, handler) });
        this.methods.push({ controller: owner, handler, label, type });
      } else {
        this.problems.push(
          new OptionsError(
            `${other.label} and ${label} both catch ${type.name}.`,
            'Remove one of them, or let it catch a class of its own.',
          ),
        );
      }
    }
    return own.size > 0;
  }
}

/** Whether a class is another one, or below it. */
function isA(type: AbstractClass, other: AbstractClass): boolean {
  return type === other || Object.prototype.isPrototypeOf.call(other, type);
}
