import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { Body, Controller, Get, Post } from '../src/index.js';
import { closeAll, makeApp, RawClient, serve } from './support.js';

afterEach(closeAll);

@Controller()
class Wire {
  @Get('/') async root() {
    return 'root';
  }
  @Post('/length') async length(@Body() body: string) {
    return { length: body.length };
  }
}

const limit = 1_000_000;
const start = () => makeApp({ controllers: [Wire], decompress: true, bodyLimit: limit });

function post(coding: string, payload: Buffer) {
  const headers = { 'content-type': 'application/json', 'content-encoding': coding };
  return { method: 'POST', url: '/length', headers, payload } as const;
}

/** JSON that compresses to a half at best. */
function varied(size: number): string {
  let [text, state] = ['', 1];
  while (text.length < size) {
    state = (state * 48271) % 2147483647;
    text += state.toString(36);
  }
  return JSON.stringify(text.slice(0, size));
}

it.each([
  ['gzip', gzipSync],
  ['x-gzip', gzipSync],
  ['GZIP', gzipSync],
  ['deflate', deflateSync],
  ['br', brotliCompressSync],
  ['identity', Buffer.from],
] as [string, (text: string) => Buffer][])('a body in %s is read', async (coding, compress) => {
  const { app } = await start();
  const response = await app.inject(post(coding, compress(varied(500_000))));
  expect(response.json()).toEqual({ length: 500_000 });
});

it('a compressed body is refused unless the app says otherwise', async () => {
  const { app } = await makeApp({ controllers: [Wire] });
  const response = await app.inject(post('gzip', gzipSync('"a"')));
  expect(response.statusCode).toBe(415);
  expect(response.headers['accept-encoding']).toBe('identity');
});

it.each(['compress', 'zstd', 'gzip, br', 'constructor'])(
  'the coding %s is refused, and the answer names those that are taken',
  async (coding) => {
    const { app } = await start();
    const response = await app.inject(post(coding, gzipSync('"a"')));
    expect(response.statusCode).toBe(415);
    expect(response.headers['accept-encoding']).toBe('gzip, deflate, br');
  },
);

it('the limit is that of the decompressed size', async () => {
  const { app } = await start();
  const fits = await app.inject(post('gzip', gzipSync(varied(limit - 2))));
  expect(fits.json()).toEqual({ length: limit - 2 });
  const response = await app.inject(post('gzip', gzipSync(varied(limit))));
  expect(response.statusCode).toBe(413);
  expect(response.json()).toMatchObject({ detail: `The body may have at most ${limit} bytes.` });
});

it('a body that grows more than a hundredfold is refused, one that is small is not', async () => {
  const { app } = await start();
  const bomb = gzipSync(JSON.stringify('a'.repeat(500_000)));
  const response = await app.inject(post('gzip', bomb));
  expect(response.statusCode).toBe(413);
  expect(response.json()).toMatchObject({ detail: 'The body is compressed too much.' });
  const small = gzipSync(JSON.stringify('a'.repeat(50_000)));
  expect((await app.inject(post('gzip', small))).json()).toEqual({ length: 50_000 });
});

it.each([
  ['is none of that coding', Buffer.from('"abc"')],
  ['is cut off', gzipSync('"abcdefghijklmnopqrstuvwxyz"').subarray(0, 30)],
])('a body that %s is a 400', async (_what, payload) => {
  const { app } = await start();
  const response = await app.inject(post('gzip', payload));
  expect(response.statusCode).toBe(400);
  expect(response.json()).toMatchObject({ detail: 'The body is not validly compressed.' });
});

it('over a socket a refused body does not spoil the connection', async () => {
  const { app, port } = await serve({ controllers: [Wire], decompress: true, bodyLimit: limit });
  const client = await RawClient.connect(port);
  const bomb = gzipSync(JSON.stringify('a'.repeat(900_000)));
  client.send(
    ...['POST /length HTTP/1.1', 'Host: a', 'Content-Type: application/json'],
    ...['Content-Encoding: gzip', `Content-Length: ${bomb.length}`, '', bomb.toString('latin1')],
  );
  await client.until(/^HTTP\/1\.1 413 [^]*}$/);
  client.send('GET / HTTP/1.1', 'Host: a', '', '');
  await client.until(/HTTP\/1\.1 200 [^]*root$/);
  await app.close();
});

it('a client that goes away in the middle of a compressed body leaves nothing behind', async () => {
  const { app, port, log } = await serve({ controllers: [Wire], decompress: true });
  const client = await RawClient.connect(port);
  client.send(
    ...['POST /length HTTP/1.1', 'Host: a', 'Content-Type: application/json'],
    ...['Content-Encoding: gzip', 'Content-Length: 100', 'Expect: 100-continue', '', ''],
  );
  await client.until(/100 Continue/);
  client.send(gzipSync(varied(1000)).subarray(0, 50).toString('latin1'));
  client.destroy();
  await app.close();
  expect(log.faults).toEqual([]);
});
