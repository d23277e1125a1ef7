/** Turns whatever was thrown into a problem document (RFC 9457) and says whether to log it. */
import { validateHeaderName, validateHeaderValue } from 'node:http';
import { DeadlineError, InputError, QueueFullError, ThreadsStuckError } from '@turno/core';
import { foreignMeaning } from './foreign-error.js';
import { framing } from './framing.js';
import { HttpError, phraseOf, ServiceUnavailable, UnprocessableContent } from './http-error.js';
import { ParameterFault, type ParameterProblem } from './parameter.js';
import type { Answer } from './response.js';

/** The answer for something that was thrown. */
export interface Problem {
  readonly answer: Answer;
  /** How it is logged; undefined for what is the client's fault, which is not. */
  readonly level: 'error' | 'warn' | undefined;
  /** What is logged. */
  readonly logged: unknown;
}

/** Of the request that a problem belongs to. */
export interface ProblemContext {
  /** Its id in the log. */
  requestId(): string;
  /** Whether each request is logged; else only those are that the program, or its load, has failed. */
  readonly isLogged: boolean;
}

/** The problem for whatever a handler, a provider or the app itself has thrown. */
export function problemOf(thrown: unknown, about: ProblemContext): Problem {
  const logged = culpritOf(thrown);
  const error = meaningOf(logged);
  const failed = (): Problem => ({
    answer: problemAnswer(new HttpError(500), about.requestId()),
    level: 'error',
    logged,
  });
  // Without message, stack or path of the error: they are for the log.
  if (!(error instanceof HttpError)) return failed();
  try {
    const level = levelOf(error.status);
    const id = level !== undefined || about.isLogged ? about.requestId() : undefined;
    return { answer: problemAnswer(error, id), level, logged };
  } catch {
    // Headers that no header can hold, members that are no JSON.
    return failed();
  }
}

/** How something that was thrown is logged where there is nobody to answer any more. */
export function severityOf(thrown: unknown): Problem['level'] {
  const error = meaningOf(culpritOf(thrown));
  return error instanceof HttpError ? levelOf(error.status) : 'error';
}

export function levelOf(status: number): Problem['level'] {
  if (status < 500) return undefined;
  // "Not now" (overload, closing, a back end that is down) is no fault of the program.
  return status === 503 ? 'warn' : 'error';
}

/**
 * Among the faults of parameters that one which is none: a request that is malformed as a whole, or
 * a schema that failed instead of answering.
 */
export function culpritOf(thrown: unknown): unknown {
  if (!(thrown instanceof InputError)) return thrown;
  const other = thrown.faults.find(({ error }) => !(error instanceof ParameterFault));
  return other === undefined ? thrown : other.error;
}

/** The error that the answer is made of. */
export function meaningOf(error: unknown): unknown {
  if (error instanceof DeadlineError) {
    return new ServiceUnavailable('The server has taken too long.');
  }
  if (error instanceof QueueFullError || error instanceof ThreadsStuckError) {
    return new ServiceUnavailable('The server has more work than it can take now.', {
      headers: { 'retry-after': '1' },
    });
  }
  // Thrown by a handler it is one as well.
  if (error instanceof ParameterFault) return unprocessable(error.problems);
  if (!(error instanceof InputError)) return foreignMeaning(error) ?? error;
  return unprocessable(
    error.faults.flatMap(({ error: fault }) => (fault as ParameterFault).problems),
  );
}

function unprocessable(problems: readonly ParameterProblem[]): UnprocessableContent {
  return new UnprocessableContent('The request has invalid parameters.', {
    members: { errors: distinct(problems) },
  });
}

/** A parameter that several providers take is one fault of the client. */
function distinct<T extends object>(problems: readonly T[]): T[] {
  return [...new Map(problems.map((problem) => [JSON.stringify(problem), problem])).values()];
}

/**
 * The problem document of an error.
 * @param requestId - undefined where the log has nothing of the request.
 * @throws TypeError where its headers or members cannot be sent.
 */
export function problemAnswer(error: HttpError, requestId?: string): Answer {
  const { status, type, message, members } = error;
  const title = error.title ?? phraseOf(status);
  const own = { type, title, status, detail: message === title ? undefined : message };
  // Twice: once for the order, once so that no further member replaces one of these.
  const body = JSON.stringify({ ...own, requestId, ...members, ...own });
  const headers = { 'content-type': 'application/problem+json', ...headersOfError(error) };
  return { status, headers, body };
}

/**
 * The headers of the answer to an error, without those that belong to its body.
 * @throws TypeError where they cannot be sent.
 */
export function headersOfError({ headers = {} }: HttpError): Record<string, string> {
  const checked: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    const lower = name.toLowerCase();
    // A problem has a type of its own.
    if (framing.has(lower) || lower === 'content-type') continue;
    validateHeaderName(lower);
    validateHeaderValue(lower, value);
    checked[lower] = value;
  }
  return checked;
}
