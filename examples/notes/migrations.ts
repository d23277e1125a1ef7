/** The tables, as a list to which one only ever adds: a file remembers how many of it it has had. */
export const migrations: readonly string[] = [
  `CREATE TABLE notes (
     id INTEGER PRIMARY KEY AUTOINCREMENT, -- the id of a note that was deleted does not come again
     version INTEGER NOT NULL,
     title TEXT NOT NULL,
     text TEXT NOT NULL,
     created TEXT NOT NULL,
     changed TEXT NOT NULL
   ) STRICT`,

  `CREATE TABLE tags (
     note INTEGER NOT NULL REFERENCES notes ON DELETE CASCADE,
     tag TEXT NOT NULL,
     PRIMARY KEY (note, tag)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX notes_by_tag ON tags (tag, note)`,

  // The index for searching has no texts of its own, and follows the notes by triggers.
  `CREATE VIRTUAL TABLE words USING fts5 (
     title, text, content = notes, content_rowid = id, tokenize = 'unicode61 remove_diacritics 2'
   );
   CREATE TRIGGER note_added AFTER INSERT ON notes BEGIN
     INSERT INTO words (rowid, title, text) VALUES (new.id, new.title, new.text);
   END;
   CREATE TRIGGER note_removed AFTER DELETE ON notes BEGIN
     INSERT INTO words (words, rowid, title, text) VALUES ('delete', old.id, old.title, old.text);
   END;
   CREATE TRIGGER note_changed AFTER UPDATE ON notes BEGIN
     INSERT INTO words (words, rowid, title, text) VALUES ('delete', old.id, old.title, old.text);
     INSERT INTO words (rowid, title, text) VALUES (new.id, new.title, new.text);
   END`,
];
