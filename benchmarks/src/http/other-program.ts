/** Servers that are no modules of Node: starts one, and waits until it listens. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, connect, type AddressInfo } from 'node:net';
import type { Server } from './server.js';

/** @returns a port that was free a moment ago: these programs cannot say which one they have taken. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/**
 * @param argumentsFor - the arguments of the program that shall listen at a port.
 * @throws Error if it does not listen within 20 seconds.
 */
export async function startProgram(
  program: string,
  argumentsFor: (port: string) => readonly string[],
  cwd?: string,
): Promise<Server> {
  const port = await freePort();
  const child = spawn(program, argumentsFor(String(port)), {
    cwd,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  process.once('exit', () => child.kill('SIGKILL'));
  await once(child, 'spawn');
  const end = Date.now() + 20_000;
  while (!(await accepts(port))) {
    if (Date.now() > end || child.exitCode !== null) throw new Error(`${program} does not listen.`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { url: `http://127.0.0.1:${port}`, pid: child.pid! };
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
