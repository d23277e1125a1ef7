/** Problems of the graph whose remedy only the app knows. */
import { MissingProviderError, NotPortableError, type TurnoError } from '@turno/core';
import { RouteError } from './errors.js';

/** The problem in the words of the app, where it has some; else as it is. */
export function inOwnWords(problem: TurnoError): TurnoError {
  const path = problem.path ?? [];
  const [consumer = '', needed = ''] = path.slice(-2);
  if (problem instanceof MissingProviderError && problem.token === 'ServerResponse') {
    return new RouteError(
      `${consumer} asks for the ServerResponse, which the app writes itself.`,
      'Ask for a Reply to set status, headers and cookies, and return the body, or a stream; what has to write by itself is middleware: app.use().',
      problem,
    );
  }
  const known = problem instanceof NotPortableError ? loopOnly.get(needed) : undefined;
  if (known !== undefined) {
    const [what, remedy] = known;
    const fact = `${consumer} runs in a thread, but ${what} on the event loop.`;
    return new RouteError(fact, `Make ${consumer} async, or ${remedy}.`, problem);
  }
  return problem;
}

/** What lives on the loop, by its name in paths: what is said of it, and what to do instead. */
const loopOnly: ReadonlyMap<string, readonly [what: string, remedy: string]> = new Map([
  [
    'RequestProviders.tasks',
    ['BackgroundTasks are added', 'let an async provider that it takes add them'],
  ],
  [
    'IncomingMessage',
    [
      'the IncomingMessage lives',
      'ask for what it needs of the request: @Header(name), RequestInfo, or a parameter of its own (createParameter)',
    ],
  ],
]);
