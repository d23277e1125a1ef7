/** What is written, by the one thread of the group `writer`, where the transaction is open. */
import { Inject } from '@turno/core';
import { Body, Controller, Delete, Depends, Post, Put, Reply } from '@turno/http-adapter';
import { LoggedIn } from './access.js';
import { etagOf, KnownNote } from './etag.js';
import { Draft, type Note } from './note.js';
import type { Notes } from './notes.js';
import { WritableNotes } from './storage.js';

@Depends(LoggedIn)
@Controller('/notes')
export class Writing {
  @Post('/', { status: 201, threads: 'writer' })
  add(@Body(Draft) draft: Draft, @Inject(WritableNotes) notes: Notes, reply: Reply): Note {
    const note = notes.add(draft);
    reply.header('location', `/notes/${note.id}`).header('etag', etagOf(note));
    return note;
  }

  @Put('/:id', { threads: 'writer' })
  replace(
    @Inject(KnownNote) { id }: Note,
    @Body(Draft) draft: Draft,
    @Inject(WritableNotes) notes: Notes,
    reply: Reply,
  ): Note {
    const note = notes.replace(id, draft);
    reply.header('etag', etagOf(note));
    return note;
  }

  @Delete('/:id', { threads: 'writer' })
  remove(@Inject(KnownNote) { id }: Note, @Inject(WritableNotes) notes: Notes): void {
    notes.remove(id);
  }
}
