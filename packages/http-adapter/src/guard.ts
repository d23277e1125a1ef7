/** Refuses requests whose line or headers two programs could read differently, or are too large. */
import { isIPv6 } from 'node:net';
import { BadRequest, HttpError, NotImplemented, UriTooLong } from './http-error.js';

/** What is looked at: the part of an `IncomingMessage` that comes before its body. */
export interface RequestHead {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly httpVersion: string;
  /** Names and values in turn, as they came. */
  readonly rawHeaders: readonly string[];
}

/** How much a request may have before its body. */
export interface HeadLimits {
  /** Number of headers. */
  readonly headers: number;
  /** Characters of the URL, as it stands in the request line. */
  readonly url: number;
}

/**
 * The error to answer a request with, whose connection then has to be closed; undefined when the
 * request is fine. Node itself refuses a length together with a coding, differing lengths, and
 * whatever is no HTTP; it lets pass what is refused here.
 */
export function refusalOf(request: RequestHead, limits: HeadLimits): HttpError | undefined {
  const { method, url = '/', httpVersion, rawHeaders } = request;
  // node:http takes `GET / HTTP/2.0` for a request; what came by node:http2 has a stream.
  const isHttp2 = 'stream' in request;
  if (!isHttp2 && httpVersion !== '1.1' && httpVersion !== '1.0') {
    return new HttpError(505, 'This server speaks HTTP/1.1.');
  }
  if (method === 'CONNECT') return noProxy();
  // Node keeps about 1,000 and drops the others, which could be the ones that matter.
  if (rawHeaders.length > 2 * limits.headers) {
    return new HttpError(431, `A request may have at most ${limits.headers} headers.`);
  }
  if (url.length > limits.url) {
    return new UriTooLong(`The URL may have at most ${limits.url} characters.`);
  }
  const found = find(rawHeaders);
  if (found instanceof HttpError) return found;
  return (
    refuseFraming(found, httpVersion) ??
    refuseTarget(method, url) ??
    refuseHost(found, url, httpVersion) ??
    refuseExpectation(found.expect)
  );
}

/** The answer to CONNECT. */
export function noProxy(): HttpError {
  return new HttpError(405, 'This server is no proxy.', { headers: { allow: '' } });
}

/** `http://host/path?query`, as clients of proxies write it, to `/path?query`. */
export function originForm(url: string): string {
  if (url.startsWith('/')) return url;
  const absolute = absoluteForm.exec(url);
  if (absolute === null) return url;
  const [, , , rest = ''] = absolute;
  return rest.startsWith('/') ? rest : `/${rest}`;
}

/** `example.com`, `example.com:8000`, `127.0.0.1`, `[::1]:8000`. */
export function isHost(text: string): boolean {
  const [, name = '', ipv6, port] = authority.exec(text) ?? [];
  if (ipv6 === undefined ? name === '' : !isIPv6(ipv6)) return false;
  return port === undefined || Number(port) <= 65535;
}

// What else a URI may have there (`%`, `@`, `,` …) is no name that a resolver knows.
const authority = /^([\w.-]+|\[([\da-f:.]+)\])(?::(\d{1,5}))?$/i;
const absoluteForm = /^(https?):\/\/([^/?]*)(.*)$/i;

/** The headers that rules are about, each of which may come once; all there, so that all are of one shape. */
class Found {
  host: string | undefined = undefined;
  authority: string | undefined = undefined;
  coding: string | undefined = undefined;
  length: string | undefined = undefined;
  type: string | undefined = undefined;
  credentials: string | undefined = undefined;
  expect: string | undefined = undefined;
}

/** One of them, by its name in lower case. */
class Single {
  readonly first: number;

  constructor(
    readonly name: string,
    readonly key: keyof Found,
  ) {
    this.first = name.charCodeAt(0);
  }

  /** A name begins with a letter, or `:`; the bit tells lower case, which `:` has. */
  isCalled(name: string): boolean {
    if ((name.charCodeAt(0) | 0x20) !== this.first) return false;
    return name === this.name || name.toLowerCase() === this.name;
  }
}

/** By the length of their names, of which no two have the same: most headers need no second look. */
const singles: readonly (Single | undefined)[] = byLength([
  new Single('host', 'host'),
  new Single('expect', 'expect'),
  new Single(':authority', 'authority'),
  new Single('content-type', 'type'),
  new Single('authorization', 'credentials'),
  new Single('content-length', 'length'),
  new Single('transfer-encoding', 'coding'),
]);

function byLength(all: readonly Single[]): readonly (Single | undefined)[] {
  const longest = Math.max(...all.map(({ name }) => name.length));
  return Array.from({ length: longest + 1 }, (_, length) =>
    all.find(({ name }) => name.length === length),
  );
}

function find(rawHeaders: readonly string[]): Found | HttpError {
  const found = new Found();
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    // An index behind the end of an array would make each look slower.
    const single = name.length < singles.length ? singles[name.length] : undefined;
    if (single?.isCalled(name) !== true) continue;
    const { key } = single;
    if (found[key] !== undefined) {
      // Node takes the first or joins them; a program in front may have taken the last.
      return new BadRequest(`The header ${single.name} is given twice.`);
    }
    found[key] = rawHeaders[index + 1];
  }
  return found;
}

// What nearly all requests need no look at is seen first, in functions that are short enough to be put in line.

function refuseFraming(found: Found, httpVersion: string): HttpError | undefined {
  const isBare = found.coding === undefined && found.length === undefined;
  return isBare ? undefined : refuseFramed(found, httpVersion);
}

function refuseFramed({ coding, length }: Found, httpVersion: string): HttpError | undefined {
  if (length !== undefined && !/^\d+$/.test(length)) {
    return new BadRequest('The header content-length is no number.');
  }
  if (coding === undefined) return undefined;
  if (httpVersion === '1.0') return new BadRequest('HTTP/1.0 has no transfer codings.');
  if (length !== undefined) {
    return new BadRequest('A request has a content-length or a transfer coding, never both.');
  }
  const codings = coding.split(',').map((name) => name.trim().toLowerCase());
  if (codings.some((name) => name !== 'chunked')) {
    return new NotImplemented('The only transfer coding is chunked.');
  }
  return codings.length > 1 ? new BadRequest('A body is chunked only once.') : undefined;
}

/** What no URL has, what WHATWG URLs read as a slash, and what never leaves a browser. */
const foreign = /[^\x21-\x7e]|[\\#]/;
const encodedControl = /%(?:[01][\da-f]|7f)/i;

function refuseTarget(method: string | undefined, url: string): HttpError | undefined {
  if (url === '*' && method === 'OPTIONS') return undefined;
  const isKnown = url.startsWith('/') || absoluteForm.test(url);
  if (!isKnown || foreign.test(url)) return new BadRequest('The URL is malformed.');
  return url.includes('%') ? refuseEncoding(url.split('?', 1)[0] as string) : undefined;
}

/** Of a path; a query is decoded where a parameter asks for it. */
function refuseEncoding(path: string): HttpError | undefined {
  if (encodedControl.test(path)) return new BadRequest('The path has control characters.');
  try {
    decodeURIComponent(path);
  } catch {
    return new BadRequest('The path is not validly percent-encoded.');
  }
  return undefined;
}

/** The last Host that was found valid. */
let lastHost: string | undefined;

function refuseHost(found: Found, url: string, httpVersion: string): HttpError | undefined {
  // One server has few names, and most requests come by the same one.
  const isLast = found.host !== undefined && found.host === lastHost;
  if (isLast && found.authority === undefined && url.startsWith('/')) return undefined;
  return refuseOtherHost(found, url, httpVersion);
}

function refuseOtherHost(found: Found, url: string, httpVersion: string): HttpError | undefined {
  const host = found.host ?? found.authority;
  if (host === undefined) {
    return httpVersion === '1.0' ? undefined : new BadRequest('The header host is missing.');
  }
  if (host !== lastHost) {
    if (!isHost(host)) return new BadRequest('The header host is malformed.');
    lastHost = host;
  }
  if (found.authority !== undefined && !isSameHost(found.authority, host, '')) {
    return new BadRequest('The header host and the authority differ.');
  }
  if (url.startsWith('/')) return undefined;
  const [, scheme = '', own] = absoluteForm.exec(url) ?? [];
  if (own === undefined || (isHost(own) && isSameHost(own, host, scheme))) return undefined;
  return new BadRequest('The header host and the host of the URL differ.');
}

/** Names have no case; a port may be left out where it is the scheme's own. */
function isSameHost(one: string, other: string, scheme: string): boolean {
  const port = scheme.toLowerCase() === 'https' ? /:443$/ : /:80$/;
  const [first, second] = [one, other].map((host) => host.toLowerCase().replace(port, ''));
  return first === second;
}

function refuseExpectation(expect: string | undefined): HttpError | undefined {
  if (expect === undefined || expect.toLowerCase() === '100-continue') return undefined;
  return new HttpError(417, 'The only expectation is 100-continue.');
}
