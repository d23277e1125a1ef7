/** What is known of a route once its plan is compiled. */
import { handlerToken, type Container, type ParameterSource, type Token } from '@turno/core';
import { OptionsError, RouteError } from './errors.js';
import { asRequestSource, type BodyKind, type RequestSource } from './parameter.js';
import type { AnswerMethod } from './generator-handler.js';
import type { BodyLimits } from './record.js';
import type { Route } from './route.js';

/** What is known of a route once its plan is compiled. */
export interface Endpoint {
  readonly token: Token;
  /** What the body is read as before anything is made, if some parameter wants it then. */
  readonly reads: BodyKind | undefined;
  /** What it is read as when the dependencies of levels are made, if it is only wanted then. */
  readonly readsLater: BodyKind | undefined;
  /** Of the body, in the place of those of the app. */
  readonly limits: BodyLimits;
  /** Whether nothing but one parameter of the handler may ever be read from it. */
  readonly readsOnce: boolean;
}

/** @throws whatever compiling the plans throws. */
export function endpointsOf(routes: Iterable<Route>, container: Container): Map<Route, Endpoint> {
  // A provider may read it that is only resolved while the handler runs.
  const isShared = bodyReaders(container.inputs()).length > 0;
  return new Map(
    Array.from(routes, (route) => {
      const token = tokenOf(route);
      const inputs = container.inputs(token);
      // Those that come later are the last ones of all.
      const first = inputs.slice(0, inputs.length - container.laterInputs(token).length);
      const readers = bodyReaders(inputs);
      const kind = kindOf(readers);
      const isLater = bodyReaders(first).length === 0;
      return [
        route,
        {
          token,
          reads: isLater ? undefined : kind,
          readsLater: isLater ? kind : undefined,
          limits: route.limits,
          readsOnce: !isShared && readers.length <= 1,
        },
      ];
    }),
  );
}

/** What a body is read as for all of them: JSON is bytes, too. */
function kindOf(readers: readonly RequestSource[]): BodyKind | undefined {
  return (['form', 'body', 'bytes'] as const).find((kind) =>
    readers.some(({ reads }) => reads === kind),
  );
}

/** The parameters that are read from the body. */
function bodyReaders(sources: readonly ParameterSource[]): readonly RequestSource[] {
  return sources
    .flatMap((source) => asRequestSource(source) ?? [])
    .filter(({ reads }) => reads !== undefined);
}

/** Parameters of a handler or of one of its providers that no request to the route can fill. */
export function unfillable(
  routes: readonly Route[],
  inputs: (token: Token) => readonly ParameterSource[],
): RouteError[] {
  return routes.flatMap((route) => {
    const missing = new Set<string>();
    const sources = inputs(tokenOf(route)).map(asRequestSource);
    const kinds = new Set(sources.map((own) => own?.reads));
    const both = kinds.has('form') && (kinds.has('body') || kinds.has('bytes'));
    for (const own of sources) {
      if (own?.location === 'path' && own.required && !route.params.includes(own.key)) {
        missing.add(own.key);
      }
    }
    const problems = [...missing].map(
      (key) =>
        new RouteError(
          `${route.method} ${route.path} of ${route.label} has no parameter "${key}", which @Path("${key}") of the handler or one of its providers asks for.`,
          `${key === '*' ? 'Let the path end in `/*`' : `Add it to the path (/:${key})`}, or make the parameter optional: @Path("${key}", { optional: true }).`,
        ),
    );
    if (both) {
      problems.push(
        new RouteError(
          `${route.method} ${route.path} of ${route.label} reads its body as ${kinds.has('body') ? 'JSON' : 'it came'} and as a form.`,
          'One body is one of them: use @Body, or @Form, @File and @Files, in the handler and its providers.',
        ),
      );
    }
    return problems;
  });
}

/**
 * Parameters of catch handlers or of their providers that not every request has: they also answer where
 * there is no route, or where its body was not read.
 */
export function uncatchable(
  catchers: readonly AnswerMethod[],
  inputs: (token: Token) => readonly ParameterSource[],
): OptionsError[] {
  return catchers.flatMap((catcher) => {
    const { label } = catcher;
    const sources = inputs(tokenOf(catcher)).flatMap((source) => asRequestSource(source) ?? []);
    const problems: OptionsError[] = [];
    if (sources.some(({ reads }) => reads !== undefined)) {
      problems.push(
        new OptionsError(
          `${label} catches errors, and it or one of its providers reads the body of the request, which may not have been read.`,
          'Put what the answer needs of the body into the error, where that is thrown.',
        ),
      );
    }
    const keys = sources.filter(({ location, required }) => location === 'path' && required);
    for (const key of new Set(keys.map((source) => source.key))) {
      problems.push(
        new OptionsError(
          `${label} catches errors, and @Path("${key}") of it or of one of its providers is missing in other paths.`,
          `Make the parameter optional: @Path("${key}", { optional: true }), or put its value into the error.`,
        ),
      );
    }
    return problems;
  });
}

function tokenOf({ controller, handler }: AnswerMethod): Token {
  return handlerToken(controller, handler);
}
