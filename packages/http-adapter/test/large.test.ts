import { once } from 'node:events';
import { get, request as open } from 'node:http';
import compression from 'compression';
import express from 'express';
import { BodyBytes } from '../dist/body-bytes.js';
import { closeBuilt, serve } from './built.js';
import { Large, seen, Sizes, texts } from './fixtures/large.js';
import { RawClient } from './support.js';

const many = texts(40_000);
const json = JSON.stringify(many);
const options = { controllers: [Large], bodyLimit: 10_000_000, threads: { size: 1 } };

afterEach(async () => {
  for (const client of RawClient.open.splice(0)) client.destroy();
  await closeBuilt();
});

const post = (url: string, body: string) =>
  fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/json' } });

describe('a large body', () => {
  it.each(['echo', 'loop'])('comes to its handler and back: %s', async (path) => {
    const { url, log } = await serve(options);
    // Again, with the memory of the first one gone.
    for (let time = 0; time < 2; time++) {
      expect(await (await post(`${url}/large/${path}`, json)).text()).toBe(json);
    }
    expect(log.faults).toEqual([]);
  });

  it('is decoded in the thread and on the loop, where a parameter of the loop wants it too', async () => {
    const { url } = await serve(options);
    const response = await post(`${url}/large/counted`, json);
    expect(await response.json()).toEqual({ same: true, isInThread: true });
  });

  it('is moved to the thread of the only one that takes it', async () => {
    const { url } = await serve(options);
    await post(`${url}/large/keeps`, json);
    expect(() => seen.request?.bytes).toThrow(/was moved to the thread that decodes it/);
    await post(`${url}/large/keeps`, '["small"]');
    expect(seen.request?.body).toEqual(['small']);
  });

  it('is copied to it where a provider may want it', async () => {
    const { url } = await serve({ ...options, providers: [Sizes] });
    expect(await (await post(`${url}/large/keeps`, json)).json()).toBe(many.length);
    expect(seen.request?.body).toEqual(many);
  });

  it('may have been parsed by somebody else', async () => {
    const { app, url } = await serve(options);
    app.use(express.json({ limit: '10mb' }));
    expect(await (await post(`${url}/large/echo`, json)).text()).toBe(json);
  });

  it('may come in pieces of any size', async () => {
    const { url } = await serve(options);
    const request = open(`${url}/large/echo`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
    });
    const bytes = Buffer.from(json);
    let at = 0;
    for (const size of [1, 2, 3, 100, 20_000, 7, 70_000, 16_384, 16_383, 1, bytes.length]) {
      request.write(bytes.subarray(at, (at += size)));
    }
    request.end();
    const [response] = await once(request, 'response');
    expect(Buffer.concat(await response.toArray()).toString()).toBe(json);
  });
});

it('pieces of a body are whole again, however small they are', () => {
  const bytes = new BodyBytes();
  const sizes = [5, 1, 1, 16_384, 1, 65_536, 3, ...Array<number>(70_000).fill(1), 40_000, 16_383];
  const pieces = sizes.map((size, index) => Buffer.alloc(size, index));
  for (const piece of pieces) bytes.add(piece);
  const crossing = bytes.toCross();
  expect(crossing.length).toBeLessThan(12);
  expect(Buffer.concat(crossing).equals(Buffer.concat(pieces))).toBe(true);
  expect(bytes.whole().equals(Buffer.concat(pieces))).toBe(true);
  expect(bytes).toHaveLength(bytes.whole().length);
  expect(new BodyBytes().whole()).toHaveLength(0);
});

describe('a large answer', () => {
  it.each(['bytes', 'bytes-of-loop'])('may be of bytes that are kept: %s', async (path) => {
    const { url } = await serve(options);
    for (let time = 0; time < 2; time++) {
      const response = await fetch(`${url}/large/${path}`);
      expect(response.headers.get('content-length')).toBe('1000000');
      const bytes = Buffer.from(await response.arrayBuffer());
      expect(bytes.equals(Buffer.alloc(1_000_000, 7))).toBe(true);
    }
  });

  it('has no body for HEAD', async () => {
    const { url } = await serve(options);
    const response = await fetch(`${url}/large/bytes`, { method: 'HEAD' });
    expect(response.headers.get('content-length')).toBe('1000000');
    expect(await response.text()).toBe('');
  });

  it('waits behind the one before it on its connection', async () => {
    const { port } = await serve(options);
    const client = await RawClient.connect(port);
    client.send(
      ...['GET /large/bytes HTTP/1.1', 'host: a', '', ''],
      ...['GET /large/bytes HTTP/1.1', 'host: a', 'connection: close', '', ''],
    );
    await client.closed;
    const [, first, second] = client.received.split('HTTP/1.1 200 OK\r\n');
    for (const answer of [first, second]) {
      expect(answer?.split('\r\n\r\n')[1]).toBe('\x07'.repeat(1_000_000));
    }
  });

  it('may be compressed by a middleware', async () => {
    const { app, url } = await serve(options);
    app.use(compression());
    const response = await post(`${url}/large/echo`, json);
    expect(response.headers.get('content-encoding')).toBe('gzip');
    expect(await response.text()).toBe(json);
  });

  it('of which its client leaves the rest holds up nobody', async () => {
    const { app, url, log } = await serve({ ...options, bodyLimit: 40_000_000 });
    const request = open(`${url}/large/echo`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
    });
    // More than the system takes in advance.
    request.end(JSON.stringify(texts(1_000_000)));
    const [response] = await once(request, 'response');
    await once(response, 'readable');
    request.destroy();
    await app.close();
    expect(log.faults).toEqual([]);
  });

  it('that is collected in a thread has an end', async () => {
    const { url, log } = await serve(options);
    expect((await fetch(`${url}/large/endless`)).status).toBe(500);
    expect(log.faults).toMatchObject([
      { fields: { err: { code: 'TURNO_RESPONSE', message: expect.stringMatching(/64 MiB/) } } },
    ]);
    const [response] = await once(get(`${url}/large/bytes`), 'response');
    expect(response.statusCode).toBe(200);
    response.resume();
  });
});
