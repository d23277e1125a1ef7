import { connect } from 'node:net';
import { createApp } from '@turno/http-adapter';
import { Controller, Get, RequestInfo, type TrustProxy } from '../src/index.js';
import { InfoInThread } from './fixtures/request-info.js';
import { closeAll, makeApp, serve } from './support.js';

afterEach(closeAll);

@Controller()
class Who {
  @Get('/who') async who(info: RequestInfo) {
    return info;
  }
}

interface Case {
  readonly trustProxy?: TrustProxy;
  readonly peer?: string;
  readonly headers?: Record<string, string>;
}

async function whoIs({ trustProxy, peer = '127.0.0.1', headers = {} }: Case) {
  const { app } = await makeApp({
    controllers: [Who],
    ...(trustProxy === undefined ? {} : { trustProxy }),
  });
  const sent = { host: 'inside:8000', ...headers };
  const response = await app.inject({ url: '/who', remoteAddress: peer, headers: sent });
  const { requestId, ...info } = response.json<RequestInfo>();
  expect(requestId).toBe(response.headers['x-request-id']);
  return info;
}

const forwarded = {
  'x-forwarded-for': '203.0.113.7, 10.0.0.2',
  'x-forwarded-proto': 'https',
  'x-forwarded-host': 'shop.example',
};
const direct = { clientAddress: '127.0.0.1', protocol: 'http', host: 'inside:8000' };
const outside = { clientAddress: '203.0.113.7', protocol: 'https', host: 'shop.example' };

it('nobody is trusted unless the app says so', async () => {
  expect(await whoIs({ headers: forwarded })).toEqual(direct);
  expect(await whoIs({ trustProxy: false, headers: forwarded })).toEqual(direct);
  expect(await whoIs({ trustProxy: 0, headers: forwarded })).toEqual(direct);
});

it('trusted proxies are skipped, from the server outwards', async () => {
  const trustProxy = ['loopback', '10.0.0.0/8'];
  expect(await whoIs({ trustProxy, headers: forwarded })).toEqual(outside);
  expect(await whoIs({ trustProxy: 'loopback', headers: forwarded })).toEqual({
    ...outside,
    clientAddress: '10.0.0.2',
  });
  expect(await whoIs({ trustProxy: 2, headers: forwarded })).toEqual(outside);
  expect(await whoIs({ trustProxy: 1, headers: forwarded })).toMatchObject({
    clientAddress: '10.0.0.2',
  });
});

it('what an untrusted peer says is not believed', async () => {
  const peer = '198.51.100.9';
  expect(await whoIs({ trustProxy: ['loopback'], peer, headers: forwarded })).toEqual({
    ...direct,
    clientAddress: peer,
  });
});

it('what a client has put before its own address is not believed', async () => {
  const headers = { ...forwarded, 'x-forwarded-for': `1.1.1.1, ${forwarded['x-forwarded-for']}` };
  expect(await whoIs({ trustProxy: ['loopback', '10.0.0.0/8'], headers })).toEqual(outside);
});

it('of several protocols and hosts the one of the nearest proxy counts', async () => {
  const headers = { 'x-forwarded-proto': 'https, http', 'x-forwarded-host': 'evil, shop.example' };
  expect(await whoIs({ trustProxy: 1, headers })).toEqual({
    ...direct,
    host: 'shop.example',
  });
});

it.each([
  ['x-forwarded-for', 'unknown'],
  ['x-forwarded-for', ''],
  ['x-forwarded-for', '<script>'],
  ['x-forwarded-proto', 'javascript'],
  ['x-forwarded-host', 'a/b'],
  ['x-forwarded-host', ''],
  ['forwarded', 'for=203.0.113.7;proto=https;host=shop.example'],
])('%s: %s is passed over', async (name, text) => {
  expect(await whoIs({ trustProxy: 1, headers: { [name]: text } })).toEqual(direct);
});

it.each([
  ['[2001:db8::1]:4711', '2001:db8::1'],
  ['2001:db8::1', '2001:db8::1'],
  ['203.0.113.7:4711', '203.0.113.7'],
  ['::ffff:203.0.113.7', '203.0.113.7'],
])('the address %s is %s', async (text, clientAddress) => {
  const headers = { 'x-forwarded-for': text };
  expect(await whoIs({ trustProxy: 1, headers })).toMatchObject({ clientAddress });
});

it('a peer of IPv4 on a socket of IPv6 has its IPv4 address', async () => {
  expect(await whoIs({ peer: '::ffff:127.0.0.1' })).toEqual(direct);
});

it('arrives in threads with its class', async () => {
  // The fixture, which threads import as well, has the class of the package.
  const options = { controllers: [InfoInThread], threads: { size: 1 }, logger: false } as const;
  await using app = await createApp(options);
  const response = await app.inject({ url: '/info', headers: { host: 'a' } });
  expect(response.json()).toEqual({ isInfo: true, clientAddress: '127.0.0.1', host: 'a' });
});

it('HTTP/1.0 without a Host has an empty one', async () => {
  const { port } = await serve({ controllers: [Who] });
  const socket = connect(port, '127.0.0.1');
  socket.write('GET /who HTTP/1.0\r\n\r\n');
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  expect(text).toMatch(
    /{"clientAddress":"127.0.0.1","protocol":"http","host":"","requestId":"[^"]+"}$/,
  );
});

it.each([[['10.0.0.0/99']], [['proxy.example']], [-1], [1.5], [true], [[1]], [{}]])(
  'the trustProxy %j is refused at start',
  async (trustProxy) => {
    await expect(
      makeApp({ controllers: [Who], trustProxy: trustProxy as TrustProxy }),
    ).rejects.toMatchObject({
      code: 'TURNO_OPTIONS',
      message: `createApp was given the \`trustProxy\` ${JSON.stringify(trustProxy)}. It is false, a number of proxies, or a list such as ['loopback', '10.0.0.0/8'].`,
    });
  },
);
