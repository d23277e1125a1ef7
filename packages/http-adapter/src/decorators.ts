/** The decorators of routes and their parameters: they write records and do nothing else. */
import {
  type AbstractClass,
  DeclarationError,
  declareClass,
  declareHandler,
  declareParameter,
  type HandlerOptions,
  type Placement,
} from '@turno/core';
import { bodySource, textSource, type BodyOptions, type ParameterOptions } from './parameter.js';
import { recordOf, type HttpMethod } from './record.js';
import { finishInThread } from './thread-answer.js';
import { isSchema, type StandardSchema } from './standard-schema.js';

/** Options of `@Get`, `@Post`, `@Put`, `@Patch` and `@Delete`. */
export interface RouteOptions {
  /** Status of the answer, 200 to 599. Default: 200, or 204 where the handler returns nothing. */
  readonly status?: number;
  /** Where the handler runs, whatever its keyword says. */
  readonly on?: Placement;
  /** The group of threads that runs the handler, where it runs in one. */
  readonly threads?: string;
  /**
   * How long the handler and all that is made for it may take, in milliseconds; then the answer is a
   * 503. Default: `deadline` of the app.
   */
  readonly deadline?: number;
}

/** Makes a class a controller: its routes are served under `prefix`. List it in `controllers`. */
export function Controller(prefix = '') {
  refuseNonText('Controller', 'prefix', prefix);
  return (target: AbstractClass, context?: unknown): void => {
    refuseStandardDecorator('Controller', context);
    declareClass(target);
    recordOf(target).prefix = prefix;
  };
}

/** Serves GET (and HEAD) requests of a path. An `async` method runs on the loop, any other in a thread. */
export const Get = routeDecorator('Get', 'GET');
/** Serves POST requests of a path. */
export const Post = routeDecorator('Post', 'POST');
/** Serves PUT requests of a path. */
export const Put = routeDecorator('Put', 'PUT');
/** Serves PATCH requests of a path. */
export const Patch = routeDecorator('Patch', 'PATCH');
/** Serves DELETE requests of a path. */
export const Delete = routeDecorator('Delete', 'DELETE');

/**
 * Reads a parameter from the path: `:name` in the path of the route. It is converted to its
 * declared type; a Standard Schema gets the text as it is.
 */
export const Path = textDecorator('Path', 'path');
/** Reads a parameter from the query of the URL, likewise. A key that is repeated is refused. */
export const Query = textDecorator('Query', 'query');
/** Reads a parameter from a header, likewise; the case of the name does not matter. */
export const Header = textDecorator('Header', 'header');

/**
 * Reads the JSON body. A Standard Schema checks it; without one only the outermost type is
 * checked.
 */
export function Body(...given: [how?: BodyOptions | StandardSchema]) {
  if (given.length > 1) {
    throw new DeclarationError('@Body was applied without parentheses.', 'Write @Body().');
  }
  const how = howOf('Body', given, ['optional']);
  return (target: object, name: string | symbol | undefined, index: number): void => {
    declareParameter(target, name, index, bodySource(how));
  };
}

const placements: readonly unknown[] = ['loop', 'thread'];

/** Options of a route that are the handler's, so that several routes of it share them. */
const handlerOptions = ['on', 'threads', 'deadline'] as const satisfies (keyof HandlerOptions)[];

function pickHandlerOptions(options: RouteOptions): HandlerOptions {
  const said = handlerOptions.filter((option) => options[option] !== undefined);
  return Object.fromEntries(said.map((option) => [option, options[option]]));
}

function shown(option: string | number): string {
  return typeof option === 'string' ? `'${option}'` : String(option);
}

function routeDecorator(decorator: string, method: HttpMethod) {
  return (path = '', options: RouteOptions = {}) => {
    refuseNonText(decorator, 'path', path);
    checkOptions(decorator, options, ['status', ...handlerOptions]);
    const { status, on } = options;
    if (status !== undefined && (!Number.isInteger(status) || status < 200 || status > 599)) {
      throw new DeclarationError(
        `@${decorator} has the status ${String(status)}.`,
        'A status is a whole number from 200 to 599.',
      );
    }
    if (on !== undefined && !placements.includes(on)) {
      throw new DeclarationError(
        `@${decorator} has the unknown placement '${on}'.`,
        `\`on\` is 'loop' or 'thread'.`,
      );
    }
    return (target: object, name: string | symbol, _descriptor: PropertyDescriptor): void => {
      refuseStandardDecorator(decorator, name);
      const owner = (typeof target === 'function' ? target : target.constructor) as AbstractClass;
      const { routes } = recordOf(owner);
      const others = routes.filter(({ handler }) => handler === name);
      const said = Object.assign({}, ...others.map(({ options }) => options)) as HandlerOptions;
      const own = pickHandlerOptions(options);
      for (const option of handlerOptions) {
        const [mine, other] = [own[option], said[option]];
        if (mine === undefined || other === undefined || mine === other) continue;
        throw new DeclarationError(
          `The routes of ${owner.name}.${String(name)} say both ${option}: ${shown(mine)} and ${option}: ${shown(other)}.`,
          'One method has one of them: say it once.',
        );
      }
      routes.push({ method, path, handler: name, status, options: own });
      declareHandler(target, name, { ...said, ...own, finish: finishInThread });
    };
  };
}

function textDecorator(decorator: string, location: 'path' | 'query' | 'header') {
  return (key: string, ...given: [how?: ParameterOptions | StandardSchema]) => {
    refuseNonText(decorator, 'name', key);
    if (key === '') {
      throw new DeclarationError(
        `@${decorator} has an empty name.`,
        `Give the name: @${decorator}('id').`,
      );
    }
    const how = howOf(decorator, given, ['optional', 'default', 'type']);
    return (target: object, name: string | symbol | undefined, index: number): void => {
      declareParameter(target, name, index, textSource(location, key, how));
    };
  };
}

/** Also catches `@Get` without parentheses, which gets the class or its prototype here. */
function refuseNonText(decorator: string, what: string, given: unknown): void {
  if (typeof given === 'string') return;
  throw new DeclarationError(
    `The ${what} of @${decorator} is not a string.`,
    what === 'name'
      ? `Names are not known at run time: write @${decorator}('id').`
      : `Write @${decorator}() or @${decorator}('/burgers').`,
  );
}

/** The options or schema that a parameter's decorator was given. */
function howOf(
  decorator: string,
  given: readonly (ParameterOptions | StandardSchema | undefined)[],
  known: readonly string[],
): ParameterOptions | StandardSchema {
  // Left out is fine, undefined is not: a schema that is missing must not mean "unchecked".
  if (given.length > 0 && given[0] === undefined) {
    throw new DeclarationError(
      `@${decorator} was given undefined for its schema or options.`,
      'Two modules import each other, or a name is misspelt.',
    );
  }
  const how = given[0] ?? {};
  if (!isSchema(how)) checkOptions(decorator, how, known);
  return how;
}

function checkOptions(decorator: string, options: unknown, known: readonly string[]): void {
  const list = known.map((name) => `\`${name}\``).join(', ');
  if (typeof options !== 'object' || options === null) {
    throw new DeclarationError(
      `@${decorator} was given ${String(options)} for its options.`,
      `They are an object with ${list}.`,
    );
  }
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new DeclarationError(
      `@${decorator} has no option "${unknown}".`,
      `It knows ${list}${known.includes('optional') ? ', or takes a Standard Schema instead' : ''}.`,
    );
  }
}

/** Standard (stage 3) decorators get a context object; they know no parameters and no types. */
function refuseStandardDecorator(name: string, context: unknown): void {
  if (typeof context !== 'object' || context === null || !('kind' in context)) return;
  throw new DeclarationError(
    `@${name} was applied as a standard decorator.`,
    'Set "experimentalDecorators": true in tsconfig.json: only these decorators see parameters.',
  );
}
