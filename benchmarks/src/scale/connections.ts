/** Clients that keep connections open and ask nothing more. In a process of their own. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { warmUp } from '../http/closed-loop.js';

let sockets: Socket[] = [];

/** Asks a number of times, on connections that do not stay. */
export function ask(url: string, path: string, times: number): Promise<void> {
  return warmUp(url + path, 64, times);
}

/** Opens connections, asks once on each, and keeps them. */
export async function open(url: string, path: string, count: number): Promise<void> {
  const { port, hostname, host } = new URL(url);
  for (let opened = 0; opened < count; opened++) {
    const socket = connect(Number(port), hostname);
    // The server ends them at last.
    socket.on('error', () => undefined);
    socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    await once(socket, 'data');
    sockets.push(socket);
  }
}

export function close(): void {
  for (const socket of sockets) socket.destroy();
  sockets = [];
}
