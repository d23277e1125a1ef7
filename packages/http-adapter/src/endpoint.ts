/** What is known of a route once its plan is compiled. */
import { handlerToken, type Container, type ParameterSource, type Token } from '@turno/core';
import { RouteError } from './errors.js';
import { asRequestSource, type BodyKind } from './parameter.js';
import type { Route } from './route.js';

/** What is known of a route once its plan is compiled. */
export interface Endpoint {
  readonly token: Token;
  /** What the body is read as, if some parameter of the plan is read from it. */
  readonly reads: BodyKind | undefined;
}

/** @throws whatever compiling the plan throws. */
export function endpointOf(route: Route, container: Container): Endpoint {
  const token = tokenOf(route);
  const sources = container.inputs(token).map(asRequestSource);
  const kinds = sources.map((source) => source?.reads);
  return {
    token,
    // JSON is bytes, too.
    reads: (['form', 'body', 'bytes'] as const).find((kind) => kinds.includes(kind)),
  };
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

function tokenOf({ controller, handler }: Route): Token {
  return handlerToken(controller, handler);
}
