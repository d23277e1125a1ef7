/** Where notes are kept: a SQLite file, which each thread opens for itself. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Inject, Provides, token } from '@turno/core';
import Sqlite from 'better-sqlite3';
import { migrations } from './migrations.js';
import { Database, Notes } from './notes.js';

/** The path of the SQLite file. */
export const DatabaseFile = token<string>('DatabaseFile');
/** Who asks for it comes after the migrations. */
const Migrated = token('Migrated');
/** The notes, inside of a transaction that ends with the handler. */
export const WritableNotes = token<Notes>('WritableNotes');

export class Storage {
  /**
   * A singleton, so that it is made once, when the app starts, and what needs it waits. Without
   * `async`, so that a long migration does not stop the event loop.
   */
  @Provides(Migrated)
  migrate(@Inject(DatabaseFile) file: string): void {
    const database = new Sqlite(file);
    // Stays with the file: readers and the writer do not wait for each other.
    database.pragma('journal_mode = WAL');
    const migrate = database.transaction(() => {
      const done = database.pragma('user_version', { simple: true }) as number;
      for (const sql of migrations.slice(done)) database.exec(sql);
      database.pragma(`user_version = ${Math.max(done, migrations.length)}`);
    });
    // `immediate`: a second server that starts at the same time waits here, and finds it done.
    migrate.immediate();
    database.close();
  }

  /** One connection in each thread, opened when the thread first needs it, closed when it ends. */
  @Provides(Database, { scope: 'thread' })
  *connect(@Inject(DatabaseFile) file: string, @Inject(Migrated) _migrated: unknown) {
    const database = new Sqlite(file, { fileMustExist: true, timeout: 5_000 });
    // What a client was told to be written is on the disk, even if the power fails a moment later.
    database.pragma('synchronous = FULL');
    database.pragma('foreign_keys = ON');
    yield database;
    database.close();
  }

  /**
   * A transaction around the handler that asks for it, in the same trip to a thread: committed before
   * the answer is sent, rolled back if the handler throws. SQLite has one writer at a time; a group
   * that has one thread lets them queue up there instead of at the lock of the file, where they would
   * keep threads from reading.
   */
  @Provides(WritableNotes, { scope: 'call', threads: 'writer' })
  *transaction(@Inject(Database) database: Sqlite.Database, notes: Notes) {
    database.exec('BEGIN IMMEDIATE');
    try {
      yield notes;
      database.exec('COMMIT');
    } catch (error) {
      if (database.inTransaction) database.exec('ROLLBACK');
      throw error;
    }
  }
}

/** A file that is gone when the app has closed, for those who only want to try it. */
export class TemporaryFile {
  @Provides(DatabaseFile)
  async *file() {
    const folder = await mkdtemp(join(tmpdir(), 'notes-'));
    yield join(folder, 'notes.db');
    await rm(folder, { recursive: true });
  }
}
