/** Records: what decorators write down about classes, and how a thread finds a class again. */
import { callSite, type CallSite } from './call-site.js';
import { bare } from './own.js';
import type { ForwardRef } from './request-token.js';
import type { Placement, Scope } from './scope.js';
import type { AbstractClass, Class, Token } from './token.js';

/** Options of what makes a value. */
export interface ProviderOptions {
  /** How long the value lives. Default `singleton`. */
  readonly scope?: Scope;
  /** Where the method runs, whatever its keyword says. */
  readonly on?: Placement;
  /** Singletons are made when the container starts; `lazy` ones at their first use. */
  readonly lazy?: boolean;
  /** One of several providers of its token, which are asked for together: `all(token)`. */
  readonly many?: boolean;
  /** The group of threads that it runs in: one of `threads: { groups }`. Default `default`. */
  readonly threads?: string;
  /**
   * How long it may take from its start to its value, in milliseconds; see `DeadlineError`. Default:
   * `deadline` of the container.
   */
  readonly deadline?: number;
}

/** What is known of a parameter that is read from a scope value. */
export interface ParameterInfo {
  /** `Kitchen.order`. */
  readonly owner: string;
  readonly index: number;
  /** The declared type as the compiler left it (`Number`, `String`, a class …), if it did. */
  readonly type: unknown;
}

/**
 * A parameter that is neither injected by a provider nor given: it is read from a scope value
 * (over HTTP: from the request). All sources of a plan are read before its first step runs.
 */
export interface ParameterSource<From = unknown> {
  /** The scope value that it reads from. */
  readonly from: Token<From>;
  /** As paths and `explain` show it: `query "burgers"`. */
  readonly name: string;
  /**
   * Called once, when the graph is built.
   * @returns the function that reads the parameter; what that throws is collected with the
   * faults of all other parameters in one `InputError`.
   * @throws an error whose message says why a parameter of that type cannot be read.
   */
  reader(parameter: ParameterInfo): (from: From) => unknown;
  /** How a thread may read it, where the method that takes it runs in one; see {@link LateSource}. */
  readonly late?: LateSource<From>;
}

/**
 * How a parameter of a method in a thread is read there, at the begin of its hop, instead of on the
 * loop: what is read may be large. Faults of all parameters that one hop reads come in one
 * `InputError`.
 */
export interface LateSource<From = unknown> {
  /** Takes from the scope value what crosses; on the loop. */
  pick(from: From): unknown;
  /** As {@link ParameterSource.reader}; what it returns reads what was picked, in the thread. */
  reader(parameter: ParameterInfo): (picked: unknown) => unknown;
  /**
   * Asked where other parameters have faults already, so that nothing will cross: whether reading it
   * on the loop as well is cheap enough for all faults to be told together.
   */
  isCheap(from: From): boolean;
}

/**
 * Makes of what a handler in a thread has returned what crosses in its place, or a promise of it; called
 * in the thread. On the loop: what `resolve` returns in its place.
 * @param label - of the handler, for messages.
 */
export type Finish = (result: unknown, label: string) => unknown;

export interface ParameterRecord {
  /** From `@Inject`. Null when what was given was undefined: a circular import. */
  token?: Token | ForwardRef | null;
  /** From `@Optional`: undefined where nothing provides the token. */
  optional?: boolean;
  source?: ParameterSource;
}

export interface MethodRecord {
  readonly name: string | symbol;
  readonly static: boolean;
  /** Set by `@Provides`. The token is null when it was undefined: a circular import. */
  provides?: { readonly token: Token | null; readonly options: ProviderOptions };
  /** Set by `provide`: no other function can come into the place of this one. */
  isFixed?: boolean;
  /** Set by `declareHandler`: the method is the root of plans. */
  handler?: Pick<ProviderOptions, 'on' | 'threads' | 'deadline'> & {
    readonly finish?: Finish;
    readonly finishOnLoop?: Finish;
    readonly hint?: string;
  };
  readonly parameters: Map<number, ParameterRecord>;
}

/** How instances of a class cross between loop and thread. */
export interface PortableRecord {
  /** Turns an instance into portable data; without it, its own fields cross. */
  readonly encode?: (instance: never) => unknown;
  /** Makes an instance from that data; without it, fields are put on an object of the class. */
  readonly decode?: (data: never) => unknown;
  /**
   * For what is written to: at the end of a hop that went well an instance that it was given comes
   * back, and this is called with the instance on the loop and the one that has come back.
   */
  readonly merge?: (original: never, returned: never) => void;
}

/** All that decorators said about one class. */
export interface ClassRecord {
  readonly target: AbstractClass;
  /** `module#Class`, the same in every thread. With `~n` for the n-th class of one name. */
  readonly id: string;
  readonly site: CallSite | undefined;
  /** How many classes of that name the module has declared; grows with each. */
  readonly twins: Twins;
  /** Set by `provide`: as messages show what it made. */
  label?: string;
  /** Set by `declareClass`: a decorator of an adapter stands on it. */
  isDeclared: boolean;
  /** Set by `@Injectable`. */
  injectable?: ProviderOptions;
  /** Set by `@Portable`. */
  portable?: PortableRecord;
  /** Of the constructor. */
  readonly parameters: Map<number, ParameterRecord>;
  /** Own methods, in order of declaration. */
  readonly methods: Map<string | symbol, MethodRecord>;
  /** Own static methods. */
  readonly staticMethods: Map<string | symbol, MethodRecord>;
}

/** Classes of one name in one module. */
export interface Twins {
  count: number;
  /** Where they stand, as `line:column`. */
  readonly places: Set<string>;
  /** Whether a function makes several at one place, so that no thread could tell them apart. */
  isRepeated: boolean;
}

interface Records {
  readonly byClass: WeakMap<AbstractClass, ClassRecord>;
  readonly byId: Map<string, WeakRef<AbstractClass>>;
  /** By module and name, for ids. */
  readonly twins: Map<string, Twins>;
  /** In a thread: all classes with a record, so that they stay. */
  kept?: Set<AbstractClass>;
}

/**
 * One store for the whole realm, even when two copies of this package are loaded (the CommonJS
 * and the ES side of a program, or a second version): a decorator of one copy must be seen by the
 * container of the other.
 */
const storeKey = Symbol.for('@turno/core:records:2');
const realm = globalThis as { [storeKey]?: Records | undefined };
const records: Records = (realm[storeKey] ??= {
  byClass: new WeakMap(),
  byId: new Map(),
  twins: new Map(),
});

/** The record of a class if some decorator (or a subclass's lookup) made one; own, not inherited. */
export function findRecord(target: AbstractClass): ClassRecord | undefined {
  return records.byClass.get(target);
}

/**
 * The record of a class, made at the first decorator that speaks of it.
 * @param entry - the decorator's outermost function, for the call site.
 */
export function recordOf(target: AbstractClass, entry: (...args: never[]) => unknown): ClassRecord {
  const known = records.byClass.get(target);
  if (known !== undefined) return known;
  const site = callSite(entry);
  const name = `${site?.module ?? ''}#${target.name}`;
  let twins = records.twins.get(name);
  if (twins === undefined) {
    twins = { count: 0, places: new Set(), isRepeated: false };
    records.twins.set(name, twins);
  }
  twins.count += 1;
  const place = site === undefined ? '' : `${site.line}:${site.column}`;
  if (twins.places.has(place)) twins.isRepeated = true;
  twins.places.add(place);
  const id = twins.count === 1 ? name : `${name}~${twins.count}`;
  return addRecord(target, id, site, twins);
}

/** For the library's own classes: an id that does not depend on where the file lies. */
export function recordWithId(target: AbstractClass, id: string): ClassRecord {
  const alone: Twins = { count: 1, places: new Set(), isRepeated: false };
  return records.byClass.get(target) ?? addRecord(target, id, undefined, alone);
}

function addRecord(
  target: AbstractClass,
  id: string,
  site: CallSite | undefined,
  twins: Twins,
): ClassRecord {
  const record: ClassRecord = bare<ClassRecord>({
    target,
    id,
    site,
    twins,
    isDeclared: false,
    parameters: new Map(),
    methods: new Map(),
    staticMethods: new Map(),
  });
  records.byClass.set(target, record);
  records.byId.set(id, new WeakRef(target));
  records.kept?.add(target);
  return record;
}

/**
 * For the entry of a worker: from now on no class with a record is collected. In a thread nothing
 * else may know it: a class that its module does not export goes when that module has parked, or is
 * CommonJS. On the loop the graph holds what is in use, and others may go.
 */
export function keepClasses(): void {
  records.kept ??= new Set();
}

/** The class with that id, if this thread has imported its module. */
export function classById(id: string): Class | undefined {
  return records.byId.get(id)?.deref() as Class | undefined;
}

/** The record with that id, likewise. */
export function recordById(id: string): ClassRecord | undefined {
  const target = classById(id);
  return target === undefined ? undefined : records.byClass.get(target);
}

/** Records of all `@Portable` classes of this realm. */
export function portableRecords(): readonly ClassRecord[] {
  const found: ClassRecord[] = [];
  for (const reference of records.byId.values()) {
    const target = reference.deref();
    const record = target === undefined ? undefined : records.byClass.get(target);
    if (record?.portable !== undefined) found.push(record);
  }
  return found;
}

/** Modules that declare `@Portable` classes. */
export function portableModules(): readonly string[] {
  const sites = portableRecords().map(({ site }) => site?.module);
  return [...new Set(sites.filter((module) => module !== undefined))];
}

/** The record of a method, made at the first decorator on it. */
export function methodRecord(
  owner: ClassRecord,
  name: string | symbol,
  isStatic: boolean,
): MethodRecord {
  const methods = isStatic ? owner.staticMethods : owner.methods;
  let method = methods.get(name);
  if (method === undefined) {
    method = bare<MethodRecord>({ name, static: isStatic, parameters: new Map() });
    methods.set(name, method);
  }
  return method;
}

/** The record of a parameter, made at the first decorator on it. */
export function parameterRecord(
  parameters: Map<number, ParameterRecord>,
  index: number,
): ParameterRecord {
  let parameter = parameters.get(index);
  if (parameter === undefined) {
    parameter = bare<ParameterRecord>({});
    parameters.set(index, parameter);
  }
  return parameter;
}

/**
 * What decorators say of a method, from the class that is asked about up to its ancestors: the first
 * record for which `find` has an answer.
 */
export function findInMethods<T>(
  target: AbstractClass,
  name: string,
  isStatic: boolean,
  find: (method: MethodRecord) => T | undefined,
): T | undefined {
  for (
    let at: unknown = target;
    typeof at === 'function' && at !== Function.prototype;
    at = Object.getPrototypeOf(at)
  ) {
    const record = findRecord(at as AbstractClass);
    const method = (isStatic ? record?.staticMethods : record?.methods)?.get(name);
    const found = method === undefined ? undefined : find(method);
    if (found !== undefined) return found;
  }
  return undefined;
}
