import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Injectable } from '@turno/core';
import { Body, Controller, Get, ListenError, Post, Query } from '../src/index.js';
import { closeAll, gate, makeApp, RawClient, serve } from './support.js';

afterEach(closeAll);

let served = 0;

@Controller()
class Wire {
  @Get('/hello') async hello(@Query('name', { default: 'you' }) name: string) {
    return { hello: name };
  }
  @Get('/items/:id') async item() {
    return 'item';
  }
  @Post('/length') async length(@Body() body: string) {
    served++;
    return { length: body.length };
  }
  @Post('/ignore') async ignore() {
    return 'ignored';
  }
}

const limit = 1000;
const start = () => serve({ controllers: [Wire], bodyLimit: limit });

/** Status and body of the n-th answer of a connection; all have a content-length. */
async function answer(client: RawClient, n = 0): Promise<{ status: number; body: string }> {
  const head = /HTTP\/1\.1 (\d+) [^]*?\r\ncontent-length: (\d+)\r\n[^]*?\r\n\r\n/i;
  const all = new RegExp(
    `^(?:${head.source.replaceAll('(\\d+)', '\\d+')}[^]*?){${n}}${head.source}`,
    'i',
  );
  const [whole, status, length] = await client.until(all);
  const size = Number(length);
  const [body] = await client.until(new RegExp(`(?<=^[^]{${whole.length}})[^]{${size}}`));
  return { status: Number(status), body };
}

describe('over a socket', () => {
  it('a request is answered, and so is the next one on the same connection', async () => {
    const { port } = await start();
    const client = await RawClient.connect(port);
    client.send('GET /hello HTTP/1.1', 'Host: a', '', '');
    expect(await answer(client)).toEqual({ status: 200, body: '{"hello":"you"}' });
    client.send('GET /hello?name=me HTTP/1.1', 'Host: a', '', '');
    expect(await answer(client, 1)).toEqual({ status: 200, body: '{"hello":"me"}' });
  });

  it('an error does not end the connection', async () => {
    const { port } = await start();
    const client = await RawClient.connect(port);
    client.send('GET /fries HTTP/1.1', 'Host: a', '', '');
    expect((await answer(client)).status).toBe(404);
    client.send(
      'POST /length HTTP/1.1',
      'Host: a',
      'Content-Type: application/json',
      'Content-Length: 1',
      '',
      '{',
    );
    expect((await answer(client, 1)).status).toBe(400);
    client.send(
      'POST /length HTTP/1.1',
      'Host: a',
      'Content-Type: text/plain',
      'Content-Length: 1',
      '',
      '{',
    );
    expect((await answer(client, 2)).status).toBe(415);
    client.send('GET /hello HTTP/1.1', 'Host: a', '', '');
    expect(await answer(client, 3)).toEqual({ status: 200, body: '{"hello":"you"}' });
  });

  it('an unknown method of a path is a 405 with Allow', async () => {
    const { url } = await start();
    const response = await fetch(`${url}/length`, { method: 'PUT' });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('POST, OPTIONS');
    expect(response.headers.get('content-type')).toBe('application/problem+json');
  });

  it('HEAD is answered without a body', async () => {
    const { port } = await start();
    const client = await RawClient.connect(port);
    client.send('HEAD /hello HTTP/1.1', 'Host: a', '', 'GET /hello HTTP/1.1', 'Host: a', '', '');
    const [head] = await client.until(/^HTTP\/1\.1 200 [^]*?\r\n\r\nHTTP\/1\.1 200 [^]*you"}$/);
    expect(head.match(/content-length: 15\r\n/gi)).toHaveLength(2);
    expect(head.match(/you/g)).toHaveLength(1);
  });

  it.each(['/items/%', '/items/%zz', '/items/%C3%28', '*', '/hello#a'])(
    'the malformed target %s is a 400',
    async (target) => {
      const { port } = await start();
      const client = await RawClient.connect(port);
      client.send(`GET ${target} HTTP/1.1`, 'Host: a', '', '');
      expect((await answer(client)).status).toBe(400);
    },
  );

  it('an absolute target is that path', async () => {
    const { port } = await start();
    const client = await RawClient.connect(port);
    client.send('GET http://example.com/hello?name=abs HTTP/1.1', 'Host: example.com', '', '');
    expect((await answer(client)).body).toBe('{"hello":"abs"}');
  });

  it('a body may come in chunks of any size', async () => {
    const { port } = await start();
    const client = await RawClient.connect(port);
    client.send(
      ...['POST /length HTTP/1.1', 'Host: a', 'Content-Type: application/json'],
      ...['Transfer-Encoding: chunked', '', '2', '"\xc3', '3', '\xa9x"', '0', '', ''],
    );
    expect(await answer(client)).toEqual({ status: 200, body: '{"length":2}' });
  });
});

describe('a body over the limit', () => {
  it('is refused before it is sent, when its length is announced', async () => {
    const { port } = await start();
    const before = served;
    const client = await RawClient.connect(port);
    client.send(
      ...['POST /length HTTP/1.1', 'Host: a', 'Content-Type: application/json'],
      ...[`Content-Length: ${limit + 1}`, '', ''],
    );
    expect((await answer(client)).status).toBe(413);
    expect(client.received).toMatch(/connection: close/i);
    client.end();
    await client.closed;
    expect(served).toBe(before);
  });

  it('is refused while it comes, when its length is not', async () => {
    const { port } = await start();
    const client = await RawClient.connect(port);
    client.send(
      ...['POST /length HTTP/1.1', 'Host: a', 'Content-Type: application/json'],
      ...['Transfer-Encoding: chunked', '', '1F4', '"'.padEnd(500, 'x'), ''],
    );
    client.send('1F5', 'x'.repeat(501), '');
    expect((await answer(client)).status).toBe(413);
    // What still comes is read and dropped; the connection ends with the body.
    client.send('5', 'xxxxx', '0', '', '');
    await client.closed;
    expect(client.received.match(/HTTP\/1\.1/g)).toHaveLength(1);
  });

  it.each(['/length', '/ignore', '/nowhere'])(
    'may be sent to the end before the client looks for the answer of %s',
    async (path) => {
      const { port } = await start();
      const client = await RawClient.connect(port);
      const size = 32_000_000;
      client.send(
        ...[`POST ${path} HTTP/1.1`, 'Host: a', 'Content-Type: application/json'],
        ...[`Content-Length: ${size}`, '', ''],
      );
      await client.sendBlindly('x'.repeat(size));
      const expected = { '/length': 413, '/ignore': 200, '/nowhere': 404 }[path];
      expect((await answer(client)).status).toBe(expected);
      await client.closed;
    },
  );

  it('does not keep a client from seeing the answer, however much it sends', async () => {
    const { url } = await start();
    const body = 'x'.repeat(5_000_000);
    const headers = { 'content-type': 'application/json' };
    for (const path of ['/length', '/ignore', '/nowhere']) {
      const response = await fetch(url + path, { method: 'POST', body, headers });
      expect([path, response.status]).toEqual([
        path,
        { '/length': 413, '/ignore': 200, '/nowhere': 404 }[path],
      ]);
      await response.arrayBuffer();
    }
    expect((await fetch(`${url}/hello`)).status).toBe(200);
  });
});

describe('a client that goes away', () => {
  it('while its body is read, is not answered and not logged', async () => {
    const { app, port, log } = await start();
    const before = served;
    const client = await RawClient.connect(port);
    client.send(
      ...['POST /length HTTP/1.1', 'Host: a', 'Content-Type: application/json'],
      ...['Content-Length: 10', '', '"1234'],
    );
    // The second request on another connection is answered, so the first has arrived.
    await fetch(`http://127.0.0.1:${port}/hello`);
    client.destroy();
    await app.close();
    expect(served).toBe(before);
    expect(log.faults).toEqual([]);
  });

  it('does not hide what fails after that: the handler, and the end of its scope', async () => {
    const started = gate();
    const left = gate();
    @Injectable({ scope: 'request' })
    class Resource {
      [Symbol.dispose]() {
        throw new Error('the end failed');
      }
    }
    @Controller()
    class Slow {
      @Get('/slow') async slow(signal: AbortSignal, _resource: Resource) {
        signal.addEventListener('abort', () => left.open());
        started.open();
        await left.opened;
        throw new Error('the handler failed');
      }
    }
    const { app, port, log } = await serve({ controllers: [Slow] });
    const client = await RawClient.connect(port);
    client.send('GET /slow HTTP/1.1', 'Host: a', '', '');
    await started.opened;
    client.destroy();
    await left.opened;
    await app.close();
    expect(log.faults.map(({ fields }) => (fields.err as Error).message).sort()).toEqual([
      'the end failed',
      'the handler failed',
    ]);
  });

  it('while its request is in work, cancels it; its scope ends all the same', async () => {
    const started = gate();
    const cancelled = gate();
    const disposed = gate();
    @Injectable({ scope: 'request' })
    class Resource {
      [Symbol.dispose]() {
        disposed.open();
      }
    }
    @Controller()
    class Slow {
      @Get('/slow') async slow(signal: AbortSignal, resource: Resource) {
        started.open();
        await new Promise<void>((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            cancelled.open();
            reject(signal.reason as Error);
          });
        });
        return resource;
      }
    }
    const { port, log } = await serve({ controllers: [Slow] });
    const client = await RawClient.connect(port);
    client.send('GET /slow HTTP/1.1', 'Host: a', '', '');
    await started.opened;
    client.destroy();
    await cancelled.opened;
    await disposed.opened;
    expect(log.faults).toEqual([]);
  });
});

it('the scope of a request ends after its answer has been sent', async () => {
  const sent = gate();
  const events: string[] = [];
  @Injectable({ scope: 'request' })
  class Resource {
    async [Symbol.asyncDispose]() {
      await sent.opened;
      events.push('disposed');
    }
  }
  @Controller()
  class Scoped {
    @Get('/scoped') async scoped(resource: Resource) {
      return { isResource: resource instanceof Resource };
    }
  }
  const { app, url } = await serve({ controllers: [Scoped] });
  expect(await (await fetch(`${url}/scoped`)).json()).toEqual({ isResource: true });
  events.push('answered');
  sent.open();
  await app.close();
  expect(events).toEqual(['answered', 'disposed']);
});

it('a failed teardown of a request is logged, and changes nothing', async () => {
  const error = new Error('teardown');
  @Injectable({ scope: 'request' })
  class Resource {
    [Symbol.dispose]() {
      throw error;
    }
  }
  @Controller()
  class Scoped {
    @Get('/scoped') async scoped(_resource: Resource) {
      return 'fine';
    }
  }
  const { app, url, log } = await serve({ controllers: [Scoped] });
  expect(await (await fetch(`${url}/scoped`)).text()).toBe('fine');
  await app.close();
  expect(log.faults).toMatchObject([
    { level: 'error', message: 'the teardown of a request failed', fields: { err: error } },
  ]);
});

it('app.handler serves behind a server of the user', async () => {
  const { app } = await makeApp({ controllers: [Wire] });
  const server = createServer(app.handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = server.address() as AddressInfo;
    const response = await fetch(`http://127.0.0.1:${port}/hello`);
    expect(await response.json()).toEqual({ hello: 'you' });
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

describe('listening', () => {
  it('tells where', async () => {
    const { app, log } = await makeApp({ controllers: [Wire] });
    const address = await app.listen({ port: 0 });
    expect(address).toEqual({
      host: '127.0.0.1',
      port: expect.any(Number) as number,
      url: `http://127.0.0.1:${address.port}`,
    });
    expect(address.port).toBeGreaterThan(0);
    expect(log.entries).toMatchObject([{ level: 'info', fields: { url: address.url } }]);
  });

  it('on all networks has a URL that can be opened here', async () => {
    const { app } = await makeApp({ controllers: [Wire] });
    const { host, url, port } = await app.listen({ port: 0, host: '0.0.0.0' });
    expect({ host, url }).toEqual({ host: '0.0.0.0', url: `http://127.0.0.1:${port}` });
  });

  it('where another one listens is refused with the address and a remedy; elsewhere it works', async () => {
    const { port } = await start();
    const { app } = await makeApp({ controllers: [Wire] });
    const listening = app.listen({ port });
    await expect(listening).rejects.toThrow(ListenError);
    await expect(listening).rejects.toMatchObject({
      code: 'TURNO_LISTEN',
      message: `The server cannot listen on 127.0.0.1:${port} (EADDRINUSE). Another program listens there: stop it, or choose another port (0 for a free one).`,
      cause: { code: 'EADDRINUSE' },
    });
    const { url } = await app.listen({ port: 0 });
    expect((await fetch(`${url}/hello`)).status).toBe(200);
  });

  it.each([
    [-1, 'The port is -1.'],
    [65536, 'The port is 65536.'],
    [1.5, 'The port is 1.5.'],
    [NaN, 'The port is NaN.'],
    ['8000', 'The port is "8000".'],
    [undefined, 'listen was given no port.'],
  ])('on the port %p is refused', async (port, message) => {
    const { app } = await makeApp({ controllers: [Wire] });
    await expect(app.listen({ port: port as number })).rejects.toThrow(message);
  });

  it('twice is refused, and so is listening once closed', async () => {
    const { app } = await start();
    await expect(app.listen({ port: 0 })).rejects.toThrow('The app listens already.');
    await app.close();
    await expect(app.listen({ port: 0 })).rejects.toThrow('The app is closed.');
  });
});
