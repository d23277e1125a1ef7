/** Requests that are wrong on the wire, byte by byte. */
import { IncomingMessage } from 'node:http';
import { Body, Controller, Get, Post } from '../src/index.js';
import { closeAll, RawClient, serve } from './support.js';

let served = 0;

@Controller()
class Wire {
  @Get('/') async root() {
    served++;
    return 'root';
  }
  @Get('/items/:id') async item() {
    served++;
    return 'item';
  }
  @Post('/length') async length(@Body() body: string) {
    served++;
    return { length: body.length };
  }
  @Post('/stream') async stream(request: IncomingMessage) {
    let size = 0;
    for await (const chunk of request) size += (chunk as Buffer).length;
    served++;
    return { size };
  }
}

let port: number;
let log: Awaited<ReturnType<typeof serve>>['log'];

beforeEach(async () => {
  served = 0;
  ({ port, log } = await serve({ controllers: [Wire], bodyLimit: 1000, headerLimit: 20 }));
});
afterEach(closeAll);

const request = (...lines: readonly string[]) => [...lines, '', ''].join('\r\n');
const get = (...headers: readonly string[]) => request('GET / HTTP/1.1', ...headers);
const target = (text: string) => request(`GET ${text} HTTP/1.1`, 'Host: a');
const chunked = (...lines: readonly string[]) =>
  request(
    ...['POST /length HTTP/1.1', 'Host: a', 'Content-Type: application/json'],
    ...['Transfer-Encoding: chunked', '', ...lines],
  );

const malformed: readonly (readonly [what: string, status: number, bytes: string])[] = [
  ['no Host', 400, get('Accept: */*')],
  ['an empty Host', 400, get('Host:')],
  ['two Hosts', 400, get('Host: a', 'Host: a')],
  ['two Hosts of different case', 400, get('Host: a', 'HOST: b')],
  ['a list of Hosts', 400, get('Host: a, b')],
  ['a Host with a path', 400, get('Host: a/b')],
  ['a Host with a user', 400, get('Host: user@a')],
  ['a Host with a blank', 400, get('Host: a b')],
  ['a Host with percent-encoding', 400, get('Host: a%2eb')],
  ['a Host with a port that is none', 400, get('Host: a:http')],
  ['a Host with a port that is too large', 400, get('Host: a:65536')],
  ['a Host that is half an IPv6 address', 400, get('Host: [::1')],
  ['a Host that is no IPv6 address', 400, get('Host: [1:2]')],
  ['a Host without a name', 400, get('Host: :80')],
  ['a Host with bytes beyond ASCII', 400, get('Host: \xe9')],
  ['a bad Host in HTTP/1.0', 400, request('GET / HTTP/1.0', 'Host: a/b')],
  ['HTTP/2.0', 505, request('GET / HTTP/2.0', 'Host: a')],
  ['HTTP/0.9', 505, request('GET / HTTP/0.9', 'Host: a')],
  ['HTTP/1.2', 505, request('GET / HTTP/1.2', 'Host: a')],
  ['HTTP/9.9', 505, request('GET / HTTP/9.9', 'Host: a')],
  ['the preface of HTTP/2', 400, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['no version, which means HTTP/0.9', 505, request('GET /', 'Host: a')],
  ['a version of another protocol', 400, request('GET / HTTPS/1.1', 'Host: a')],
  ['a blank behind the version', 400, request('GET / HTTP/1.1 ', 'Host: a')],
  ['an unknown method', 400, request('GRILL / HTTP/1.1', 'Host: a')],
  ['a method in lower case', 400, request('get / HTTP/1.1', 'Host: a')],
  ['a tab behind the method', 400, request('GET\t/ HTTP/1.1', 'Host: a')],
  ['CONNECT', 405, request('CONNECT a:80 HTTP/1.1', 'Host: a:80')],
  ['bytes of TLS', 400, '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
  ['lines that end with LF', 400, 'GET / HTTP/1.1\nHost: a\n\n'],
  ['lines that end with CR', 400, 'GET / HTTP/1.1\rHost: a\r\r'],
  ['the target *', 400, target('*')],
  ['a target without a slash', 400, target('items')],
  ['a target with a blank', 400, target('/a b')],
  ['a target with a fragment', 400, target('/#a')],
  ['a target with a backslash', 400, target('/items\\a')],
  ['a target beyond ASCII', 400, target('/items/\xe9')],
  ['a target of another scheme', 400, target('ftp://a/')],
  ['a target of another host', 400, target('http://b/')],
  ['a target of another port', 400, target('http://a:81/')],
  ['a target with a user', 400, target('http://user@a/')],
  ['a target without a host', 400, target('http:///')],
  ['half a percent-encoding', 400, target('/items/%')],
  ['a percent-encoding that is none', 400, target('/items/%zz')],
  ['percent-encoded bytes that are no UTF-8', 400, target('/items/%C3%28')],
  ['an overlong percent-encoding of a slash', 400, target('/items/%c0%af')],
  ['an encoded NUL', 400, target('/items/%00')],
  ['an encoded line end', 400, target('/items/a%0D%0Ab')],
  ['an encoded DEL', 400, target('/items/%7f')],
  ['a URL over the limit', 414, target(`/items/${'a'.repeat(9000)}`)],
  ['a URL over the limit of the parser', 414, target(`/${'a'.repeat(30_000)}`)],
  ['more headers than the limit', 431, get('Host: a', ...Array<string>(20).fill('X: y'))],
  ['more headers than Node keeps', 431, get('Host: a', ...Array<string>(1500).fill('X: y'))],
  ['headers over the limit of the parser', 431, get('Host: a', `X: ${'y'.repeat(30_000)}`)],
  ['a header without a name', 400, get('Host: a', ': x')],
  ['a header without a colon', 400, get('Host: a', 'X')],
  ['a blank before the colon', 400, get('Host : a')],
  ['a blank before the first header', 400, get(' Host: a')],
  ['a header on two lines', 400, get('Host: a', 'X: y', ' z')],
  ['a NUL in a name', 400, get('Host: a', 'X\0: y')],
  ['a NUL in a value', 400, get('Host: a', 'X: \0')],
  ['a control character in a value', 400, get('Host: a', 'X: \x01')],
  ['a CR in a value', 400, get('Host: a', 'X: a\rb')],
  ['two content types', 400, get('Host: a', 'Content-Type: a/b', 'Content-Type: c/d')],
  ['two authorizations', 400, get('Host: a', 'Authorization: A', 'Authorization: B')],
  ['a length with a sign', 400, get('Host: a', 'Content-Length: +1') + 'x'],
  ['a negative length', 400, get('Host: a', 'Content-Length: -1')],
  ['a length in hexadecimal', 400, get('Host: a', 'Content-Length: 0x1') + 'x'],
  ['a list of lengths', 400, get('Host: a', 'Content-Length: 1, 1') + 'x'],
  ['two lengths', 400, get('Host: a', 'Content-Length: 1', 'Content-Length: 1') + 'x'],
  ['an empty length', 400, get('Host: a', 'Content-Length:')],
  ['a length beyond 64 bits', 400, get('Host: a', 'Content-Length: 99999999999999999999')],
  ['a length and a coding', 400, get('Host: a', 'Content-Length: 1', 'Transfer-Encoding: chunked')],
  ['a coding and a length', 400, get('Host: a', 'Transfer-Encoding: chunked', 'Content-Length: 1')],
  ['an unknown coding', 501, get('Host: a', 'Transfer-Encoding: xchunked')],
  ['a known coding before chunked', 501, get('Host: a', 'Transfer-Encoding: gzip, chunked')],
  ['a known coding alone', 501, get('Host: a', 'Transfer-Encoding: gzip')],
  ['the coding identity', 501, get('Host: a', 'Transfer-Encoding: identity')],
  ['chunked twice', 400, get('Host: a', 'Transfer-Encoding: chunked, chunked')],
  ['a coding with a control character', 400, get('Host: a', 'Transfer-Encoding: \x0bchunked')],
  [
    'two codings',
    400,
    get('Host: a', 'Transfer-Encoding: chunked', 'Transfer-Encoding: chunked') + '0\r\n\r\n',
  ],
  [
    'a coding in HTTP/1.0',
    400,
    request('GET / HTTP/1.0', 'Host: a', 'Transfer-Encoding: chunked', '', '0'),
  ],
  ['a chunk size that is none', 400, chunked('x')],
  ['a chunk size in C', 400, chunked('0x3', 'abc')],
  ['a chunk size with a sign', 400, chunked('+3', 'abc')],
  ['a chunk size that is negative', 400, chunked('-3', 'abc')],
  ['a chunk size beyond 64 bits', 400, chunked('fffffffffffffffff', 'abc')],
  ['a chunk size that ends with LF', 400, chunked('3\nabc')],
  ['a chunk that is longer than it says', 400, chunked('3', 'abcd')],
  ['a chunk extension with a control character', 400, chunked('3;\x01', 'abc')],
  ['a chunk extension that does not end', 413, chunked(`3;${'x'.repeat(20_000)}`)],
  ['an unknown expectation', 417, get('Host: a', 'Expect: 200-ok')],
  ['a second expectation', 417, get('Host: a', 'Expect: 100-continue, 200-ok')],
];

it.each(malformed)('%s: %d, and the end of the connection', async (_what, status, bytes) => {
  const client = await RawClient.connect(port);
  client.send(bytes);
  await client.until(new RegExp(`^HTTP/1\\.1 ${status} [^]*\r\n\r\n\\{[^]*\\}$`));
  expect(client.received).toMatch(/content-type: application\/problem\+json\r\n/i);
  expect(client.received).toMatch(/connection: close\r\n/i);
  client.end();
  await client.closed;
  expect(client.received.match(/HTTP\/1\.1 \d/g)).toHaveLength(1);
  expect(served).toBe(0);
  expect(log.faults).toEqual([]);
  const next = await RawClient.connect(port);
  next.send(get('Host: a'));
  await next.until(/^HTTP\/1\.1 200 [^]*root$/);
});

it('the corpus is not short', () => {
  expect(malformed.length).toBeGreaterThan(60);
});

const wellFormed: readonly (readonly [what: string, bytes: string])[] = [
  ['a Host with a port', get('Host: example.com:8000')],
  ['a Host that is an IPv4 address', get('Host: 127.0.0.1')],
  ['a Host that is an IPv6 address', get('Host: [::1]:80')],
  ['HTTP/1.0 without a Host', request('GET / HTTP/1.0')],
  ['an absolute target', request('GET http://A:80/ HTTP/1.1', 'Host: a')],
  ['an absolute target without a path', request('GET http://a HTTP/1.1', 'Host: a')],
  ['an absolute target with only a query', request('GET http://a?b HTTP/1.1', 'Host: a')],
  ['an absolute target of TLS', request('GET https://a:443/ HTTP/1.1', 'Host: a')],
  ['as many headers as the limit', get('Host: a', ...Array<string>(19).fill('X: y'))],
  ['empty lines before the request', `\r\n\r\n${get('Host: a')}`],
  ['an encoded slash, which is none', request('GET /items/a%2Fb HTTP/1.1', 'Host: a')],
  ['an encoded line end in the query', request('GET /?a=%0a HTTP/1.1', 'Host: a')],
];

it.each(wellFormed)('%s: served', async (_what, bytes) => {
  const client = await RawClient.connect(port);
  client.send(bytes);
  await client.until(/^HTTP\/1\.1 200 [^]*(root|item)$/);
  expect(served).toBe(1);
});

it('what follows a good request does not spoil its answer', async () => {
  const client = await RawClient.connect(port);
  client.send(get('Host: a') + 'rubbish\r\n\r\n');
  await client.until(/^HTTP\/1\.1 200 [^]*root/);
  client.end();
  await client.closed;
  expect(served).toBe(1);
});

describe('Expect: 100-continue', () => {
  const post = (path: string, length: number) =>
    request(
      ...[`POST ${path} HTTP/1.1`, 'Host: a', 'Content-Type: application/json'],
      ...[`Content-Length: ${length}`, 'Expect: 100-continue'],
    );

  it.each([
    ['/length', '{"length":5}'],
    ['/stream', '{"size":7}'],
  ])('is answered with 100 once, when the body is read: %s', async (path, answer) => {
    const client = await RawClient.connect(port);
    client.send(post(path, 7));
    await client.until(/^HTTP\/1\.1 100 Continue\r\n\r\n$/);
    client.send('"abc');
    client.send('de"');
    await client.until(/\r\n\r\nHTTP\/1\.1 200 [^]*}$/);
    expect(client.received.endsWith(answer)).toBe(true);
    client.send(get('Host: a'));
    await client.until(/root$/);
    expect(client.received.match(/ 100 Continue/g)).toHaveLength(1);
  });

  it.each([
    ['there is no such path', '/nowhere', 7, 404],
    ['the method is another', '/', 7, 405],
    ['the body is too large', '/length', 1001, 413],
  ])('is refused when %s, and the connection is closed', async (_why, path, length, status) => {
    const client = await RawClient.connect(port);
    client.send(post(path, length));
    await client.until(new RegExp(`^HTTP/1\\.1 ${status} [^]*connection: close[^]*\\}$`, 'i'));
    client.end();
    await client.closed;
    expect(client.received).not.toContain('100 Continue');
    expect(served).toBe(0);
  });

  it('means nothing in HTTP/1.0', async () => {
    const client = await RawClient.connect(port);
    client.send(post('/length', 3).replace('HTTP/1.1', 'HTTP/1.0') + '"a"');
    await client.until(/^HTTP\/1\.1 200 [^]*{"length":1}$/);
  });
});
