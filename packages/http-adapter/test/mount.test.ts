import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, createServer as createHttp2Server, type ClientHttp2Session } from 'node:http2';
import {
  createServer as createHttpsServer,
  request as httpsRequest,
  type RequestOptions,
} from 'node:https';
import type { AddressInfo } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import express, { type RequestHandler } from 'express';
import { fastify } from 'fastify';
import {
  Body,
  Controller,
  createParameter,
  Form,
  Get,
  Header,
  Path,
  Post,
  Unauthorized,
} from '../src/index.js';
import { closeAll, gate, makeApp } from './support.js';
import { z } from 'zod';

const servers: Server[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
  await closeAll();
});

const Url = createParameter(({ url }) => url);

@Controller('/burgers')
class Burgers {
  @Get('/:id') async one(@Path('id') id: number, @Url() url: string) {
    return { id, url };
  }
  @Get('/secret') async secret() {
    throw new Unauthorized();
  }
  @Post() async add(@Body() body: unknown) {
    return { body };
  }
  @Get('/headers') async headers(@Header(z.record(z.string(), z.unknown())) all: object) {
    return Object.keys(all);
  }
}

async function listen(server: Server): Promise<string> {
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const post = (body: unknown) => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

describe('in Express', () => {
  async function mounted(parse: boolean) {
    const { app } = await makeApp({ controllers: [Burgers] });
    const outer = express();
    if (parse) outer.use(express.json());
    outer.use('/api', app.handler);
    outer.use((_request, response) => {
      response.status(404).send('not found by Express');
    });
    return { app, url: await listen(createServer(outer)) };
  }

  it('routes are those below its path', async () => {
    const { url } = await mounted(false);
    const response = await fetch(`${url}/api/burgers/7?a=1`);
    expect(await response.json()).toEqual({ id: 7, url: '/api/burgers/7?a=1' });
  });

  it('what no route has goes on, other errors are answered', async () => {
    const { url } = await mounted(false);
    expect(await (await fetch(`${url}/api/fries`)).text()).toBe('not found by Express');
    expect(await (await fetch(`${url}/burgers/7`)).text()).toBe('not found by Express');
    expect((await fetch(`${url}/api/burgers/secret`)).status).toBe(401);
    expect((await fetch(`${url}/api/burgers/x`)).status).toBe(422);
    expect((await fetch(`${url}/api/burgers/7`, { method: 'DELETE' })).status).toBe(405);
  });

  it.each([true, false])('a body is read once, parsed before: %p', async (parse) => {
    const { url } = await mounted(parse);
    const response = await fetch(`${url}/api/burgers`, post({ a: 1 }));
    expect(await response.json()).toEqual({ body: { a: 1 } });
  });

  describe('the body that it has parsed', () => {
    @Controller()
    class Bodies {
      @Post('/loop') async loop(@Body() body: unknown) {
        return { body };
      }
      @Post('/thread') thread(@Body() body: unknown) {
        return { body };
      }
      @Post('/raw') async raw(@Body({ as: 'text' }) text: string) {
        return { text };
      }
      @Post('/form') async form(@Form('a') a: string) {
        return { a };
      }
    }
    async function send(path: string, body: string, type: string, ...parsers: RequestHandler[]) {
      const inline = { executor: 'inline' } as const;
      const { app } = await makeApp({ controllers: [Bodies], threads: inline });
      const outer = express();
      for (const parser of parsers) outer.use(parser);
      outer.use(app.handler);
      const url = await listen(createServer(outer));
      const headers = { 'content-type': type };
      const response = await fetch(url + path, { method: 'POST', body, headers });
      return { status: response.status, json: await response.json() };
    }
    const both = [express.json({ strict: false }), express.urlencoded({ extended: true })];
    const form = 'application/x-www-form-urlencoded';
    const json = 'application/json';

    it.each(['/loop', '/thread'])('is that of a handler: %s', async (path) => {
      const body = { a: [1, { b: 2 }] };
      expect(await send(path, JSON.stringify(body), json, ...both)).toEqual({
        status: 200,
        json: { body },
      });
      // Whatever is not parsed is decoded by the app.
      const raw = express.raw({ type: json });
      expect(await send(path, '{"a":1}', json, raw)).toEqual({
        status: 200,
        json: { body: { a: 1 } },
      });
      expect((await send(path, '{"a":', json, raw)).status).toBe(400);
    });

    it('is bytes only where it was not taken apart', async () => {
      const text = express.text({ type: 'text/csv' });
      expect((await send('/raw', 'a,b', 'text/csv', text)).json).toEqual({ text: 'a,b' });
      expect((await send('/raw', 'a,b', 'text/csv', ...both)).json).toEqual({ text: 'a,b' });
      expect((await send('/raw', 'a,b', 'text/csv', express.raw({ type: '*/*' }))).json).toEqual({
        text: 'a,b',
      });
      expect((await send('/raw', '{"a":1}', json, ...both)).status).toBe(500);
    });

    it('has to be of the kind that is wanted', async () => {
      expect((await send('/form', 'a=1', form, ...both)).json).toEqual({ a: '1' });
      expect((await send('/loop', 'a=1', form, ...both)).status).toBe(415);
      expect((await send('/form', '{"a":"1"}', json, ...both)).status).toBe(415);
    });

    it.each([
      '{"__proto__":{"a":1}}',
      '[{"a":{"__proto__":1}}]',
      '{"constructor":{"prototype":{"a":1}}}',
      `${'['.repeat(501)}${']'.repeat(501)}`,
    ])('is refused where the app would refuse it: %.40s', async (body) => {
      expect((await send('/loop', body, json, ...both)).status).toBe(400);
    });

    it('may have harmless names', async () => {
      const body = { constructor: { name: 'x' }, prototype: 1 };
      expect((await send('/loop', JSON.stringify(body), json, ...both)).json).toEqual({ body });
    });
  });

  it('its requests are waited for by close', async () => {
    const { app, url } = await mounted(false);
    expect((await fetch(`${url}/api/burgers/7`)).status).toBe(200);
    await app.close();
    expect((await fetch(`${url}/api/burgers/7`)).status).toBe(503);
  });
});

describe('in Fastify', () => {
  it('it serves what a route hands to it, with the body that was parsed', async () => {
    const { app } = await makeApp({ controllers: [Burgers] });
    const outer = fastify();
    outer.get('/own', () => 'own');
    outer.all('/*', (request, reply) => {
      reply.hijack();
      app.handler(Object.assign(request.raw, { body: request.body }), reply.raw);
    });
    const url = await outer.listen({ port: 0, host: '127.0.0.1' });
    try {
      expect(await (await fetch(`${url}/own`)).text()).toBe('own');
      expect(await (await fetch(`${url}/burgers/7`)).json()).toMatchObject({ id: 7 });
      const added = await fetch(`${url}/burgers`, post({ a: 1 }));
      expect(await added.json()).toEqual({ body: { a: 1 } });
      expect((await fetch(`${url}/fries`)).status).toBe(404);
    } finally {
      await outer.close();
    }
  });
});

describe('with a server of another kind', () => {
  it('of node:https it listens, and closes it', async () => {
    const { app } = await makeApp({ controllers: [Burgers] });
    // Keys that both sides know: no certificate to keep.
    const psk = Buffer.from('0123456789abcdef');
    const how = { ciphers: 'PSK', maxVersion: 'TLSv1.2' } as const;
    const server = createHttpsServer({ ...how, pskCallback: () => psk });
    const { url } = await app.listen({ port: 0, server });
    expect(url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
    const client: ConnectionOptions & RequestOptions = {
      ...how,
      pskCallback: () => ({ psk, identity: 'test' }),
      checkServerIdentity: () => undefined,
    };
    const request = httpsRequest(`${url}/burgers/7`, client);
    const answered = once(request, 'response');
    request.end();
    const [response] = (await answered) as [AsyncIterable<Buffer> & { statusCode: number }];
    expect(response.statusCode).toBe(200);
    for await (const chunk of response) expect(chunk.toString()).toContain('"id":7');
    await app.close();
    expect(server.listening).toBe(false);
  });

  it('of node:http2 it serves requests with and without a body', async () => {
    const { app, log } = await makeApp({ controllers: [Burgers] });
    const { url } = await app.listen({ port: 0, server: createHttp2Server() });
    const session = connect(url);
    try {
      const one = await ask(session, { ':path': '/burgers/7' });
      expect(one).toMatchObject({ status: 200, body: '{"id":7,"url":"/burgers/7"}' });
      const method = { ':method': 'POST', ':path': '/burgers', 'content-type': 'application/json' };
      // HTTP/2 needs no length.
      expect(await ask(session, method, '{"a":1}')).toMatchObject({ body: '{"body":{"a":1}}' });
      expect((await ask(session, method)).status).toBe(422);
      expect((await ask(session, { ':path': '/fries' })).status).toBe(404);
      expect((await ask(session, { ':path': '/burgers/headers' })).body).not.toContain(':path');
    } finally {
      session.close();
    }
    await app.close();
    expect(log.faults).toEqual([]);
  });

  it('of node:http2 it closes when requests in work have ended', async () => {
    const started = gate();
    const going = gate();
    @Controller()
    class Slow {
      @Get('/slow') async slow() {
        started.open();
        await going.opened;
        return 'done';
      }
    }
    const { app } = await makeApp({ controllers: [Slow] });
    const { url } = await app.listen({ port: 0, server: createHttp2Server() });
    const session = connect(url);
    const answer = ask(session, { ':path': '/slow' });
    await started.opened;
    const closed = app.close();
    going.open();
    expect(await answer).toMatchObject({ status: 200, body: 'done' });
    await closed;
    session.destroy();
  });
});

async function ask(session: ClientHttp2Session, headers: Record<string, string>, payload?: string) {
  const stream = session.request(headers, { endStream: payload === undefined });
  if (payload !== undefined) stream.end(payload);
  const [head] = (await once(stream, 'response')) as [{ ':status': number }];
  let body = '';
  for await (const chunk of stream) body += String(chunk);
  return { status: head[':status'], body };
}
