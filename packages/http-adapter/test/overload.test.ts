/** More than an app can take: of work, of connections, and at its end. */
import { Agent, get } from 'node:http';
import { createApp as createBuiltApp } from '@turno/http-adapter';
import { Controller, Get } from '../src/index.js';
import { Busy } from './fixtures/busy.js';
import { closeAll, gate, makeApp, RawClient, serve } from './support.js';

afterEach(closeAll);

it('when the queue of the threads is full, a route in threads is a 503, and others are served', async () => {
  await using app = await createBuiltApp({
    controllers: [Busy],
    threads: { size: 1, queue: 0 },
    logger: false,
  });
  const { port, url } = await app.listen({ port: 0 });
  const started = Busy.next('started');
  const client = await RawClient.connect(port);
  client.send('GET /busy HTTP/1.1', 'Host: a', '', '');
  await started;
  const refused = await fetch(`${url}/thread`);
  expect(refused.status).toBe(503);
  expect(refused.headers.get('retry-after')).toBe('1');
  expect(refused.headers.get('content-type')).toBe('application/problem+json');
  expect(await (await fetch(`${url}/loop`)).text()).toBe('loop');
  client.destroy();
});

it('connections beyond the limit are closed at once, and there is room again later', async () => {
  @Controller()
  class Hello {
    @Get('/') async hello() {
      return 'hello';
    }
  }
  const { app, log } = await makeApp({ controllers: [Hello] });
  const { port } = await app.listen({ port: 0, maxConnections: 1 });
  const first = await RawClient.connect(port);
  first.send('GET / HTTP/1.1', 'Host: a', '', '');
  await first.until(/hello$/);
  const second = await RawClient.connect(port);
  await second.closed;
  expect(second.received).toBe('');
  expect(log.faults).toMatchObject([
    { level: 'warn', fields: { maxConnections: 1 }, message: 'connections are refused' },
  ]);
  first.send('GET / HTTP/1.1', 'Host: a', 'Connection: close', '', '');
  await first.closed;
  const third = await RawClient.connect(port);
  third.send('GET / HTTP/1.1', 'Host: a', '', '');
  await third.until(/hello$/);
});

it('at its end all requests in work are answered, whatever other clients do', async () => {
  const count = 100;
  const all = gate();
  const proceed = gate();
  let started = 0;
  @Controller()
  class Mixed {
    @Get('/slow') async slow() {
      if (++started === count) all.open();
      await proceed.opened;
      return 'slow';
    }
    @Get('/quick') async quick() {
      return 'quick';
    }
    @Get('/large') async large() {
      return 'x'.repeat(50_000_000);
    }
  }
  const { app, port, log } = await serve({ controllers: [Mixed] });
  const silent = await RawClient.connect(port);
  const slowReader = await RawClient.connect(port);
  slowReader.pause();
  slowReader.send('GET /large HTTP/1.1', 'Host: a', '', '');

  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const ended = gate();
  let hasClosed = false;
  const ask = () => {
    get({ port, path: '/quick', agent }, (response) => {
      hasClosed ||= response.headers.connection === 'close';
      response.resume().on('end', ask);
    }).on('error', () => ended.open());
  };
  ask();

  const waiting = await Promise.all(
    Array.from({ length: count }, async () => {
      const client = await RawClient.connect(port);
      client.send('GET /slow HTTP/1.1', 'Host: a', '', '');
      return client;
    }),
  );
  await all.opened;
  const closed = app.close({ grace: 2000 });
  // The busy client is told to leave, and cannot come back.
  await ended.opened;
  expect(hasClosed).toBe(true);
  proceed.open();
  await Promise.all(
    waiting.map((client) => client.until(/^HTTP\/1\.1 200 [^]*connection: close[^]*slow$/i)),
  );
  await closed;
  slowReader.resume();
  await Promise.all([silent.closed, slowReader.closed]);
  agent.destroy();
  expect(log.faults).toEqual([]);
});
