/** What the tests of this package share: apps that are closed, logs that are kept, raw sockets. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createApp, type App, type AppOptions, type Logger } from '../src/index.js';

/** A promise that the test settles. */
export interface Gate {
  readonly opened: Promise<void>;
  open(): void;
}

export function gate(): Gate {
  let open!: () => void;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

export interface LogEntry {
  readonly level: keyof Logger;
  readonly fields: Record<string, unknown>;
  readonly message: string;
}

/** A logger that keeps what it is given. */
export class Log implements Logger {
  readonly entries: LogEntry[] = [];
  readonly error = this.#keep('error');
  readonly warn = this.#keep('warn');
  readonly info = this.#keep('info');

  /** What was logged as an error or a warning. */
  get faults(): LogEntry[] {
    return this.entries.filter(({ level }) => level !== 'info');
  }

  #keep(level: keyof Logger) {
    return (fields: object, message: string) => {
      this.entries.push({ level, fields: { ...fields }, message });
    };
  }
}

const open: App[] = [];

/** An app with a log of its own, closed after the test. */
export async function makeApp(options: AppOptions): Promise<{ app: App; log: Log }> {
  const log = new Log();
  const app = await createApp({ logger: log, ...options });
  open.push(app);
  return { app, log };
}

/** The same, listening on a free port of this machine. */
export async function serve(options: AppOptions) {
  const { app, log } = await makeApp(options);
  const { port, url } = await app.listen({ port: 0 });
  return { app, log, port, url };
}

/** To be called in each `afterEach`: closes what a failed test has left open, too. */
export async function closeAll(): Promise<void> {
  for (const client of RawClient.open.splice(0)) client.destroy();
  await Promise.all(open.splice(0).map((app) => app.close({ grace: 1000 })));
}

/** A connection on which a test writes bytes and waits for bytes. */
export class RawClient {
  static readonly open: RawClient[] = [];
  /** Everything that has arrived, as Latin-1. */
  received = '';
  readonly closed: Promise<unknown>;

  private constructor(private readonly socket: Socket) {
    RawClient.open.push(this);
    this.closed = new Promise((resolve) => socket.once('close', resolve));
    socket.setEncoding('latin1');
    socket.on('error', () => undefined);
    socket.on('data', (text: string) => {
      this.received += text;
    });
  }

  static async connect(port: number): Promise<RawClient> {
    const socket = connect({ port, host: '127.0.0.1' });
    await once(socket, 'connect');
    return new RawClient(socket);
  }

  send(...lines: readonly string[]): void {
    this.socket.write(lines.join('\r\n'), 'latin1');
  }

  /** Sends much, reading nothing meanwhile, as simple clients do; rejects when it cannot. */
  async sendBlindly(text: string): Promise<void> {
    this.socket.pause();
    await new Promise<void>((resolve, reject) => {
      this.socket.write(text, 'latin1', (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
    this.socket.resume();
  }

  /** Resolves when what has arrived matches; rejects when the connection ends before. */
  async until(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.received);
      if (match !== null) return match;
      const more = await Promise.race([
        once(this.socket, 'data').then(() => true),
        this.closed.then(() => false),
      ]);
      if (!more && pattern.exec(this.received) === null) {
        throw new Error(`Closed before ${String(pattern)} arrived; so far: ${this.received}`);
      }
    }
  }

  /** Reads nothing any more. */
  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  /** Ends its own side. */
  end(): void {
    this.socket.end();
  }

  destroy(): void {
    this.socket.destroy();
  }
}
