/** What becomes of a request that has failed: its catch handler, a problem document, the log. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  DeadlineError,
  DisposedError,
  errorPath,
  QueueFullError,
  suppressedErrors,
  ThreadsStuckError,
  value,
  type Container,
  type ScopeInstance,
} from '@turno/core';
import { cancelWith } from './cancel.js';
import { errorToken, type Catches, type Caught } from './catch.js';
import { FileFault } from './file.js';
import { HttpError, ServiceUnavailable } from './http-error.js';
import { culpritOf, headersOfError, levelOf, problemOf, severityOf } from './problem.js';
import { Redirect } from './redirect.js';
import { HttpRequest } from './request.js';
import type { RequestIds } from './request-id.js';
import { isInterruption, type RequestLog } from './request-log.js';
import { openScope } from './request-scope.js';
import type { SendOptions } from './head.js';
import { cutOff, isGone, send } from './response.js';
import { transmit } from './transmit.js';

/** What the app knows and failures need. */
export interface FailureContext {
  readonly catches: Catches;
  readonly ids: RequestIds;
  readonly log: RequestLog;
  /** Whether each request is logged. */
  readonly isLogged: boolean;
  readonly container: Container;
  /** Whether the container is disposed. */
  readonly isClosed: () => boolean;
  readonly manner: (request: IncomingMessage) => SendOptions;
}

/** Overload is told once in a while, in milliseconds: a line with its stack for each would be a load of its own. */
const overloadTime = 1000;

const failedUnseen = 'request failed after its client had gone';

export class Failures {
  /** By the name of the error: when overload was told the last time, and how many were refused for it since. */
  private readonly overload = new Map<string, { told: number; untold: number }>();

  constructor(private readonly context: FailureContext) {}

  /**
   * Answers what has failed, or ends the connection where its answer has begun.
   * @param scope - of the request, if it had one already.
   */
  async answer(
    error: unknown,
    request: IncomingMessage,
    response: ServerResponse,
    scope: ScopeInstance | undefined,
    asked: HttpRequest | undefined,
  ): Promise<void> {
    if (this.isOver(error, request, response, scope)) return;
    const { catches, isClosed } = this.context;
    this.noteFile(error, request);
    const caught = isClosed() || answerIn(error) !== undefined ? undefined : catches.find(error);
    let thrown: unknown = error;
    const replaced: unknown[] = [];
    if (caught !== undefined) {
      try {
        await this.answerCaught(caught, request, response, scope, asked);
        return;
      } catch (next) {
        if (this.isOver(next, request, response, scope)) return;
        thrown = next;
        if (next !== error && next !== caught.error) replaced.push(caught.culprit);
        this.noteFile(next, request, ...replaced);
      }
    }
    const answer = answerIn(thrown);
    if (answer !== undefined) {
      try {
        await this.answerAsIs(answer, request, response, scope, asked);
        return;
      } catch (next) {
        if (this.isOver(next, request, response, scope)) return;
        thrown = next;
      }
    }
    await this.answerProblem(thrown, request, response, replaced);
  }

  /** Says why there was no file; the client is only told that there is none. */
  private noteFile(error: unknown, request: IncomingMessage, ...others: unknown[]): void {
    if (!(error instanceof HttpError) || !(error.cause instanceof FileFault)) return;
    this.context.log.info(error.cause, request, 'no file was sent', ...others);
  }

  /**
   * Ends the scope of a request. Never fails.
   * @param failure - what it has failed with, if it has: what it has made sees it.
   * @returns undefined where nothing is to be awaited, as nearly always: 0.4 µs less.
   */
  end(
    scope: ScopeInstance | undefined,
    request: IncomingMessage,
    failure: unknown,
  ): Promise<void> | undefined {
    if (scope === undefined) return undefined;
    // An answer to a deadline waits for nothing: what goes wrong after it, nobody has seen yet.
    const seen = failure instanceof DeadlineError ? suppressedErrors(failure).length : undefined;
    const ended = scope.dispose(failure);
    if (failure === undefined && scope.hasEnded) return undefined;
    return this.watchEnd(ended, request, failure, seen);
  }

  /** @param seen - how many errors beside one that has been answered at its deadline are known. */
  private async watchEnd(
    ended: Promise<void>,
    request: IncomingMessage,
    failure: unknown,
    seen: number | undefined,
  ): Promise<void> {
    const { log } = this.context;
    try {
      await ended;
    } catch (error) {
      log.error(error, request, 'the teardown of a request failed');
      return;
    }
    // What failed because, or after, the client had gone has nobody else to tell.
    if (isInterruption(failure)) {
      for (const error of suppressedErrors(failure)) this.logUnseen(error, request);
    } else if (seen !== undefined) {
      for (const error of suppressedErrors(failure).slice(seen)) {
        log.error(error, request, 'request failed after its deadline');
      }
    }
  }

  /** Whether there is nothing left to answer. */
  private isOver(
    error: unknown,
    request: IncomingMessage,
    response: ServerResponse,
    scope: ScopeInstance | undefined,
  ): boolean {
    if (isGone(response)) {
      // What was thrown to be the answer is no fault.
      if (scope !== undefined && answerIn(error) === undefined) this.logUnseen(error, request);
      return true;
    }
    if (!response.headersSent) return false;
    this.context.log.error(error, request, 'the answer failed after its first byte');
    cutOff(response);
    return true;
  }

  /** There is nobody to answer; that work was interrupted is no fault, nor is one of the client news. */
  private logUnseen(error: unknown, request: IncomingMessage): void {
    const level = isInterruption(error) ? undefined : severityOf(error);
    if (level !== undefined) this.context.log[level](error, request, failedUnseen);
  }

  /** @throws what the catch handler throws, or what is wrong with its result. */
  private async answerCaught(
    { token, error, culprit, label, status, meaning }: Caught,
    request: IncomingMessage,
    response: ServerResponse,
    scope: ScopeInstance | undefined,
    // A request that leads to no route has none.
    asked = new HttpRequest(request, {}, request.url?.split('?', 2)[1] ?? ''),
  ): Promise<void> {
    const { container, manner, log } = this.context;
    const own = scope ?? openScope(container, request, asked);
    if (scope === undefined) cancelWith(response, own, asked);
    asked.reply?.reset();
    // What failed may have been its answer, and another one is being made.
    asked.isAnswered = false;
    try {
      const result = await own.run((call) => call.resolve(token), [value(errorToken, error)]);
      asked.isAnswered = true;
      const { reply } = asked;
      const headers = meaning && headersOfError(meaning);
      const said = { label, status, headers, reply, scope: own };
      await transmit(request, response, result, said, manner(request));
      const level = levelOf(response.statusCode);
      if (level !== undefined) log[level](culprit, request, messages[level]);
    } finally {
      if (scope === undefined) await this.end(own, request, culprit);
    }
  }

  /** Of what has been set before headers and cookies hold, but not the status. */
  private async answerAsIs(
    answer: Redirect | Response,
    request: IncomingMessage,
    response: ServerResponse,
    scope: ScopeInstance | undefined,
    asked: HttpRequest | undefined,
  ): Promise<void> {
    const reply = asked?.reply;
    reply?.forgetStatus();
    if (asked !== undefined) asked.isAnswered = true;
    const label = errorPath(answer)?.at(-1) ?? 'a middleware';
    const manner = { label, status: undefined, reply, scope };
    await transmit(request, response, answer, manner, this.context.manner(request));
  }

  private logOverload(error: Error, request: IncomingMessage): void {
    const now = performance.now();
    const known = this.overload.get(error.name);
    if (known !== undefined && now - known.told < overloadTime) {
      known.untold += 1;
      return;
    }
    this.overload.set(error.name, { told: now, untold: 0 });
    const untold = known?.untold ?? 0;
    const others = untold === 0 ? '' : `, and ${untold} others since the last line`;
    this.context.log.warn(error, request, `${messages.warn}${others}`);
  }

  /** @param replaced - what was thrown before that, and shall not get lost. */
  private async answerProblem(
    thrown: unknown,
    request: IncomingMessage,
    response: ServerResponse,
    replaced: readonly unknown[],
  ): Promise<void> {
    const { ids, log, isLogged, isClosed, manner } = this.context;
    // What was cut off at the end of the grace can be tried elsewhere.
    const error = isClosed() && thrown instanceof DisposedError ? closing() : thrown;
    const about = { requestId: () => ids.of(request), isLogged };
    const { answer, level, logged } = problemOf(error, about);
    const isAlone = replaced.length === 0 && suppressedErrors(logged).length === 0;
    if (isAlone && isOverload(logged)) this.logOverload(logged, request);
    else if (level !== undefined) log[level](logged, request, messages[level], ...replaced);
    await send(request, response, answer, manner(request));
  }
}

function isOverload(error: unknown): error is Error {
  return error instanceof QueueFullError || error instanceof ThreadsStuckError;
}

/** What was thrown to be sent as it is, such as a redirect of a guard. */
function answerIn(thrown: unknown): Redirect | Response | undefined {
  const culprit = culpritOf(thrown);
  return culprit instanceof Redirect || culprit instanceof Response ? culprit : undefined;
}

const messages = { error: 'request failed', warn: 'request refused' } as const;

/** What is said while the app closes. */
export function closing(): ServiceUnavailable {
  return new ServiceUnavailable('The server is closing.', { headers: { 'retry-after': '1' } });
}
