/** The end of a process that has much to do, and clients of every kind. */
import { Agent, get } from 'node:http';
import { RawClient } from './support.js';
import { killAll, patience, Server } from './server-process.js';

afterEach(() => {
  for (const client of RawClient.open.splice(0)) client.destroy();
  killAll();
});

it(
  'all requests in work are answered, on the loop and in threads, and the process ends with 0',
  async () => {
    const server = Server.start('load.ts');
    const [, digits] = await server.said(/listening {"url":"http:\/\/127\.0\.0\.1:(\d+)"}/);
    const port = Number(digits);
    const ask = async (path: string, isReading = true) => {
      const client = await RawClient.connect(port);
      if (!isReading) client.pause();
      client.send(`GET ${path} HTTP/1.1`, 'Host: a', '', '');
      return client;
    };
    const silent = await RawClient.connect(port);
    const slowReader = await ask('/large', false);
    const clients = await Promise.all(
      Array.from({ length: 100 }, (_, n) => ask(`${n % 2 === 0 ? '/loop' : '/thread'}?n=${n}`)),
    );

    // One that asks again and again, on one connection as long as it may.
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    let hasAsked = false;
    const busy = new Promise<void>((refused) => {
      const again = () => {
        get({ port, path: '/state', agent }, (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (more: string) => (text += more));
          response.on('end', () => {
            if (text === '50 on the loop, 50 in threads' && !hasAsked) {
              hasAsked = true;
              server.child.kill('SIGTERM');
            }
            again();
          });
        }).on('error', () => refused());
      };
      again();
    });

    const answers = await Promise.all(
      clients.map((client) => client.until(/^HTTP\/1\.1 200 [^]*connection: close[^]*\.$/i)),
    );
    expect(answers.map(([text]) => /\w+ \d+\.$/.exec(text)?.[0])).toEqual(
      clients.map((_, n) => `${n % 2 === 0 ? 'loop' : 'thread'} ${n}.`),
    );
    // It is told to leave, or its connection is ended between two requests; it cannot come back.
    await busy;
    expect(await server.exited).toEqual({ code: 0, signal: null });
    expect(server.output).toMatch(/^listening .*\nclosing {"signal":"SIGTERM"}\nclosed {}\n$/);
    slowReader.resume();
    await Promise.all([silent, slowReader].map(({ closed }) => closed));
    agent.destroy();
  },
  patience,
);
