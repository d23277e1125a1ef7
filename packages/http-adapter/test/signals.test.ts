import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const register = new URL('../../../register.mjs', import.meta.url).href;
const fixture = fileURLToPath(new URL('fixtures/signal-server.ts', import.meta.url));
const servers: Server[] = [];
/** A process has to start, compile and listen; in milliseconds. */
const patience = 30_000;

afterEach(() => {
  for (const { child } of servers.splice(0)) child.kill('SIGKILL');
});

/** A server process, and what it has said. */
class Server {
  output = '';
  readonly exited: Promise<{ code: number | null; signal: string | null }>;

  constructor(readonly child: ChildProcessWithoutNullStreams) {
    servers.push(this);
    const note = (text: Buffer) => {
      this.output += text.toString();
    };
    child.stdout.on('data', note);
    child.stderr.on('data', note);
    this.exited = once(child, 'close').then(([code, signal]) => ({
      code: code as number | null,
      signal: signal as string | null,
    }));
  }

  static start(env: Record<string, string> = {}): Server {
    const child = spawn(process.execPath, ['--import', register, fixture], {
      env: { ...process.env, ...env },
    });
    return new Server(child);
  }

  /** Resolves when it has said something that matches. */
  async said(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.output);
      if (match !== null) return match;
      await Promise.race([
        once(this.child.stdout, 'data'),
        this.exited.then(() => {
          throw new Error(`It ended without ${String(pattern)}: ${this.output}`);
        }),
      ]);
    }
  }
}

it.each(['SIGINT', 'SIGTERM'] as const)(
  '%s lets the request in work end, closes what is open, and the process ends with 0',
  async (signal) => {
    const server = Server.start();
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
    const server = Server.start();
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
    const server = Server.start({ ECHO: 'yes' });
    expect(await server.exited).toEqual({ code: 0, signal: null });
    expect(server.output).toMatch(/closing[^]*database closed\nclosed/);
  },
  patience,
);

it(
  'a teardown that fails is logged, and the exit code is 1',
  async () => {
    const server = Server.start({ TEARDOWN: 'fails' });
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
    const server = Server.start({ STOP: 'yes' });
    await server.said(/ready/);
    server.child.kill('SIGTERM');
    expect(await server.exited).toEqual({ code: null, signal: 'SIGTERM' });
  },
  patience,
);
