import { createServer, type AddressInfo } from 'node:net';
import { closeOnSignals, createApp, serve, type App } from '../src/index.js';
import { killAll, patience, Server } from './server-process.js';

afterEach(killAll);

const start = (env?: Record<string, string>) => Server.start('serve.ts', env);

it.each(['SIGINT', 'SIGTERM'] as const)(
  'at %s it closes the app, says so, and the process ends with 0',
  async (signal) => {
    const server = start();
    await server.said(/listening {"url":.*\nready/);
    server.child.kill(signal);
    expect(await server.exited).toEqual({ code: 0, signal: null });
    expect(server.output).toMatch(
      new RegExp(`closing {"signal":"${signal}"}\ndatabase closed\nclosed {}\n$`),
    );
  },
  patience,
);

it(
  'a second signal ends the process at once',
  async () => {
    const server = start();
    const [, url] = await server.said(/ready (.*)\n/);
    const response = fetch(`${url}/endless`).catch(() => 'cut off');
    await server.said(/in work/);
    server.child.kill('SIGTERM');
    await server.said(/closing/);
    server.child.kill('SIGINT');
    expect(await server.exited).toEqual({ code: 130, signal: null });
    expect(await response).toBe('cut off');
  },
  patience,
);

it(
  'what is in work after the grace does not keep the process',
  async () => {
    const server = start({ GRACE: '10' });
    const [, url] = await server.said(/ready (.*)\n/);
    const response = fetch(`${url}/endless`).catch(() => 'cut off');
    await server.said(/in work/);
    server.child.kill('SIGTERM');
    expect(await server.exited).toMatchObject({ signal: null });
    expect(await response).toBe('cut off');
    expect(server.output).toMatch(/database closed/);
  },
  patience,
);

it(
  'nor does what else is open',
  async () => {
    const server = start({ HELD: 'yes' });
    await server.said(/ready/);
    server.child.kill('SIGTERM');
    expect(await server.exited).toEqual({ code: 0, signal: null });
    expect(server.output).toMatch(/closed {}\nsomething keeps the process open/);
  },
  patience,
);

it(
  'a port that is in use is said in one line, and the process ends with 1',
  async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    try {
      const server = start({ PORT: String(port) });
      expect(await server.exited).toEqual({ code: 1, signal: null });
      const said = `The server cannot listen on 127.0.0.1:${port} (EADDRINUSE). Another program listens there: stop it, or choose another port (0 for a free one).`;
      expect(server.output.split('\n')[0]).toBe(`${said} {"code":"TURNO_LISTEN"}`);
      expect(server.output).toMatch(/database closed\nclosed {}\nno address\n$/);
      expect(server.output).not.toMatch(/^ +at /m);
    } finally {
      other.close();
    }
  },
  patience,
);

it(
  'without a logger it is said on stderr',
  async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    try {
      const server = start({ PORT: String(port), SILENT: 'yes' });
      let said = '';
      server.child.stderr.on('data', (text: Buffer) => (said += text.toString()));
      expect(await server.exited).toEqual({ code: 1, signal: null });
      expect(said).toBe(
        `The server cannot listen on 127.0.0.1:${port} (EADDRINUSE). Another program listens there: stop it, or choose another port (0 for a free one).\n`,
      );
    } finally {
      other.close();
    }
  },
  patience,
);

it(
  'an error that nobody catches is said on stderr without a logger',
  async () => {
    const server = start({ SILENT: 'yes' });
    const [, url] = await server.said(/ready (.*)\n/);
    await fetch(`${url}/throw`).catch(() => undefined);
    expect(await server.exited).toEqual({ code: 1, signal: null });
    expect(server.output).toMatch(/an error was not caught: Error: thrown\n +at /);
  },
  patience,
);

it(
  'an option that does not exist is said in one line, and the process ends with 1',
  async () => {
    const server = start({ MISSPELT: 'yes' });
    expect(await server.exited).toEqual({ code: 1, signal: null });
    expect(server.output.split('\n')[0]).toMatch(
      /^serve has no option "graec". Its options are port, .*, grace. {"code":"TURNO_OPTIONS"}$/,
    );
    expect(server.output).toMatch(/database closed\nclosed {}\nno address\n$/);
  },
  patience,
);

it('what is no app is refused, as the promise of one', async () => {
  const app: unknown = createApp({ controllers: [] });
  const refusal = 'serve was given a promise. Write serve(await createApp({ … })).';
  await expect(serve(app as App, { port: 0 })).rejects.toThrow(refusal);
  await expect(serve(undefined as never, { port: 0 })).rejects.toThrow(
    'serve was given a value of type undefined, which is no app.',
  );
  expect(() => closeOnSignals(app as App)).toThrow('closeOnSignals was given a promise.');
  await (await (app as Promise<App>)).close();
});

it.each([
  ['/throw', 'thrown', 'uncaughtException'],
  ['/reject', 'rejected', 'unhandledRejection'],
])(
  'an error of %s that nobody catches is logged, the app is closed, and the process ends with 1',
  async (path, message, origin) => {
    const server = start();
    const [, url] = await server.said(/ready (.*)\n/);
    await fetch(`${url}${path}`).catch(() => undefined);
    expect(await server.exited).toEqual({ code: 1, signal: null });
    expect(server.output).toContain(
      `an error was not caught {"err":"${message}","origin":"${origin}"}\nclosing {"origin":"${origin}"}\ndatabase closed\nclosed {}\n`,
    );
  },
  patience,
);

it(
  'a teardown that fails is logged, and the process ends with 1',
  async () => {
    const server = start({ TEARDOWN: 'fails' });
    await server.said(/ready/);
    server.child.kill('SIGTERM');
    expect(await server.exited).toEqual({ code: 1, signal: null });
    expect(server.output).toContain('closing failed {"err":"teardown"}');
  },
  patience,
);
