/** Several requests in a row on one connection, and connections that end while some of them wait. */
import { fileURLToPath } from 'node:url';
import { Injectable } from '@turno/core';
import { Body, Controller, file, Form, Get, Post, Query } from '../src/index.js';
import { closeAll, gate, makeApp, RawClient, serve, type Gate } from './support.js';

afterEach(closeAll);

const request = (...lines: readonly string[]) => [...lines, '', ''].join('\r\n');
const get = (path: string, ...headers: readonly string[]) =>
  request(`GET ${path} HTTP/1.1`, 'Host: a', ...headers);

/** `/slow` waits for the test, `/quick` does not; both have a resource. */
function mixed(started: Gate, proceed: Gate) {
  const events: string[] = [];
  const disposed = gate();
  const left = gate();
  @Injectable({ scope: 'request' })
  class Resource {
    [Symbol.dispose]() {
      events.push('disposed');
      if (events.filter((event) => event === 'disposed').length === 2) disposed.open();
    }
  }
  @Controller()
  class Mixed {
    @Get('/slow') async slow(_resource: Resource, signal: AbortSignal) {
      signal.addEventListener('abort', () => left.open());
      started.open();
      await proceed.opened;
      return 'slow';
    }
    @Get('/quick') async quick(_resource: Resource) {
      events.push('quick');
      return 'quick';
    }
  }
  return { controllers: [Mixed], events, disposed, left };
}

it('what follows a refused request on its connection is never looked at', async () => {
  const { controllers, events } = mixed(gate(), gate());
  const { app, port } = await serve({ controllers });
  const client = await RawClient.connect(port);
  // To a program in front that has read the length, the second request is a body.
  const smuggled = get('/quick');
  client.send(request('GET / HTTP/1.1', 'Host: a', 'Host: b') + smuggled);
  await client.until(/^HTTP\/1\.1 400 [^]*}$/);
  client.send(get('/quick'));
  client.end();
  await client.closed;
  expect(client.received.match(/HTTP\/1\.1 \d/g)).toHaveLength(1);
  await app.close();
  expect(events).toEqual([]);
});

it('a client may go on sending what is refused before it looks for the answer', async () => {
  const { port, url } = await serve({ controllers: [] });
  const client = await RawClient.connect(port);
  const piece = 'x'.repeat(1000);
  client.send(request('POST / HTTP/1.1', 'Host: a/b', `Content-Length: ${5 * piece.length}`));
  client.pause();
  for (let count = 0; count < 7; count++) {
    client.send(piece);
    // The server has got to it when it answers others.
    await (await fetch(url)).text();
  }
  client.resume();
  await client.until(/^HTTP\/1\.1 400 [^]*}$/);
});

it('a request that waits for its turn ends with its connection', async () => {
  const [started, proceed] = [gate(), gate()];
  const { controllers, events, disposed, left } = mixed(started, proceed);
  const { app, port, log } = await serve({ controllers });
  const client = await RawClient.connect(port);
  client.send(get('/slow') + get('/quick'));
  await started.opened;
  client.destroy();
  await left.opened;
  proceed.open();
  await disposed.opened;
  await app.close();
  expect(events).toEqual(['quick', 'disposed', 'disposed']);
  expect(log.faults).toEqual([]);
});

it('when the app closes, all requests that wait for their turn are answered, the last one with "close"', async () => {
  const [started, proceed] = [gate(), gate()];
  const { controllers } = mixed(started, proceed);
  const { app, port } = await serve({ controllers });
  const client = await RawClient.connect(port);
  client.send(get('/slow') + get('/quick') + get('/slow'));
  await started.opened;
  const closed = app.close();
  proceed.open();
  await client.until(/slowHTTP\/1\.1 200 [^]*quickHTTP\/1\.1 200 [^]*connection: close[^]*slow$/i);
  expect(client.received.match(/connection: close/gi)).toHaveLength(1);
  await client.closed;
  await closed;
});

it('what is no request behind several good ones does not spoil any of their answers', async () => {
  const [started, proceed] = [gate(), gate()];
  const { controllers } = mixed(started, proceed);
  const { port } = await serve({ controllers });
  const client = await RawClient.connect(port);
  client.send(get('/slow') + get('/quick') + 'rubbish\r\n\r\n');
  await started.opened;
  proceed.open();
  await client.until(/^HTTP\/1\.1 200 [^]*slowHTTP\/1\.1 200 [^]*quick$/);
  // What still comes is no reason to throw the answers away.
  await client.sendBlindly('x'.repeat(100_000));
  client.end();
  await client.closed;
  expect(client.received.match(/HTTP\/1\.1 \d/g)).toHaveLength(2);
});

describe('a client that is gone before the app gets to', () => {
  it.each([
    ['its JSON body', '/json', 'application/json', '"ab"'],
    ['its form', '/form', 'multipart/form-data; boundary=b', '--b--\r\n'],
    ['its other form', '/form', 'application/x-www-form-urlencoded', 'a=b'],
    ['sending a file', '/file', 'text/plain', 'none'],
  ])('%s leaves nothing behind', async (_what, path, type, body) => {
    @Controller()
    class Wire {
      @Post('/json') async json(@Body() body: string) {
        return body;
      }
      @Post('/form') async form(@Form('a') a: string) {
        return a;
      }
      @Post('/file') async file() {
        return file(fileURLToPath(import.meta.url));
      }
    }
    const [came, gone] = [gate(), gate()];
    const { app, log } = await makeApp({ controllers: [Wire] });
    app.use((request, response, next) => {
      response.once('close', () => {
        // The request closes after it.
        setImmediate(() => {
          next();
          gone.open();
        });
      });
      came.open();
    });
    const { port } = await app.listen({ port: 0 });
    const client = await RawClient.connect(port);
    client.send(
      ...[`POST ${path} HTTP/1.1`, 'Host: a', `Content-Type: ${type}`],
      ...[`Content-Length: ${body.length}`, '', body],
    );
    await came.opened;
    client.destroy();
    await gone.opened;
    // It would wait for the request for ever.
    await app.close({ grace: 2 ** 31 - 1 });
    expect(log.faults).toEqual([]);
  });

  it('makes a fault of its own that is no news', async () => {
    const [came, gone] = [gate(), gate()];
    @Controller()
    class Wire {
      @Post('/json') async json(@Body() body: string) {
        return body;
      }
      @Get('/query') async query(@Query('n') n: number) {
        return n;
      }
    }
    const { app, log } = await makeApp({ controllers: [Wire] });
    app.use((_request, response, next) => {
      response.once('close', () => {
        // The request closes after it.
        setImmediate(() => {
          next();
          gone.open();
        });
      });
      came.open();
    });
    const { port } = await app.listen({ port: 0 });
    const client = await RawClient.connect(port);
    client.send(get('/query?n=none'));
    await came.opened;
    client.destroy();
    await gone.opened;
    await app.close();
    expect(log.faults).toEqual([]);
  });
});

it('a body that did not wait for its 100 is read, and the connection goes on', async () => {
  @Controller()
  class Wire {
    @Post('/json') async json(@Body() body: string) {
      return body;
    }
  }
  const { app } = await makeApp({ controllers: [Wire] });
  const came = gate();
  app.use((request, _response, next) => {
    // Nobody has read it, and all of it is there.
    const look = () => {
      if (request.complete) next();
      else setImmediate(look);
    };
    look();
    came.open();
  });
  const { port } = await app.listen({ port: 0 });
  const client = await RawClient.connect(port);
  client.send(
    ...['POST /json HTTP/1.1', 'Host: a', 'Content-Type: application/json'],
    ...['Expect: 100-continue', 'Content-Length: 4', '', '"ab"'],
  );
  await client.until(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 [^]*ab$/);
  expect(client.received).not.toMatch(/connection: close/i);
  client.send(get('/'));
  await client.until(/HTTP\/1\.1 404 /);
});
