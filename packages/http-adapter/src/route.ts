/** Turns controllers into routes, and checks them: every problem at once. */
import {
  handlerToken,
  type AbstractClass,
  type Class,
  type Token,
  type TurnoError,
} from '@turno/core';
import { RouteError } from './errors.js';
import {
  recordsOf,
  type BodyLimits,
  type ControllerRecord,
  type HttpMethod,
  type RouteRecord,
} from './record.js';
import { halvesOf, methods, Router, type Added } from './router.js';
import { findUnsafe, type Excess } from './unsafe-pattern.js';

/** A method of a controller, and what it is served for. */
export interface Route {
  readonly method: HttpMethod | 'ALL';
  /** Whole, with the prefix of the controller: `/burgers/:id`. */
  readonly path: string;
  readonly controller: AbstractClass;
  readonly handler: string | symbol;
  /** `Burgers.parallel`, for messages. */
  readonly label: string;
  readonly status: number | undefined;
  readonly limits: BodyLimits;
  /** Names of the parameters in `path`, `*` for a wildcard. */
  readonly params: readonly string[];
}

/** The routes of some controllers. */
export interface RouteTable {
  readonly router: Router<Route>;
  readonly routes: readonly Route[];
  readonly problems: readonly TurnoError[];
  /** What is made before handlers, by their tokens. */
  readonly before: ReadonlyMap<Token, readonly Token[]>;
}

/**
 * Collects the routes of controllers and of those below them, in order of declaration, inherited
 * ones first.
 * @param depends - what is made before all handlers.
 */
export async function collectRoutes(
  controllers: readonly Class[],
  depends: readonly Token[] = [],
): Promise<RouteTable> {
  const table: GrowingTable = {
    router: new Router<Route>(),
    routes: new Array<Route>(),
    problems: new Array<TurnoError>(),
    declared: [],
    unsafe: new Map(),
    before: new Map(),
  };
  addControllers(table, controllers, 'controllers', { places: [], depends });
  table.unsafe = await findUnsafe(table.declared.map(pathOf));
  // GET serves HEAD where that has no route; what serves all methods takes those that are left.
  const rank = ({ record: { method } }: Declared) =>
    method === 'HEAD' ? 0 : method === 'ALL' ? 2 : 1;
  const inOrder = table.declared.toSorted((one, other) => rank(one) - rank(other));
  for (const each of inOrder) addRoute(table, each);
  return table;
}

interface GrowingTable {
  readonly router: Router<Route>;
  readonly routes: Route[];
  readonly problems: TurnoError[];
  readonly declared: Declared[];
  /** Paths with patterns that may run for ages. */
  unsafe: ReadonlyMap<string, Excess>;
  readonly before: Map<Token, readonly Token[]>;
}

/** A route before it has its place. */
interface Declared {
  readonly record: RouteRecord;
  readonly controller: AbstractClass;
  /** Prefixes of the controllers above it and of its own. */
  readonly prefixes: readonly string[];
}

/** A controller and those that it is served below. */
interface Place {
  readonly controller: AbstractClass;
  readonly prefix: string;
}

/** What a controller is below of. */
interface Above {
  readonly places: readonly Place[];
  /** What is made before its handlers, outermost first. */
  readonly depends: readonly Token[];
}

/** @param list - as messages name it: `controllers`. */
function addControllers(
  table: GrowingTable,
  controllers: readonly unknown[],
  list: string,
  above: Above,
): void {
  const seen = new Set<unknown>();
  for (const [position, controller] of controllers.entries()) {
    // A controller that two feature lists both name is one controller.
    if (seen.has(controller)) continue;
    seen.add(controller);
    if (typeof controller === 'function') {
      addController(table, controller as AbstractClass, list, above);
      continue;
    }
    table.problems.push(
      new RouteError(
        `${list}[${position}] is ${describe(controller)}, which is no class.`,
        controller === undefined
          ? 'Two modules import each other, or a name is misspelt.'
          : 'List classes that are decorated with @Controller().',
      ),
    );
  }
}

function addController(
  table: GrowingTable,
  controller: AbstractClass,
  list: string,
  above: Above,
): void {
  const chain = recordsOf(controller);
  const own = chain.findLast((record) => record.prefix !== undefined);
  const prefix = own?.prefix;
  if (own === undefined || prefix === undefined) {
    table.problems.push(
      new RouteError(
        `The class "${controller.name}" in \`${list}\` is no controller.`,
        'Decorate it with @Controller(), or move it to `providers`.',
      ),
    );
    return;
  }
  const places = [...above.places, { controller, prefix }];
  if (above.places.some((place) => place.controller === controller)) {
    const circle = places.map((place) => place.controller.name).join(' -> ');
    table.problems.push(
      new RouteError(
        `The controller "${controller.name}" is listed below itself: ${circle}.`,
        'Take it out of one of the `controllers` on that way.',
      ),
    );
    return;
  }
  const byHandler = new Map<string | symbol, RouteRecord[]>();
  for (const { routes } of chain) {
    // A subclass that decorates an inherited method anew replaces its routes.
    for (const handler of new Set(routes.map((route) => route.handler))) {
      byHandler.set(
        handler,
        routes.filter((route) => route.handler === handler),
      );
    }
  }
  const children = own.children ?? [];
  if (byHandler.size === 0 && children.length === 0) {
    table.problems.push(
      new RouteError(
        `The controller "${controller.name}" has no route.`,
        'Decorate its methods with @Get(), @Post(), @Put(), @Patch() or @Delete().',
      ),
    );
  }
  const prefixes = places.map((place) => place.prefix);
  for (const record of [...byHandler.values()].flat()) {
    table.declared.push({ record, controller, prefixes });
  }
  const depends = [...above.depends, ...chain.flatMap((record) => record.depends)];
  for (const handler of byHandler.keys()) {
    noteBefore(table, controller, handler, [...depends, ...dependsOf(chain, handler)]);
  }
  addControllers(table, children, `controllers of ${controller.name}`, { places, depends });
}

/** What `@Depends` says at a method, also where a subclass overrides it. */
function dependsOf(chain: readonly ControllerRecord[], handler: string | symbol): readonly Token[] {
  let depends: readonly Token[] = [];
  for (const { routes, methodDepends } of chain) {
    // Who declares its routes anew says all of them anew.
    if (routes.some((route) => route.handler === handler)) depends = [];
    depends = [...depends, ...(methodDepends.get(handler) ?? [])];
  }
  return depends;
}

function noteBefore(
  { before, problems }: GrowingTable,
  controller: AbstractClass,
  handler: string | symbol,
  depends: readonly Token[],
): void {
  const token = handlerToken(controller, handler);
  const known = before.get(token);
  const tokens = [...new Set(depends)];
  before.set(token, known ?? tokens);
  if (known === undefined) return;
  if (known.length === tokens.length && known.every((each, index) => each === tokens[index]))
    return;
  problems.push(
    new RouteError(
      `${controller.name}.${String(handler)} is served at two places that say different @Depends.`,
      `List a subclass at one of them: class Other extends ${controller.name} {}, with @Controller().`,
    ),
  );
}

function pathOf({ record, prefixes }: Declared): string {
  return joinPaths(...prefixes, record.path);
}

/** What to say of patterns that may run for ages, and to do about them. */
const excesses: Readonly<Record<Excess, readonly [what: string, remedy: string]>> = {
  repetition: [
    'repeats a repetition',
    'Repeat one thing only ([a-z]+ instead of ([a-z]+)+), or check the parameter with a schema: @Path(name, schema).',
  ],
  alternatives: [
    'repeats alternatives',
    'Write a set of characters ([ab]+), or check the parameter with a schema: @Path(name, schema).',
  ],
  sequence: [
    'has too many repetitions in a row',
    'Say how long each may be (\\d{1,9}), or check the parameter with a schema: @Path(name, schema).',
  ],
};

function addRoute(table: GrowingTable, declared: Declared): void {
  const { router, routes, problems, unsafe } = table;
  const { record, controller } = declared;
  const { method, handler, status, limits } = record;
  const path = pathOf(declared);
  const label = `${controller.name}.${String(handler)}`;
  const params: string[] = [];
  const route: Route = { method, path, controller, handler, label, status, limits, params };
  const refuse = (reason: string, remedy: string, cause?: unknown) => {
    problems.push(new RouteError(`${method} ${path} of ${label} ${reason}`, remedy, cause));
  };
  // What stands in parentheses is a regular expression; a last `?` makes a parameter optional.
  const plain = path.replace(/\(.*\)/g, '').replace(/(:[^/]*)\?$/, '$1');
  const misspelt = misspeltIn(plain);
  if (misspelt !== undefined) {
    refuse(...misspelt);
    return;
  }
  if (/[?#]/.test(plain)) {
    refuse('has a "?" or "#" in its path.', 'A path ends before the query: use @Query(name).');
    return;
  }
  const excess = unsafe.get(path);
  if (excess !== undefined) {
    const [what, remedy] = excesses[excess];
    refuse(`${what} in a pattern, which some texts make run for ages.`, remedy);
    return;
  }
  try {
    const added =
      method === 'ALL' ? addToAll(router, path, route) : router.add(method, path, route);
    if (added.conflict !== undefined) {
      refuse(
        `is served by ${added.conflict.label} already (${added.conflict.path}).`,
        'Change one of the two paths; names of parameters make no difference.',
      );
      return;
    }
    params.push(...added.params);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    if (reason.startsWith('Wildcard')) {
      refuse(
        'has a `*` that is not its end.',
        "Write `/*` for all the rest of a path, and `@Path('*')`.",
        cause,
      );
      return;
    }
    refuse(
      `cannot be routed: ${reason}.`,
      'See the syntax of paths in the README of @turno/http-adapter.',
      cause,
    );
    return;
  }
  const odd = params.find((name) => !/^(?:\*|[\p{L}\p{N}_$]*)$/u.test(name));
  if (odd !== undefined) {
    refuse(`has a parameter that is called "${odd}".`, remedyForName(odd));
    return;
  }
  if (params.includes('') || new Set(params).size < params.length) {
    refuse(
      'has a parameter without a name, or two of one name.',
      'Give each parameter a name of its own: /orders/:order/lines/:line.',
    );
    return;
  }
  routes.push(route);
}

/** What other frameworks, or a URL, write otherwise: what is wrong with it, and the remedy. */
function misspeltIn(path: string): [reason: string, remedy: string] | undefined {
  const [bracketed, , name] = /([{<])(?:\w+:)?(\w+)[^/]*?[}>]/.exec(path) ?? [];
  if (bracketed !== undefined && name !== undefined) {
    return [`has "${bracketed}" in its path, which is no parameter here.`, `Write :${name}.`];
  }
  const encoded = /(?:%[\da-f]{2})+/i.exec(path)?.[0];
  if (encoded !== undefined) {
    const remedy = `Write what it stands for${decodedHint(encoded)}.`;
    return [`has "${encoded}" in its path, but paths are written decoded.`, remedy];
  }
  if (/\/:[^/]*\?\//.test(path)) {
    return [
      'has an optional parameter that is not its last part.',
      'Declare one route with that part and one without: a method may have several.',
    ];
  }
  return undefined;
}

/** A slash would be read as one. */
function decodedHint(encoded: string): string {
  try {
    const text = decodeURIComponent(encoded);
    return /[/?#%]/.test(text) ? '' : `: "${text}"`;
  } catch {
    return '';
  }
}

function remedyForName(name: string): string {
  if (/[*+]$/.test(name)) return "Write `/*` for all the rest of a path, and `@Path('*')`.";
  const [before = '', ...rest] = name.split(/:+/);
  return rest.length > 0
    ? `A colon of its own follows a pattern: :${before}([^:]+)::${rest.join('::')}.`
    : 'A parameter ends at "/", "-", "." or a pattern in parentheses.';
}

/** Adds a route for each method for which its path has none that is not of `@All`. */
function addToAll(router: Router<Route>, path: string, route: Route): Added<Route> {
  let params: readonly string[] = [];
  for (const method of methods) {
    // It is served by GET, whether that is of @All or not.
    if (method === 'HEAD') continue;
    // One half of a last optional part may be served already, and the other not.
    for (const half of halvesOf(path)) {
      const added = router.add(method, half, route);
      if (added.conflict === undefined) {
        if (added.params.length > params.length) params = added.params;
      } else if (added.conflict.method === 'ALL') {
        return added;
      }
    }
  }
  return { params };
}

/** `burgers/` and `:id` to `/burgers/:id`: slashes at the ends are as good as none. */
function joinPaths(...parts: readonly string[]): string {
  const trimmed = parts.map((part) => part.replace(/^\/+|\/+$/g, '')).filter((part) => part !== '');
  return `/${trimmed.join('/')}`;
}

function describe(candidate: unknown): string {
  if (candidate === null || typeof candidate !== 'object') return String(candidate);
  const { constructor } = candidate as { constructor?: { name?: string } };
  return `an instance of ${constructor?.name ?? 'an unknown class'}`;
}
