/** Clients that keep connections open and ask nothing more. In a process of their own. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

let sockets: Socket[] = [];

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
