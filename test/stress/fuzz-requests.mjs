// Valid requests as bytes, and what is done to them.
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';

const latin1 = (text) => Buffer.from(text, 'latin1');

/** @param body - text or bytes; its length is said unless `headers` say its framing. */
function request(line, headers = [], body) {
  const bytes = body === undefined ? Buffer.alloc(0) : Buffer.from(body);
  const framed = headers.some((header) => /^(transfer-encoding|content-length)/i.test(header));
  const length = body === undefined || framed ? [] : [`Content-Length: ${bytes.length}`];
  const head = [`${line} HTTP/1.1`, 'Host: a', ...headers, ...length, '', ''].join('\r\n');
  return Buffer.concat([latin1(head), bytes]);
}

const json = 'Content-Type: application/json';
const order = JSON.stringify({ burgers: 3, name: 'J\u00f6rg', extras: ['cheese', '\u{1f35f}'] });

function chunked(...pieces) {
  const chunks = pieces.map((piece) => `${Buffer.byteLength(piece).toString(16)}\r\n${piece}\r\n`);
  return Buffer.from(`${chunks.join('')}0\r\n\r\n`);
}

const parts = [
  '--edge\r\nContent-Disposition: form-data; name="title"\r\n\r\nCheeseburger \u00e9\r\n',
  '--edge\r\nContent-Disposition: form-data; name="count"\r\n\r\n2\r\n',
  '--edge\r\nContent-Disposition: form-data; name="photo"; filename="b\u00fcrger.png"\r\n',
  'Content-Type: image/png\r\n\r\n\x89PNG\r\n\x1a\n\0\0\0\rIHDR\r\n--edge--\r\n',
].join('');
const multipart = 'Content-Type: multipart/form-data; boundary=edge';
const urlencoded = 'Content-Type: application/x-www-form-urlencoded';
const query = 'page=2&open=true&big=12345678901234567890&tag=a&tag=b%20c';
const cookies = 'Cookie: session=abc%20def; theme="dark"; __proto__=1';
const form = 'title=Cheese+burger&count=2&tag=1&tag=2.5e3';

const shapesOf = (at) => [
  request(`GET ${at}/items/7?${query}`, [cookies, 'Accept-Language: de, en;q=0.7']),
  request(`GET ${at}/all?a=1&b=%C3%A9&a=2&__proto__=x`, [cookies, 'X-Tenant: burgers', 'A: b']),
  request(`GET http://a${at}/items/7?page=2`, ['Accept: */*']),
  request(`HEAD ${at}/items/7?page=2`, ['Accept: */*']),
  request(`OPTIONS ${at}/items/7`, ['Origin: https://burgers.example']),
  request('OPTIONS *'),
  request(`GET ${at}/cookie?value=caf%C3%A9%3B+path%3D%2F`),
  request(`GET ${at}/pieces?data=some+text`),
  request(`POST ${at}/orders`, [json], order),
  request(
    `POST ${at}/orders`,
    ['Content-Type: application/vnd.burgers+json; charset="utf-8"'],
    order,
  ),
  request(
    `POST ${at}/orders`,
    [json, 'Transfer-Encoding: chunked'],
    chunked(order.slice(0, 9), order.slice(9)),
  ),
  request(`POST ${at}/orders`, [json, 'Expect: 100-continue'], order),
  request(`POST ${at}/orders`, [json, 'Content-Encoding: gzip'], gzipSync(order)),
  request(`POST ${at}/orders`, [json, 'Content-Encoding: br'], brotliCompressSync(order)),
  request(`POST ${at}/text`, [json], JSON.stringify('\u0000\ud83c\udf54\ud800 text')),
  request(
    `PUT ${at}/any`,
    [json],
    '{"a":[1,-2.5e3,null,true,{"b":{}}],"_proto__":{"constructr":1}}',
  ),
  request(`PUT ${at}/any`),
  request(`POST ${at}/form`, [multipart], parts),
  request(
    `POST ${at}/form`,
    [multipart, 'Transfer-Encoding: chunked', 'Expect: 100-continue'],
    chunked(parts.slice(0, 100), parts.slice(100)),
  ),
  request(`POST ${at}/form`, [multipart, 'Content-Encoding: deflate'], deflateSync(parts)),
  request(`POST ${at}/form`, [urlencoded], form),
  request(
    `POST ${at}/form`,
    [`${urlencoded}; charset=UTF-8`, 'Content-Encoding: gzip'],
    gzipSync(form),
  ),
  Buffer.concat([
    request(`GET ${at}/items/1`, [cookies]),
    request(`POST ${at}/orders`, [json], order),
  ]),
  Buffer.concat([
    request(`POST ${at}/orders`, [json, 'Transfer-Encoding: chunked'], chunked(order)),
    request(`HEAD ${at}/all?x=y`),
    request(`GET ${at}/items/3?page=4`, ['X-Forwarded-For: 10.0.0.1']),
  ]),
];

export const shapes = [
  ...shapesOf('/loop'),
  ...shapesOf('/thread'),
  request('GET /loop/parts/a-b/name'),
  request('GET /loop/caller', [
    ...['X-Tenant: burgers', 'X-Forwarded-For: 10.0.0.1, 127.0.0.1', 'X-Forwarded-Proto: https'],
    ...['X-Forwarded-Host: b.example:8443', 'X-Request-Id: abc-123'],
  ]),
  request('GET /loop/files/fuzz-http.test.ts', ['Range: bytes=0-9', 'If-Range: "abc"']),
  request('GET /loop/files/%2e%2e/fuzz-http.test.ts', ['If-None-Match: *', 'If-Match: "a"']),
  request('GET /loop/download?name=b%C3%BCr%22ger%0D%0A.txt'),
  request('GET /loop/events?data=a%0D%0Adata:+b', ['Last-Event-ID: 7']),
  request('GET /loop/away?to=https://b.example/'),
  Buffer.from('GET /loop/items/7 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n'),
];

/** What requests are broken with. */
const tokens = [
  ...[
    '\r\n',
    '\r\n\r\n',
    '\n',
    '\r',
    '\0',
    ' ',
    '\t',
    ':',
    ';',
    ',',
    '%',
    '%00',
    '%2e%2e%2f',
    '%ff',
  ],
  ...[
    '%0d%0a',
    '+',
    '&',
    '=',
    '/',
    '//',
    '?',
    '#',
    '\\',
    '"',
    "'",
    '[',
    '{',
    '}',
    ']',
    '-',
    '.',
    '*',
  ],
  ...['\x7f', '\x80', '\xff', '\xc0\xaf', '\xed\xa0\x80', '__proto__', 'constructor', 'prototype'],
  ...['{"__proto__":{"a":1}}', '{"constructor":{"prototype":{}}}', '1e999', '99999999999999999999'],
  ...[
    'HTTP/1.0',
    'HTTP/2.0',
    'HTTP/1.1',
    'HEAD ',
    'CONNECT ',
    'DELETE ',
    'GET ',
    'http://',
    'a:80',
  ],
  ...[
    'Host: b\r\n',
    'Content-Length: 5\r\n',
    'Content-Length: 0\r\n',
    'Transfer-Encoding: chunked\r\n',
  ],
  ...['Transfer-Encoding: gzip\r\n', 'Expect: 100-continue\r\n', 'Expect: x\r\n', 'Trailer: a\r\n'],
  ...[
    'Connection: close\r\n',
    'Connection: Upgrade\r\nUpgrade: h2c\r\n',
    'Connection: keep-alive\r\n',
  ],
  ...['Content-Type: text/plain\r\n', 'Content-Encoding: br\r\n', 'Content-Encoding: gzip\r\n'],
  ...[
    'Cookie: =; =;;%;"\r\n',
    'Range: bytes=5-\r\n',
    'Range: bytes=-0,9-1\r\n',
    '0\r\n\r\n',
    '--edge',
  ],
  ...[
    '--edge--',
    "filename*=UTF-8''%ff\"",
    'charset=utf-16',
    'boundary=',
    '; ',
    '0x10',
    ';ext="\r\n"',
  ],
].map(latin1);

const at = fc.nat({ max: 0xffff });
const mutation = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('flip'), at, bit: fc.nat({ max: 7 }) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('set'), at, byte: fc.nat({ max: 255 }) }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('insert'), at, what: fc.constantFrom(...tokens) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('replace'), at, what: fc.constantFrom(...tokens) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('insert'),
      at,
      what: fc.uint8Array({ minLength: 1, maxLength: 8 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('remove'),
      at,
      length: fc.integer({ min: 1, max: 16 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('copy'),
      from: at,
      at,
      length: fc.integer({ min: 1, max: 64 }),
      times: fc.constantFrom(1, 1, 1, 1, 1000),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cut'), at }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('splice'),
      at,
      other: fc.nat({ max: shapes.length - 1 }),
      from: at,
    }),
  },
);

/**
 * One case: which request, what is done to it, at which places it is cut into packets, and how its client
 * ends: by a good request, by waiting, by ending its side, by a reset.
 */
export const fuzzCase = fc.record({
  shape: fc.nat({ max: shapes.length - 1 }),
  mutations: fc.oneof(
    { weight: 2, arbitrary: fc.constant([]) },
    { weight: 12, arbitrary: fc.tuple(mutation) },
    { weight: 6, arbitrary: fc.array(mutation, { minLength: 2, maxLength: 5, size: 'max' }) },
  ),
  cuts: fc.array(at, { maxLength: 3 }),
  ending: fc.oneof(
    { weight: 14, arbitrary: fc.constant('request') },
    { weight: 1, arbitrary: fc.constant('wait') },
    { weight: 3, arbitrary: fc.constant('end') },
    { weight: 2, arbitrary: fc.constant('reset') },
  ),
});

const place = (at, { length }) => Math.floor((at / 0x10000) * (length + 1));

const apply = {
  flip(bytes, { at, bit }) {
    const index = place(at, bytes);
    if (index < bytes.length) bytes[index] ^= 1 << bit;
    return bytes;
  },
  set(bytes, { at, byte }) {
    const index = place(at, bytes);
    if (index < bytes.length) bytes[index] = byte;
    return bytes;
  },
  insert(bytes, { at, what }) {
    const index = place(at, bytes);
    return Buffer.concat([bytes.subarray(0, index), what, bytes.subarray(index)]);
  },
  replace(bytes, { at, what }) {
    const index = place(at, bytes);
    return Buffer.concat([bytes.subarray(0, index), what, bytes.subarray(index + what.length)]);
  },
  remove(bytes, { at, length }) {
    const index = place(at, bytes);
    return Buffer.concat([bytes.subarray(0, index), bytes.subarray(index + length)]);
  },
  copy(bytes, { at, from, length, times }) {
    const start = place(from, bytes);
    const what = bytes.subarray(start, start + length);
    return apply.insert(bytes, { at, what: Buffer.concat(Array(times).fill(what)) });
  },
  cut(bytes, { at }) {
    return bytes.subarray(0, place(at, bytes));
  },
  splice(bytes, { at, other, from }) {
    const rest = shapes[other].subarray(place(from, shapes[other]));
    return Buffer.concat([bytes.subarray(0, place(at, bytes)), rest]);
  },
};

/** The bytes of a case. */
export function bytesOf({ shape, mutations }) {
  return mutations.reduce(
    (bytes, mutation) => apply[mutation.kind](bytes, mutation),
    Buffer.from(shapes[shape]),
  );
}

/** The packets in which the bytes are sent. */
export function packetsOf(bytes, cuts) {
  const places = cuts.map((cut) => place(cut, bytes)).sort((a, b) => a - b);
  return [0, ...places]
    .map((start, index) => bytes.subarray(start, places[index] ?? bytes.length))
    .filter(({ length }) => length > 0);
}
