/** The notes' HTTP interface, in-process and as the server that `npm run example -- notes` runs. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { App } from '@turno/http-adapter';
import Sqlite from 'better-sqlite3';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runExample, startExample } from '../support/run-example.js';
import { createNotes } from './app.js';
import type { Draft, Note, Page } from './note.js';

const authorization = 'Bearer cheese';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'notes-test-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

describe('the notes', () => {
  let app: App;
  /** The tag of the notes of one test. */
  let tag: string;
  let tests = 0;
  beforeAll(async () => {
    app = await createNotes('cheese', undefined, {
      logger: false,
      threads: { size: 1, groups: { writer: { size: 1 } } },
    });
  });
  afterAll(() => app.close());
  beforeEach(() => {
    tests += 1;
    tag = `test-${tests}`;
  });

  type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';
  async function send(method: Method, url: string, headers = {}, payload?: object) {
    const request = { method, url, headers: { authorization, ...headers } };
    const response = await app.inject(payload === undefined ? request : { ...request, payload });
    const { statusCode: status, headers: answered } = response;
    const body = response.body === '' ? undefined : response.json();
    return { status, body, etag: answered.etag, location: answered.location };
  }
  const add = async (title: string, rest: Partial<Draft> = {}): Promise<Note> =>
    (await send('POST', '/notes', {}, { title, tags: [tag], ...rest })).body;
  const titles = async (query: string) => {
    const { body } = await send('GET', `/notes?${query}`);
    return (body as Page).notes.map(({ title }) => title);
  };

  it('says how it is without a token, and nothing else', async () => {
    expect((await app.inject('/health')).json()).toEqual({ status: 'ok' });
    for (const url of ['/notes', '/notes/1', '/tags']) {
      for (const shown of [undefined, 'cheese', 'Bearer', 'Bearer chees', 'Basic cheese']) {
        const headers = shown === undefined ? {} : { authorization: shown };
        const response = await app.inject({ url, headers });
        expect(response.statusCode).toBe(401);
        expect(response.headers['www-authenticate']).toBe('Bearer');
      }
    }
    expect((await send('GET', '/notes', { authorization: 'bearer cheese' })).status).toBe(200);
  });

  it('asks for the token before it reads what else is wrong', async () => {
    const response = await app.inject({ method: 'PUT', url: '/notes/x', payload: '{' });
    expect(response.statusCode).toBe(401);
  });

  it('keeps a note, with its tags in order, each once', async () => {
    const draft = { title: ' Buns ', text: 'Ask the baker', tags: [tag, 'B', 'a', 'b'] };
    const { status, body, etag, location } = await send('POST', '/notes', {}, draft);
    expect({ status, etag }).toEqual({ status: 201, etag: '"1"' });
    const { id, created } = body as Note;
    expect(location).toBe(`/notes/${id}`);
    expect(body).toEqual({
      ...{ id, version: 1, created, changed: created },
      ...{ title: 'Buns', text: 'Ask the baker', tags: ['a', 'b', tag] },
    });
    expect(await send('GET', `/notes/${id}`)).toEqual({
      status: 200,
      body,
      etag,
      location: undefined,
    });
  });

  it.each([
    ['no title', {}, 'title'],
    ['a blank title', { title: '  ' }, 'title'],
    ['a long title', { title: 'x'.repeat(201) }, 'title'],
    ['a text that is none', { title: 'x', text: 1 }, 'text'],
    ['a tag with a blank', { title: 'x', tags: ['a b'] }, 'tags.0'],
    ['too many tags', { title: 'x', tags: Array.from({ length: 21 }, () => 'a') }, 'tags'],
    ['what notes do not have', { title: 'x', colour: 'red' }, ''],
  ])('refuses %s, and says where', async (_what, draft, path) => {
    const { status, body } = await send('POST', '/notes', {}, draft);
    expect(status).toBe(422);
    expect(body.errors).toMatchObject([{ location: 'body', path }]);
  });

  it('has a 404 for notes that are not there', async () => {
    const headers = { 'if-match': '*' };
    expect(await send('GET', '/notes/999999')).toMatchObject({ status: 404 });
    expect(await send('DELETE', '/notes/999999', headers)).toMatchObject({ status: 404 });
    expect(await send('PUT', '/notes/999999', headers, { title: 'x' })).toMatchObject({
      status: 404,
    });
  });

  it('sends a note that the client knows only once', async () => {
    const { id } = await add('known');
    const known = await send('GET', `/notes/${id}`, { 'if-none-match': '"0", "1"' });
    expect(known).toMatchObject({ status: 304, body: undefined, etag: '"1"' });
    expect((await send('GET', `/notes/${id}`, { 'if-none-match': '"2"' })).status).toBe(200);
  });

  it('changes a note for those who know how it is', async () => {
    const { id, created } = await add('old', { text: 'something' });
    const put = (headers: object) =>
      send('PUT', `/notes/${id}`, headers, { title: 'new', tags: ['x'] });
    expect((await put({})).status).toBe(428);
    const { status, etag, body } = await put({ 'if-match': '"1"' });
    expect({ status, etag }).toEqual({ status: 200, etag: '"2"' });
    expect(body).toMatchObject({ title: 'new', text: '', tags: ['x'], version: 2, created });
    expect(await put({ 'if-match': '"1"' })).toMatchObject({ status: 412, etag: '"2"' });
    expect((await send('GET', `/notes/${id}`)).body).toEqual(body);
  });

  it('lets one of many win who change the same version', async () => {
    const { id } = await add('contended');
    const puts = Array.from({ length: 10 }, (_, index) =>
      send('PUT', `/notes/${id}`, { 'if-match': '"1"' }, { title: `by ${index}` }),
    );
    const statuses = (await Promise.all(puts)).map(({ status }) => status).sort();
    expect(statuses).toEqual([200, ...Array.from({ length: 9 }, () => 412)]);
    expect((await send('GET', `/notes/${id}`)).body).toMatchObject({ version: 2 });
  });

  it('removes a note, its tags and its words', async () => {
    const { id } = await add('zucchini');
    expect((await send('DELETE', `/notes/${id}`)).status).toBe(428);
    expect((await send('DELETE', `/notes/${id}`, { 'if-match': '"2"' })).status).toBe(412);
    expect(await titles('q=zucchini')).toEqual(['zucchini']);
    expect((await send('DELETE', `/notes/${id}`, { 'if-match': '"1"' })).status).toBe(204);
    expect((await send('GET', `/notes/${id}`)).status).toBe(404);
    expect(await titles('q=zucchini')).toEqual([]);
    expect(await titles(`tag=${tag}`)).toEqual([]);
  });

  it('finds words in title and text, whatever their case and accents, and beginnings of the last', async () => {
    await add('Café', { text: 'with a red door' });
    await add('Door', { text: 'red as well' });
    const of = (q: string) => titles(`tag=${tag}&q=${encodeURIComponent(q)}`);
    expect(await of('cafe')).toEqual(['Café']);
    expect(await of('RED door')).toEqual(['Door', 'Café']);
    expect(await of('red do')).toEqual(['Door', 'Café']);
    expect(await of('re door')).toEqual([]);
    // What FTS5 would take for its own language, or for an error.
    expect(await of('red OR nothing')).toEqual([]);
    expect(await of('"red')).toEqual(['Door', 'Café']);
    expect(await of('title:red*')).toEqual([]);
  });

  it('finds a changed note by its new words only', async () => {
    const { id } = await add('aubergine');
    await send('PUT', `/notes/${id}`, { 'if-match': '*' }, { title: 'eggplant' });
    expect(await titles('q=aubergine')).toEqual([]);
    expect(await titles('q=eggplant')).toEqual(['eggplant']);
  });

  it('lists notes newest first, page by page', async () => {
    for (let number = 1; number <= 5; number++) await add(`${number}`);
    const pages: string[][] = [];
    let before = '';
    do {
      const { body } = await send('GET', `/notes?tag=${tag.toUpperCase()}&limit=2${before}`);
      pages.push((body as Page).notes.map(({ title }) => title));
      before = body.next === undefined ? '' : `&before=${body.next}`;
    } while (before !== '' && pages.length < 9);
    expect(pages).toEqual([['5', '4'], ['3', '2'], ['1']]);
  });

  it('says of each tag how many notes have it', async () => {
    await add('one');
    await add('two');
    const { body } = await send('GET', '/tags');
    expect(body.tags).toContainEqual({ tag, notes: 2 });
  });

  it.each(['limit=0', 'limit=101', 'limit=x', 'before=0', 'tag=a+b', 'q=', 'q=%21', 'page=2'])(
    'refuses the query %s',
    async (query) => {
      const { status, body } = await send('GET', `/notes?${query}`);
      expect(status).toBe(422);
      expect(body.errors).toMatchObject([{ location: 'query' }]);
    },
  );

  it('makes one trip to a thread for each request', async () => {
    const { id } = await add('trip');
    const { hops } = app.container.threads;
    await send('GET', `/notes/${id}`);
    await send('PUT', `/notes/${id}`, { 'if-match': '"1"' }, { title: 'trip' });
    expect(app.container.threads.hops - hops).toBe(2);
  });
});

describe('the file of the notes', () => {
  const inline = {
    logger: false,
    threads: { executor: 'inline', groups: { writer: {} } },
  } as const;
  const headers = { authorization };

  it('is as it was after a handler that fails in the middle of its work', async () => {
    const file = join(folder, 'notes.db');
    const app = await createNotes('cheese', file, inline);
    // Makes the statement fail that comes after the note was inserted.
    const database = new Sqlite(file);
    database.exec(`CREATE TRIGGER no_x BEFORE INSERT ON tags WHEN new.tag = 'x'
      BEGIN SELECT raise(ABORT, 'no x'); END`);
    database.close();
    const add = async (tags: string[]) => {
      const payload = { title: 'x', tags };
      return (await app.inject({ method: 'POST', url: '/notes', headers, payload })).statusCode;
    };
    expect(await add(['a', 'x'])).toBe(500);
    expect((await app.inject({ url: '/notes', headers })).json()).toEqual({ notes: [] });
    expect((await app.inject({ url: '/tags', headers })).json()).toEqual({ tags: [] });
    expect(await add(['a'])).toBe(201);
    await app.close();
  });

  it('keeps the notes when the app is closed, and is migrated once', async () => {
    const file = join(folder, 'notes.db');
    for (const expected of [1, 2]) {
      const app = await createNotes('cheese', file, inline);
      await app.inject({ method: 'POST', url: '/notes', headers, payload: { title: 'x' } });
      const { notes } = (await app.inject({ url: '/notes', headers })).json<Page>();
      expect(notes).toHaveLength(expected);
      await app.close();
      // The last connection that closes leaves one file.
      expect(existsSync(`${file}-wal`)).toBe(false);
    }
  });
});

it('starts as a server that prints its URL, and ends by a signal with code 0 and no temporary file', async () => {
  const { url, end } = await startExample('notes', { NOTES_TOKEN: 'cheese', TMPDIR: folder });
  const headers = { authorization, 'content-type': 'application/json' };
  const notes = `${url}/notes`;
  const added = await fetch(notes, { method: 'POST', headers, body: '{"title":"over a socket"}' });
  expect(added.status).toBe(201);
  const { notes: found } = (await (await fetch(notes, { headers })).json()) as Page;
  expect(found).toMatchObject([{ title: 'over a socket' }]);
  expect(await end()).toBe(0);
  expect(readdirSync(folder).filter((name) => name.startsWith('notes-'))).toEqual([]);
});

it('loses nothing that was acknowledged when it is killed under load', async () => {
  const { code, output } = await runExample(['notes', 'drive', '400', '16']);
  expect(output).toMatch(/^4\d\d requests of 16 clients .* acknowledged writes, 0 problems\.$/m);
  expect(code).toBe(0);
});
