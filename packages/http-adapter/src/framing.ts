/** The headers that belong to the framing of an answer. */

/** What the app sees to itself, whatever handlers, errors and `Response` objects say. */
export const framing: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'keep-alive',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
