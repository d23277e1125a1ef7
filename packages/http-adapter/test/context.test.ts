/** Context variables over HTTP: what a middleware sets is seen by handlers wherever they run. */
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createApp, type App } from '@turno/http-adapter';
import { traceparent, Traced, Traces } from './fixtures/context.js';

let app: App;
let server: Server;
let url: string;

/** As a middleware does it. */
const traced: RequestListener = (request, response) => {
  const { traceparent: header } = request.headers;
  traceparent.run(typeof header === 'string' ? header : undefined, () => {
    app.handler(request, response);
  });
};

beforeAll(async () => {
  app = await createApp({
    controllers: [Traced],
    providers: [Traces],
    threads: { size: 1 },
    logger: false,
  });
  server = createServer(traced).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/trace`;
});
afterAll(async () => {
  server.close();
  server.closeAllConnections();
  await app.close();
});

async function get(header: string | undefined): Promise<unknown> {
  const response = await fetch(
    url,
    header === undefined ? {} : { headers: { traceparent: header } },
  );
  return response.json();
}

it('a header reaches an async provider and a sync handler, each request its own', async () => {
  const headers = ['00-4bf9-01', undefined, '00-a3ce-00', '00-77aa-01', undefined];
  const answers = await Promise.all(headers.map(get));
  expect(answers).toEqual(headers.map((header) => ({ seen: [header ?? null, header ?? null] })));
  // On a connection that another request has used.
  expect(await get(undefined)).toEqual({ seen: [null, null] });
});

it('a header is seen behind a body that was read', async () => {
  const response = await fetch(url, {
    method: 'POST',
    headers: { traceparent: '00-4bf9-01', 'content-type': 'application/json' },
    body: JSON.stringify({ burgers: 2 }),
  });
  expect(await response.json()).toEqual({
    body: { burgers: 2 },
    seen: ['00-4bf9-01', '00-4bf9-01'],
  });
});

it('a header is set by a middleware', async () => {
  const options = { controllers: [Traced], providers: [Traces], threads: { size: 1 } };
  await using used = await createApp({ ...options, logger: false });
  used.use(({ headers }, _response, next) => {
    traceparent.run(String(headers.traceparent), () => next());
  });
  const ask = (header: string) => used.inject({ url: '/trace', headers: { traceparent: header } });
  const answers = await Promise.all(['00-4bf9-01', '00-a3ce-00'].map(ask));
  expect(answers.map((answer) => answer.json<object>())).toEqual([
    { seen: ['00-4bf9-01', '00-4bf9-01'] },
    { seen: ['00-a3ce-00', '00-a3ce-00'] },
  ]);
});

it('what is set around `inject` reaches them as well', async () => {
  const response = await traceparent.run('injected', () => app.inject('/trace'));
  expect(response.json()).toEqual({ seen: ['injected', 'injected'] });
});
