/** Scope `thread` with what it is for: a connection of a synchronous driver, a compiled template. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Container, value } from '@turno/core';
import { SharedCells } from './fixtures/cells.js';
import * as fixture from './fixtures/notes.js';

let folder: string;
let counts: SharedCells;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'turno-notes-'));
  counts = new SharedCells();
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function create(size: number, file = join(folder, 'notes.db')): Promise<Container> {
  return Container.create({
    providers: [
      fixture.Store,
      fixture.Pages,
      value(fixture.File, file),
      value(fixture.Counts, counts),
    ],
    scopeValues: [fixture.Text],
    threads: { size },
  });
}

describe('a connection of each thread to a SQLite file', () => {
  it('serves all requests that its thread gets, and is closed when the thread ends', async () => {
    fixture.migrate(join(folder, 'notes.db'));
    const container = await create(2);
    const texts = Array.from(
      { length: 40 },
      (_, index) => `note ${String(index).padStart(2, '0')}`,
    );
    const saved = texts.map((text) =>
      container.run((scope) => scope.resolve(fixture.Saved), [value(fixture.Text, text)]),
    );
    expect(await Promise.all(saved)).toEqual(texts.map(() => 1));
    const listed = await container.run((scope) => scope.resolve(fixture.Listed));
    expect(listed.map(({ text }) => text)).toEqual(texts);
    const threads = new Set(listed.map(({ thread }) => thread));
    expect(counts.get(0)).toBe(threads.size);
    expect(counts.get(1)).toBe(0);
    await container.dispose();
    expect(counts.get(1)).toBe(counts.get(0));
  });

  it('that could not be opened is tried again by the next request', async () => {
    const file = join(folder, 'later', 'notes.db');
    const container = await create(1, file);
    const save = () =>
      container.run((scope) => scope.resolve(fixture.Saved), [value(fixture.Text, 'note')]);
    await expect(save()).rejects.toThrow('directory does not exist');
    mkdirSync(join(folder, 'later'));
    fixture.migrate(file);
    expect(await save()).toBe(1);
    expect(counts.get(0)).toBe(1);
    await container.dispose();
  });
});

it('a template is compiled once in each thread', async () => {
  const container = await create(1);
  for (const text of ['a < b', 'c']) {
    const rendered = container.run(
      (scope) => scope.resolve(fixture.Rendered),
      [value(fixture.Text, text)],
    );
    expect(await rendered).toBe(`<p>${text.replace('<', '&lt;')}</p>`);
  }
  expect(counts.get(2)).toBe(1);
  await container.dispose();
});
