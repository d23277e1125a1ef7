import { killAll, patience, Server } from './server-process.js';

afterEach(killAll);

const fixture = 'signal-server.ts';

it.each(['SIGINT', 'SIGTERM'] as const)(
  '%s lets the request in work end, closes what is open, and the process ends with 0',
  async (signal) => {
    const server = Server.start(fixture);
    const [, url] = await server.said(/ready (.*)\n/);
    const response = fetch(`${url}/slow`);
    await server.said(/in work/);
    server.child.kill(signal);
    await server.said(new RegExp(`closing {"signal":"${signal}"}`));
    server.child.stdin.write('go\n');
    expect(await (await response).text()).toBe('slow');
    server.child.stdin.end();
    expect(await server.exited).toEqual({ code: 0, signal: null });
    expect(server.output).toMatch(/database closed\nclosed/);
  },
  patience,
);

it(
  'a second signal ends the process at once',
  async () => {
    const server = Server.start(fixture);
    const [, url] = await server.said(/ready (.*)\n/);
    const response = fetch(`${url}/slow`).catch(() => 'cut off');
    await server.said(/in work/);
    server.child.kill('SIGINT');
    await server.said(/closing/);
    server.child.kill('SIGTERM');
    expect(await server.exited).toEqual({ code: 143, signal: null });
    expect(await response).toBe('cut off');
  },
  patience,
);

it(
  'the echo of a signal, which npm sends, is no second one',
  async () => {
    const server = Server.start(fixture, { ECHO: 'yes' });
    expect(await server.exited).toEqual({ code: 0, signal: null });
    expect(server.output).toMatch(/closing[^]*database closed\nclosed/);
  },
  patience,
);

it(
  'a teardown that fails is logged, and the exit code is 1',
  async () => {
    const server = Server.start(fixture, { TEARDOWN: 'fails' });
    await server.said(/ready/);
    server.child.kill('SIGTERM');
    expect(await server.exited).toEqual({ code: 1, signal: null });
    expect(server.output).toContain('closing failed');
  },
  patience,
);

it(
  'can be taken back',
  async () => {
    const server = Server.start(fixture, { STOP: 'yes' });
    await server.said(/ready/);
    server.child.kill('SIGTERM');
    expect(await server.exited).toEqual({ code: null, signal: 'SIGTERM' });
  },
  patience,
);
