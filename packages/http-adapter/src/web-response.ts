/** `Response` and `Blob` objects of the web as answers. */
import { bytesHeaders, type AnswerHeaders } from './response.js';

/** What the framing of the connection decides, whatever the object says. */
const framing: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'keep-alive',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Its headers, each cookie by itself. */
export function headersOf({ headers }: Response): AnswerHeaders {
  const found: Record<string, string | readonly string[]> = {};
  for (const [name, value] of headers) {
    if (name !== 'set-cookie' && !framing.has(name)) found[name] = value;
  }
  const cookies = headers.getSetCookie();
  if (cookies.length > 0) found['set-cookie'] = cookies;
  return found;
}

export function headersOfBlob({ type }: Blob): AnswerHeaders {
  return type === '' ? bytesHeaders : { 'content-type': type };
}
