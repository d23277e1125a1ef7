/** What is done with notes, as SQL: each statement is prepared once in each thread. */
import { Inject, Injectable, token } from '@turno/core';
import { NotFound } from '@turno/http-adapter';
import type Sqlite from 'better-sqlite3';
import type { Draft, Note, Page, Wanted } from './note.js';

/** The connection of the thread that asks for it. */
export const Database = token<Sqlite.Database>('Database');

/** `tags` are a JSON array. */
type Row = Omit<Note, 'tags'> & { readonly tags: string };
const columns = `id, version, title, text, created, changed,
  (SELECT json_group_array(tag ORDER BY tag) FROM tags WHERE note = id) AS tags`;

function prepare(database: Sqlite.Database) {
  return {
    get: database.prepare<[id: number], Row>(`SELECT ${columns} FROM notes WHERE id = ?`),
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
    tags: database.prepare('SELECT tag, count(*) AS notes FROM tags GROUP BY tag ORDER BY tag'),
  };
}

@Injectable({ scope: 'thread' })
export class Notes {
  readonly #sql;

  constructor(@Inject(Database) database: Sqlite.Database) {
    this.#sql = prepare(database);
  }

  /** @throws NotFound, which is answered 404. */
  get(id: number): Note {
    const row = this.#sql.get.get(id);
    if (row === undefined) throw new NotFound(`There is no note ${id}.`);
    return noteOf(row);
  }

  list({ q, tag, before, limit }: Wanted): Page {
    // One more than wanted tells whether there is another page.
    const query = { words: matchOf(q), tag: tag ?? null, before, limit: limit + 1 };
    const rows = this.#sql.list.all(query);
    const notes = rows.slice(0, limit).map(noteOf);
    return rows.length > limit ? { notes, next: notes.at(-1)!.id } : { notes };
  }

  /** Every tag, with the number of notes that have it. */
  tags() {
    return this.#sql.tags.all() as { tag: string; notes: number }[];
  }

  add({ title, text, tags }: Draft): Note {
    const { lastInsertRowid } = this.#sql.insert.run({ title, text, now: now() });
    return this.#tag(Number(lastInsertRowid), tags);
  }

  replace(id: number, { title, text, tags }: Draft): Note {
    this.#sql.update.run({ id, title, text, now: now() });
    this.#sql.untag.run(id);
    return this.#tag(id, tags);
  }

  remove(id: number): void {
    this.#sql.delete.run(id);
  }

  #tag(id: number, tags: readonly string[]): Note {
    for (const tag of tags) this.#sql.tag.run(id, tag);
    return this.get(id);
  }
}

const noteOf = ({ tags, ...row }: Row): Note => ({ ...row, tags: JSON.parse(tags) as string[] });

const now = () => new Date().toISOString();

/** Words become quoted strings, since FTS5 has a language of its own that could be wrong. */
function matchOf(q: string | undefined): string | null {
  const words = q?.match(/[\p{L}\p{N}]+/gu)?.map((word) => `"${word}"`);
  return words === undefined ? null : `${words.join(' ')}*`;
}
