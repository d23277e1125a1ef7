/** Clients that stop reading their answer, whatever it is made of. */
import { once } from 'node:events';
import fs from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { Inject, Provides, token } from '@turno/core';
import { Controller, file, Get, sse } from '../src/index.js';
import { closeAll, gate, makeApp, RawClient, type Gate } from './support.js';

/** More than the system takes for a client that does not read. */
const size = 50_000_000;
const Session = token<string>('Session');
const piece = 'x'.repeat(100_000);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'turno-'));
  const handle = await open(join(folder, 'large'), 'w');
  await handle.truncate(size);
  await handle.close();
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(closeAll);

/** A route for each kind of answer. @param cancelled - is opened when the source has been ended. */
function everyKind(cancelled: Gate, disposed: Gate) {
  class Resources {
    @Provides(Session, { scope: 'request' }) async *session() {
      try {
        yield 'open';
      } finally {
        disposed.open();
      }
    }
  }
  async function* pieces() {
    try {
      for (;;) yield piece;
    } finally {
      cancelled.open();
    }
  }
  @Controller()
  class Kinds {
    @Get('/bytes') async bytes(@Inject(Session) _session: string) {
      cancelled.open();
      return new Uint8Array(size);
    }
    @Get('/generator') async *generator(@Inject(Session) _session: string) {
      yield* pieces();
    }
    @Get('/node-stream') async nodeStream(@Inject(Session) _session: string) {
      return new Readable({
        read() {
          this.push(piece);
        },
        destroy(error, done) {
          cancelled.open();
          done(error);
        },
      });
    }
    @Get('/web-stream') async webStream(@Inject(Session) _session: string) {
      return new ReadableStream({
        pull: (controller) => controller.enqueue(Buffer.from(piece)),
        cancel: () => cancelled.open(),
      });
    }
    @Get('/response') async response(@Inject(Session) _session: string) {
      return new Response(ReadableStream.from(pieces()).pipeThrough(new TextEncoderStream()));
    }
    @Get('/events') async events(@Inject(Session) _session: string) {
      return sse(pieces(), { keepAlive: 1 });
    }
    @Get('/file') async file(@Inject(Session) _session: string) {
      return file('large', { root: folder });
    }
    // Not async: in a thread, where it is collected.
    @Get('/thread') *thread(@Inject(Session) _session: string) {
      try {
        for (let sent = 0; sent < size; sent += piece.length) yield piece;
      } finally {
        cancelled.open();
      }
    }
  }
  return { controllers: [Kinds], providers: [Resources] };
}

/** Tells of the first file that is read from now on. */
function nextFile(closed: Gate) {
  const { createReadStream } = fs;
  fs.createReadStream = (...given) => {
    fs.createReadStream = createReadStream;
    const stream = createReadStream(...given);
    void once(stream, 'close').then(closed.open);
    return stream;
  };
}

it.each([
  'bytes',
  'generator',
  'node-stream',
  'web-stream',
  'response',
  'events',
  'file',
  'thread',
])('an answer of the kind %s is cut off, its source ended, its scope too', async (kind) => {
  const [cancelled, disposed] = [gate(), gate()];
  const { app, log } = await makeApp({
    ...everyKind(cancelled, disposed),
    threads: { executor: 'inline' },
    logRequests: true,
  });
  if (kind === 'file') nextFile(cancelled);
  const { port } = await app.listen({ port: 0, writeTimeout: 50 });
  const client = await RawClient.connect(port);
  client.pause();
  client.send(`GET /${kind} HTTP/1.1`, 'Host: a', '', '');
  await Promise.all([cancelled.opened, disposed.opened]);
  client.resume();
  await client.closed;
  expect(client.received).toMatch(/^HTTP\/1\.1 200 OK/);
  expect(client.received).not.toMatch(/\r\n0\r\n\r\n$/);
  expect(client.received.length).toBeLessThan(size);
  await app.close();
  expect(log.faults).toEqual([]);
  expect(log.entries.filter(({ message }) => message === 'request')).toMatchObject([
    { fields: { url: `/${kind}`, status: 200, aborted: true } },
  ]);
});
