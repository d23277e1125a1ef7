/** A server in a process of its own, for tests of how processes end. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const register = new URL('../../../register.mjs', import.meta.url).href;
const servers: Server[] = [];

/** A process has to start, compile and listen; in milliseconds. */
export const patience = 30_000;

/** To be called in each `afterEach`. */
export function killAll(): void {
  for (const { child } of servers.splice(0)) child.kill('SIGKILL');
}

/** A server process, and what it has said. */
export class Server {
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

  /** @param fixture - name of a file in `fixtures/`. */
  static start(fixture: string, env: Record<string, string> = {}): Server {
    const path = fileURLToPath(new URL(`fixtures/${fixture}`, import.meta.url));
    const child = spawn(process.execPath, ['--import', register, path], {
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
