/** What becomes of a handler's result on the loop, as a part of the handler. */
import { FileAnswer } from './file.js';
import { Redirect } from './redirect.js';
import type { AnswerHeaders } from './head.js';
import { encode, isPlain, type Encoded } from './response.js';
import { EventStream } from './sse.js';
import { isStream } from './stream.js';

/** A result that was encoded on the loop. */
export class LoopAnswer implements Encoded {
  constructor(
    readonly status: number | undefined,
    readonly headers: AnswerHeaders,
    readonly body: Encoded['body'],
  ) {}
}

/**
 * Encodes plain data before the call ends: what cannot be sent is an error of the handler, which a
 * transaction has to see. All else is sent as it is.
 * @throws ResponseError.
 */
export function finishOnLoop(result: unknown, label: string): unknown {
  if (typeof result === 'object' && result !== null && isSentLater(result)) return result;
  const { headers, body } = encode(label, result);
  return new LoopAnswer(undefined, headers, body);
}

function isSentLater(result: object): boolean {
  if (isStream(result)) return true;
  if (isPlain(result)) return false;
  return (
    result instanceof Redirect ||
    result instanceof FileAnswer ||
    result instanceof EventStream ||
    result instanceof Response ||
    result instanceof Blob
  );
}
