/** What is done with notes, as SQL: each statement is prepared once in each thread. */
import { Inject, Injectable, token } from '@turno/core';
import type Sqlite from 'better-sqlite3';
import type { Draft, Note, Page, Wanted } from './note.js';

/** The connection of the thread that asks for it. */
export const Database = token<Sqlite.Database>('Database');

const columns = `
  id, version, title, text, created, changed,
  (SELECT json_group_array(tag) FROM (SELECT tag FROM tags WHERE note = id ORDER BY tag)) AS tags`;

interface Row extends Omit<Note, 'tags'> {
  /** A JSON array. */
  readonly tags: string;
}

function prepare(database: Sqlite.Database) {
  return {
    find: database.prepare<[id: number], Row>(`SELECT ${columns} FROM notes WHERE id = ?`),
    list: database.prepare<[object], Row>(`
      SELECT ${columns} FROM notes
      WHERE id < :before
        AND (:tag IS NULL OR id IN (SELECT note FROM tags WHERE tag = :tag))
        AND (:words IS NULL OR id IN (SELECT rowid FROM words WHERE words MATCH :words))
      ORDER BY id DESC LIMIT :limit`),
    insert: database.prepare<[object]>(`
      INSERT INTO notes (version, title, text, created, changed)
      VALUES (1, :title, :text, :now, :now)`),
    update: database.prepare<[object]>(`
      UPDATE notes SET version = version + 1, title = :title, text = :text, changed = :now
      WHERE id = :id`),
    delete: database.prepare<[id: number]>('DELETE FROM notes WHERE id = ?'),
    tag: database.prepare<[note: number, tag: string]>('INSERT INTO tags VALUES (?, ?)'),
    untag: database.prepare<[note: number]>('DELETE FROM tags WHERE note = ?'),
    tags: database.prepare<[], { tag: string; notes: number }>(
      'SELECT tag, count(*) AS notes FROM tags GROUP BY tag ORDER BY tag',
    ),
  };
}

@Injectable({ scope: 'thread' })
export class Notes {
  readonly #sql;

  constructor(@Inject(Database) database: Sqlite.Database) {
    this.#sql = prepare(database);
  }

  find(id: number): Note | undefined {
    const row = this.#sql.find.get(id);
    return row === undefined ? undefined : noteOf(row);
  }

  list({ q, tag, before, limit }: Wanted): Page {
    const words = q === undefined ? null : matchOf(q);
    // One more than wanted tells whether there is another page.
    const rows = this.#sql.list.all({ words, tag: tag ?? null, before, limit: limit + 1 });
    const notes = rows.slice(0, limit).map(noteOf);
    const last = notes.at(-1);
    return rows.length > limit && last !== undefined ? { notes, next: last.id } : { notes };
  }

  /** Every tag, with the number of notes that have it. */
  tags(): readonly { readonly tag: string; readonly notes: number }[] {
    return this.#sql.tags.all();
  }

  /** @returns the id of the new note. */
  add({ title, text, tags }: Draft): number {
    const id = Number(this.#sql.insert.run({ title, text, now: now() }).lastInsertRowid);
    for (const tag of tags) this.#sql.tag.run(id, tag);
    return id;
  }

  replace(id: number, { title, text, tags }: Draft): void {
    this.#sql.update.run({ id, title, text, now: now() });
    this.#sql.untag.run(id);
    for (const tag of tags) this.#sql.tag.run(id, tag);
  }

  remove(id: number): void {
    this.#sql.delete.run(id);
  }
}

function noteOf({ tags, ...row }: Row): Note {
  return { ...row, tags: JSON.parse(tags) as string[] };
}

function now(): string {
  return new Date().toISOString();
}

/** Words become quoted strings, since FTS5 has a language of its own that could be wrong. */
function matchOf(q: string): string {
  const words = q.match(/[\p{L}\p{N}]+/gu) ?? [];
  return `${words.map((word) => `"${word}"`).join(' ')}*`;
}
