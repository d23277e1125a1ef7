/** What a client that goes away sets free, in threads as well. */
import { createApp } from '@turno/http-adapter';
import { Busy } from './fixtures/busy.js';
import { closeAll, Log, RawClient } from './support.js';

afterEach(closeAll);

async function start() {
  const log = new Log();
  const app = await createApp({ controllers: [Busy], threads: { size: 1 }, logger: log });
  const { port, url } = await app.listen({ port: 0 });
  const ask = async (path: string) => {
    const client = await RawClient.connect(port);
    client.send(`GET ${path} HTTP/1.1`, 'Host: a', '', '');
    return client;
  };
  const thread = async () =>
    ((await (await fetch(`${url}/thread`)).json()) as { threadId: number }).threadId;
  return { app, log, ask, thread };
}

it('a handler in a thread that heeds its signal stops, and its thread lives on', async () => {
  const { app, log, ask, thread } = await start();
  const before = await thread();
  const [started, stopped] = [Busy.next('started'), Busy.next('stopped')];
  const client = await ask('/busy');
  await started;
  client.destroy();
  await stopped;
  expect(await thread()).toBe(before);
  await app.close();
  expect(app.container.threads.replaced).toBe(0);
  expect(log.faults).toEqual([]);
});

it('one that does not is ended with its thread, which is replaced', async () => {
  const { app, log, ask, thread } = await start();
  const before = await thread();
  const started = Busy.next('started');
  const client = await ask('/stubborn');
  await started;
  client.destroy();
  expect(await thread()).not.toBe(before);
  expect(app.container.threads.replaced).toBe(1);
  await app.close();
  expect(log.faults).toEqual([]);
});

it('one that still waits for a thread never runs', async () => {
  const { app, log, ask, thread } = await start();
  let hasRun = false;
  void Busy.next('marked').then(() => (hasRun = true));
  const [started, stopped] = [Busy.next('started'), Busy.next('stopped')];
  const first = await ask('/busy');
  await started;
  const queued = await ask('/mark');
  while (app.container.threads.queued === 0) await thenTurn();
  queued.destroy();
  while (app.container.threads.queued > 0) await thenTurn();
  first.destroy();
  await stopped;
  // What waited would have run before this.
  await thread();
  expect(hasRun).toBe(false);
  const marked = Busy.next('marked');
  await ask('/mark');
  await marked;
  await app.close();
  expect(log.faults).toEqual([]);
});

function thenTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
