/** `Response` and `Blob` objects of the web as answers. */
import { framing } from './framing.js';
import { bytesHeaders, type AnswerHeaders } from './head.js';

/** What fetch has taken off a body before anybody can read it, though the header stays. */
const decoded = /^(?:gzip|x-gzip|deflate|br)(?:, *(?:gzip|x-gzip|deflate|br))*$/i;

/** Its headers, each cookie by itself. */
export function headersOf({ headers, url }: Response): AnswerHeaders {
  const found: Record<string, string | readonly string[]> = {};
  // Only what was fetched has a URL.
  const isFetched = url !== '';
  for (const [name, value] of headers) {
    if (name === 'set-cookie' || framing.has(name)) continue;
    if (isFetched && name === 'content-encoding' && decoded.test(value)) continue;
    found[name] = value;
  }
  const cookies = headers.getSetCookie();
  if (cookies.length > 0) found['set-cookie'] = cookies;
  return found;
}

export function headersOfBlob({ type }: Blob): AnswerHeaders {
  return type === '' ? bytesHeaders : { 'content-type': type };
}
