/** The decorators of controllers and routes: they write records and do nothing else. */
import {
  type AbstractClass,
  type Class,
  DeclarationError,
  declareClass,
  declareHandler,
  type HandlerOptions,
  type Placement,
} from '@turno/core';
import { formLimitsFault, isByteCount, type FormLimits } from './form.js';
import { finishOnLoop } from './loop-answer.js';
import { checkOptions, parameterHint, refuseNonText, refuseStandardDecorator } from './misuse.js';
import { recordOf, type BodyLimits, type HttpMethod } from './record.js';
import { finishInThread } from './thread-answer.js';

/** Options of `@Get`, `@Post`, `@Put`, `@Patch`, `@Delete`, `@Head`, `@Options` and `@All`. */
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
  /** Longest body that is no form, in bytes. Default: `bodyLimit` of the app. */
  readonly bodyLimit?: number;
  /** What a form may be at most, beside what `forms` of the app says. */
  readonly forms?: Partial<FormLimits>;
}

/** Options of {@link Controller}. */
export interface ControllerOptions {
  /** Controllers that are served below this one: their prefixes follow its own. */
  readonly controllers?: readonly Class[];
}

/** Makes a class a controller: its routes are served under `prefix`. List it in `controllers`. */
export function Controller(prefix = '', options: ControllerOptions = {}) {
  refuseNonText('Controller', 'prefix', prefix);
  if (typeof options === 'object' && 'scope' in options) {
    throw new DeclarationError(
      '@Controller has no option "scope".',
      "Take what lives with a request as a parameter of the handlers. Where the controller itself shall live so long, write @Injectable({ scope: 'request' }) above @Controller().",
    );
  }
  checkOptions('Controller', options, ['controllers']);
  const { controllers = [] } = options;
  if (!Array.isArray(controllers)) {
    throw new DeclarationError(
      'The `controllers` of @Controller are no array.',
      `Write @Controller('/shops', { controllers: [Orders] }).`,
    );
  }
  return (target: AbstractClass, context?: unknown): void => {
    refuseStandardDecorator('Controller', context);
    declareClass(target);
    const record = recordOf(target);
    record.prefix = prefix;
    record.children = controllers as readonly unknown[];
  };
}

/** Serves GET requests of a path, and HEAD ones that no `@Head` serves. An `async` method runs on the loop, any other in a thread. */
export const Get = routeDecorator('Get', 'GET');
/** Serves POST requests of a path. */
export const Post = routeDecorator('Post', 'POST');
/** Serves PUT requests of a path. */
export const Put = routeDecorator('Put', 'PUT');
/** Serves PATCH requests of a path. */
export const Patch = routeDecorator('Patch', 'PATCH');
/** Serves DELETE requests of a path. */
export const Delete = routeDecorator('Delete', 'DELETE');
/** Serves HEAD requests of a path, before its GET route; what it returns is not sent, only its length. */
export const Head = routeDecorator('Head', 'HEAD');
/** Serves OPTIONS requests of a path, which are otherwise answered with its `Allow`. */
export const Options = routeDecorator('Options', 'OPTIONS');
/** Serves requests of a path by all methods for which that path has no route of its own. */
export const All = routeDecorator('All', 'ALL');

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

/** @throws DeclarationError. */
function limitsOf(label: string, { bodyLimit, forms }: RouteOptions): BodyLimits {
  if (bodyLimit !== undefined && !isByteCount(bodyLimit)) {
    throw new DeclarationError(
      `@${label} has the \`bodyLimit\` ${String(bodyLimit)}.`,
      'It is a whole number of bytes.',
    );
  }
  const fault = forms === undefined ? undefined : formLimitsFault(forms, `@${label}`);
  if (fault !== undefined) throw new DeclarationError(...fault);
  return {
    ...(bodyLimit === undefined ? {} : { bodyLimit }),
    ...(forms === undefined ? {} : { forms }),
  };
}

/** @param label - of the decorator, without its `@`, and where it stands. */
function checkRouteOptions(label: string, options: RouteOptions): void {
  checkOptions(label, options, ['status', ...handlerOptions, 'bodyLimit', 'forms']);
  const { status, on } = options;
  if (status !== undefined && (!Number.isInteger(status) || status < 200 || status > 599)) {
    throw new DeclarationError(
      `@${label} has the status ${String(status)}.`,
      'A status is a whole number from 200 to 599.',
    );
  }
  if (on !== undefined && !placements.includes(on)) {
    throw new DeclarationError(
      `@${label} has the unknown placement '${on}'.`,
      `\`on\` is 'loop' or 'thread'.`,
    );
  }
}

function routeDecorator(decorator: string, method: HttpMethod | 'ALL') {
  return (path = '', options: RouteOptions = {}) => {
    refuseNonText(decorator, 'path', path);
    return (target: object, name: string | symbol, _descriptor: PropertyDescriptor): void => {
      refuseStandardDecorator(decorator, name);
      const owner = (typeof target === 'function' ? target : target.constructor) as AbstractClass;
      const label = `${decorator} on ${owner.name}.${String(name)}`;
      checkRouteOptions(label, options);
      const limits = limitsOf(label, options);
      const { status } = options;
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
      routes.push({ method, path, handler: name, status, limits, options: own });
      declareHandler(target, name, {
        ...said,
        ...own,
        finish: finishInThread,
        finishOnLoop,
        hint: parameterHint,
      });
    };
  };
}
