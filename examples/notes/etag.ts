/** Entity tags: by them a client says which version of a note it knows. */
import { Inject, Provides, token } from '@turno/core';
import { Header, HttpError, Path, PreconditionFailed } from '@turno/http-adapter';
import type { Note } from './note.js';
import type { Notes } from './notes.js';
import { WritableNotes } from './storage.js';

export const etagOf = ({ version }: Note) => `"${version}"`;

/** Whether an `If-Match` or `If-None-Match` header names the version that the note has. */
export function names(header: string, note: Note): boolean {
  return header.split(',').some((each) => ['*', etagOf(note)].includes(each.trim()));
}

/** The note of the path, for a client that has said that it knows it as it is. */
export const KnownNote = token<Note>('KnownNote');

export class Versions {
  /** Inside of the transaction: nobody changes the note between this and what the handler does. */
  @Provides(KnownNote, { scope: 'call', threads: 'writer' })
  known(
    @Path('id') id: number,
    @Header('if-match', { default: '' }) known: string,
    @Inject(WritableNotes) notes: Notes,
  ): Note {
    if (known === '') throw new HttpError(428, 'Send the ETag that you know as `If-Match`.');
    const note = notes.get(id);
    if (names(known, note)) return note;
    const headers = { etag: etagOf(note) };
    throw new PreconditionFailed(`Somebody has changed note ${id}. Get it again.`, { headers });
  }
}
