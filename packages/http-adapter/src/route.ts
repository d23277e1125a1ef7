/** Turns controllers into routes, and checks them: every problem at once. */
import type { AbstractClass, Class, TurnoError } from '@turno/core';
import { RouteError } from './errors.js';
import { recordsOf, type HttpMethod, type RouteRecord } from './record.js';
import { Router } from './router.js';

/** A method of a controller, and what it is served for. */
export interface Route {
  readonly method: HttpMethod;
  /** Whole, with the prefix of the controller: `/burgers/:id`. */
  readonly path: string;
  readonly controller: AbstractClass;
  readonly handler: string | symbol;
  /** `Burgers.parallel`, for messages. */
  readonly label: string;
  readonly status: number | undefined;
  /** Names of the parameters in `path`, `*` for a wildcard. */
  readonly params: readonly string[];
}

/** The routes of some controllers. */
export interface RouteTable {
  readonly router: Router<Route>;
  readonly routes: readonly Route[];
  readonly problems: readonly TurnoError[];
}

/** Collects the routes of controllers, in order of declaration, inherited ones first. */
export function collectRoutes(controllers: readonly Class[]): RouteTable {
  const table = {
    router: new Router<Route>(),
    routes: new Array<Route>(),
    problems: new Array<TurnoError>(),
  };
  // A set: a controller that two feature lists both name is one controller.
  [...new Set<unknown>(controllers)].forEach((controller, position) => {
    if (typeof controller === 'function') addController(table, controller as AbstractClass);
    else {
      table.problems.push(
        new RouteError(
          `controllers[${position}] is ${describe(controller)}, which is no class.`,
          controller === undefined
            ? 'Two modules import each other, or a name is misspelt.'
            : 'List classes that are decorated with @Controller().',
        ),
      );
    }
  });
  return table;
}

interface GrowingTable {
  readonly router: Router<Route>;
  readonly routes: Route[];
  readonly problems: TurnoError[];
}

function addController(table: GrowingTable, controller: AbstractClass): void {
  const chain = recordsOf(controller);
  const prefix = chain.findLast((record) => record.prefix !== undefined)?.prefix;
  if (prefix === undefined) {
    table.problems.push(
      new RouteError(
        `The class "${controller.name}" in \`controllers\` is no controller.`,
        'Decorate it with @Controller(), or move it to `providers`.',
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
  if (byHandler.size === 0) {
    table.problems.push(
      new RouteError(
        `The controller "${controller.name}" has no route.`,
        'Decorate its methods with @Get(), @Post(), @Put(), @Patch() or @Delete().',
      ),
    );
  }
  for (const record of [...byHandler.values()].flat()) addRoute(table, controller, prefix, record);
}

function addRoute(
  { router, routes, problems }: GrowingTable,
  controller: AbstractClass,
  prefix: string,
  { method, path: ownPath, handler, status }: RouteRecord,
): void {
  const path = joinPaths(prefix, ownPath);
  const label = `${controller.name}.${String(handler)}`;
  const params: string[] = [];
  const route: Route = { method, path, controller, handler, label, status, params };
  const refuse = (reason: string, remedy: string, cause?: unknown) => {
    problems.push(new RouteError(`${method} ${path} of ${label} ${reason}`, remedy, cause));
  };
  // What stands in parentheses is a regular expression; a last `?` makes a parameter optional.
  const plain = path.replace(/\(.*\)/g, '').replace(/(:[^/]*)\?$/, '$1');
  if (/[?#]/.test(plain)) {
    refuse('has a "?" or "#" in its path.', 'A path ends before the query: use @Query(name).');
    return;
  }
  try {
    const added = router.add(method, path, route);
    if (added.conflict !== undefined) {
      refuse(
        `is served by ${added.conflict.label} already (${added.conflict.path}).`,
        'Change one of the two paths; names of parameters make no difference.',
      );
      return;
    }
    params.push(...added.params);
  } catch (cause) {
    refuse(
      `cannot be routed: ${cause instanceof Error ? cause.message : String(cause)}.`,
      'See the syntax of paths in the README of @turno/http-adapter.',
      cause,
    );
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
