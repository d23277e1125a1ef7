/**
 * Drives the server hard, kills it and looks whether anything was lost: `npm run example -- notes drive`,
 * with the numbers of requests and clients behind it if they shall be others than 10,000 and 32.
 *
 * Each client has notes of its own, and knows what must come back. One note is everybody's: a counter,
 * which is only right in the end if no update was lost. When the last request has been answered, the
 * server is ended by `kill -9` with all others in work, and started again: all that a client was told to
 * be written has to be there.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { startExample } from '../support/run-example.js';
import type { Draft, Note, Page } from './note.js';

const [requests = 10_000, clients = 32] = process.argv
  .filter((each) => /^\d+$/.test(each))
  .map(Number);
const folder = mkdtempSync(join(tmpdir(), 'notes-drive-'));
const accessToken = 'cheese';

/** What was wrong, as a person would tell it. */
const problems: string[] = [];
const times: { readonly reads: number[]; readonly writes: number[] } = { reads: [], writes: [] };
let answered = 0;
/** The server was killed: requests in work fail, and whether they were done nobody knows. */
let killed = false;

class Killed extends Error {}

/** Without a log of its requests. */
function startServer() {
  const env = { NOTES_DB: join(folder, 'notes.db'), NOTES_TOKEN: accessToken, NODE_ENV: 'test' };
  return startExample('notes', env);
}

let server: Awaited<ReturnType<typeof startServer>> | undefined;
/** The note that all clients count in. */
let counter = 0;

function kill(): void {
  killed = true;
  void server?.end('SIGKILL');
}

function throwIfKilled(): void {
  if (killed) throw new Killed();
}

interface Answer<Body> {
  readonly status: number;
  readonly body: Body;
  readonly etag: string;
}

/** @throws Killed where there is no answer since the server is gone. */
async function send<Body = Note>(
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  path: string,
  { expected, etag = '', draft }: { expected: number; etag?: string; draft?: Draft },
): Promise<Answer<Body>> {
  throwIfKilled();
  const headers = new Headers({ authorization: `Bearer ${accessToken}` });
  if (etag !== '') headers.set('if-match', etag);
  if (draft !== undefined) headers.set('content-type', 'application/json');
  const start = performance.now();
  let status: number, text: string, tag: string;
  try {
    const body = draft === undefined ? null : JSON.stringify(draft);
    const response = await fetch(`${server?.url}${path}`, { method, headers, body });
    ({ status } = response);
    tag = response.headers.get('etag') ?? '';
    text = await response.text();
  } catch (error) {
    throwIfKilled();
    throw error;
  }
  times[method === 'GET' ? 'reads' : 'writes'].push(performance.now() - start);
  answered += 1;
  if (answered === requests) kill();
  const isOutdated = status === 412 && expected === 200 && method === 'PUT';
  if (status !== expected && !isOutdated) problems.push(`${method} ${path}: ${status} ${text}`);
  return { status, etag: tag, body: (text === '' ? undefined : JSON.parse(text)) as Body };
}

function expectEqual(what: string, got: unknown, expected: unknown): void {
  if (isDeepStrictEqual(got, expected)) return;
  problems.push(`${what}: ${JSON.stringify(got)} in the place of ${JSON.stringify(expected)}`);
}

/** The same sequence in each run (mulberry32). */
function randomOf(seed: number): (below: number) => number {
  return (below) => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4_294_967_296) * below);
  };
}

function draftOf(title: string, tags: string[] = []): Draft {
  return { title, text: `${title} has some words, as notes do.`, tags };
}

class Client {
  /** The tag of all its notes. */
  readonly #tag: string;
  readonly #random: (below: number) => number;
  /** Its notes as they are, oldest first; undefined for one that was deleted. */
  readonly #notes = new Map<number, Note | undefined>();
  /** What it was about to write when the server was killed. */
  #unsure: { readonly id?: number; readonly draft?: Draft } | undefined;
  #words = 0;
  writes = 0;
  counted = 0;
  /** Whether it does not know if its last count has counted. */
  unsureCount = false;

  constructor(number: number) {
    this.#tag = `client-${number}`;
    this.#random = randomOf(number);
  }

  async run(): Promise<void> {
    try {
      for (;;) await this.#act();
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
    }
  }

  async #act(): Promise<void> {
    const living = this.#living();
    const note = living[this.#random(living.length)];
    const dice = this.#random(100);
    if (note === undefined || dice < 25) return this.#add();
    if (dice < 50) return this.#read(note);
    if (dice < 60) return this.#list();
    if (dice < 70) return this.#search(note);
    if (dice < 80) return this.#replace(note);
    if (dice < 85) return this.#replaceOutdated(note);
    if (dice < 90) return this.#remove(note);
    return this.#count();
  }

  #living(): Note[] {
    return [...this.#notes.values()].filter((note) => note !== undefined);
  }

  /** A draft with a word that no other note has. */
  #draft(): Draft {
    this.#words += 1;
    return draftOf(`word${this.#tag.slice(7)}x${this.#words}`, [this.#tag]);
  }

  async #add(): Promise<void> {
    const draft = (this.#unsure = { draft: this.#draft() }).draft;
    const { body } = await send('POST', '/notes', { expected: 201, draft });
    this.#written(body.id, body);
    expectEqual('A new note', draftIn(body), draft);
  }

  async #read(note: Note): Promise<void> {
    expectEqual('A note', (await send('GET', `/notes/${note.id}`, { expected: 200 })).body, note);
  }

  async #list(): Promise<void> {
    const { body } = await send<Page>('GET', `/notes?tag=${this.#tag}`, { expected: 200 });
    expectEqual(`The notes of ${this.#tag}`, body.notes, this.#living().reverse().slice(0, 20));
  }

  async #search(note: Note): Promise<void> {
    const { body } = await send<Page>('GET', `/notes?q=${note.title}`, { expected: 200 });
    // The last word of a search may be the beginning of one.
    expectEqual(
      `What has ${note.title}`,
      body.notes.find(({ id }) => id === note.id),
      note,
    );
  }

  async #replace({ id, version }: Note): Promise<void> {
    const draft = this.#draft();
    this.#unsure = { id, draft };
    const { body } = await send('PUT', `/notes/${id}`, {
      expected: 200,
      etag: `"${version}"`,
      draft,
    });
    this.#written(id, body);
    expectEqual(
      'A changed note',
      { ...draftIn(body), version: body.version },
      { ...draft, version: version + 1 },
    );
  }

  async #replaceOutdated({ id, version }: Note): Promise<void> {
    const etag = `"${version - 1}"`;
    await send('PUT', `/notes/${id}`, { expected: 412, etag, draft: draftOf('lost') });
  }

  async #remove({ id, version }: Note): Promise<void> {
    this.#unsure = { id };
    await send('DELETE', `/notes/${id}`, { expected: 204, etag: `"${version}"` });
    this.#written(id, undefined);
  }

  /** Adds one to the note that all clients count in, unless somebody else comes first. */
  async #count(): Promise<void> {
    const { body, etag } = await send('GET', `/notes/${counter}`, { expected: 200 });
    const draft = draftOf(String(Number(body.title) + 1));
    this.unsureCount = true;
    const { status } = await send('PUT', `/notes/${counter}`, { expected: 200, etag, draft });
    this.unsureCount = false;
    if (status === 412) return;
    this.counted += 1;
    this.writes += 1;
  }

  #written(id: number, note: Note | undefined): void {
    this.#unsure = undefined;
    this.#notes.set(id, note);
    this.writes += 1;
  }

  /** Compares all its notes, page by page, and each that it has deleted. */
  async verify(): Promise<void> {
    const there = new Map<number, Note>();
    for (let before = ''; ;) {
      const { body } = await send<Page>('GET', `/notes?tag=${this.#tag}&limit=7${before}`, {
        expected: 200,
      });
      for (const note of body.notes) there.set(note.id, note);
      if (body.next === undefined) break;
      before = `&before=${body.next}`;
    }
    for (const [id, note] of this.#notes) {
      const found = there.get(id);
      there.delete(id);
      if (this.#unsure?.id === id && isDeepStrictEqual(found && draftIn(found), this.#unsure.draft))
        continue;
      expectEqual(`After the restart, note ${id}`, found, note);
    }
    for (const note of there.values())
      expectEqual('A note of nobody', draftIn(note), this.#unsure?.draft);
  }
}

function draftIn({ title, text, tags }: Note): Draft {
  return { title, text, tags };
}

const crowd = Array.from({ length: clients }, (_, index) => new Client(index + 1));
const sum = (of: (client: Client) => number) => crowd.reduce((total, each) => total + of(each), 0);

function median(numbers: number[]): string {
  return `${numbers.sort((a, b) => a - b)[numbers.length >> 1]?.toFixed(0) ?? '?'} ms`;
}

try {
  server = await startServer();
  ({ id: counter } = (await send('POST', '/notes', { expected: 201, draft: draftOf('0') })).body);
  const start = performance.now();
  await Promise.all(crowd.map((client) => client.run()));
  const seconds = (performance.now() - start) / 1_000;
  const { reads, writes } = { reads: median(times.reads), writes: median(times.writes) };
  const driven =
    `${answered} requests of ${clients} clients in ${seconds.toFixed(1)} s ` +
    `(median: reads ${reads}, writes ${writes})`;

  await server.end('SIGKILL');
  server = await startServer();
  killed = false;
  for (const client of crowd) await client.verify();
  const { body } = await send('GET', `/notes/${counter}`, { expected: 200 });
  const least = sum((each) => each.counted);
  const most = least + sum((each) => Number(each.unsureCount));
  if (Number(body.title) < least || Number(body.title) > most) {
    problems.push(`The counter says ${body.title}, not ${least} to ${most}`);
  }
  for (const problem of problems.slice(0, 20)) console.error(problem);
  const written = sum((client) => client.writes);
  console.log(
    `${driven}, then kill -9: ${written} acknowledged writes, ${problems.length} problems.`,
  );
  process.exitCode = problems.length === 0 ? 0 : 1;
} finally {
  await server?.end('SIGTERM');
  rmSync(folder, { recursive: true });
}
