/** Records: what the decorators of routes write down about controllers. */
import type { AbstractClass, HandlerOptions, Token } from '@turno/core';
import type { FormLimits } from './form.js';

/** The methods that routes can have. */
export type HttpMethod = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS';

/** How large a body may be, where a route says it. */
export interface BodyLimits {
  /** In bytes; not of a form. */
  readonly bodyLimit?: number;
  readonly forms?: Partial<FormLimits>;
}

/** One `@Get`, `@Post`, … on a method. */
export interface RouteRecord {
  /** `ALL`: every method that the path has no other route for. */
  readonly method: HttpMethod | 'ALL';
  /** As it was written: `/:id`, without the prefix of the controller. */
  readonly path: string;
  /** Name of the decorated method. */
  readonly handler: string | symbol;
  /** Status of the answer; undefined for 200, or 204 where nothing is returned. */
  readonly status: number | undefined;
  /** What it says of bodies, beside the limits of the app. */
  readonly limits: BodyLimits;
  /** What it says of the handler, whichever route leads to it. */
  readonly options: HandlerOptions;
}

/** One `@Catch` on a method. */
export interface CatchRecord {
  /** The class of errors. */
  readonly type: AbstractClass;
  readonly handler: string | symbol;
}

/** All that decorators said about one class. */
export interface ControllerRecord {
  /** Set by `@Controller`. */
  prefix?: string;
  /** Controllers below it, set by `@Controller`; JavaScript may list anything. */
  children?: readonly unknown[];
  readonly routes: RouteRecord[];
  /** Set by `@Depends` on the class. */
  readonly depends: Token[];
  /** Set by `@Depends` on its methods. */
  readonly methodDepends: Map<string | symbol, Token[]>;
  readonly catches: CatchRecord[];
}

/** One store for the whole realm, even when two copies of this package are loaded. */
const storeKey = Symbol.for('@turno/http-adapter:records:1');
const realm = globalThis as Partial<Record<symbol, WeakMap<AbstractClass, ControllerRecord>>>;
const records = (realm[storeKey] ??= new WeakMap());

/** The record of a class, made at the first decorator that speaks of it. */
export function recordOf(target: AbstractClass): ControllerRecord {
  let record = records.get(target);
  if (record === undefined) records.set(target, (record = newRecord()));
  return record;
}

function newRecord(): ControllerRecord {
  return { routes: [], catches: [], depends: [], methodDepends: new Map() };
}

/** The records of a class and its ancestors, ancestors first. */
export function recordsOf(target: AbstractClass): ControllerRecord[] {
  const chain: ControllerRecord[] = [];
  let at: unknown = target;
  while (typeof at === 'function' && at !== Function.prototype) {
    const record = records.get(at as AbstractClass);
    if (record !== undefined) chain.unshift(record);
    at = Object.getPrototypeOf(at);
  }
  return chain;
}
