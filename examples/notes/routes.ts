/** The HTTP interface. No handler but `health` is async: all that uses the database is in threads. */
import { Inject } from '@turno/core';
import {
  Body,
  Controller,
  Delete,
  Depends,
  Get,
  Header,
  NotFound,
  Path,
  Post,
  PreconditionFailed,
  Put,
  Query,
  Reply,
} from '@turno/http-adapter';
import { LoggedIn } from './access.js';
import { etagOf, IfMatch, names } from './etag.js';
import { Draft, Wanted, type Note, type Page } from './note.js';
import { Notes } from './notes.js';
import { WritableNotes } from './storage.js';

@Controller()
export class Health {
  @Get('/health')
  async health(): Promise<{ status: 'ok' }> {
    return { status: 'ok' };
  }
}

@Depends(LoggedIn)
@Controller('/tags')
export class TagRoutes {
  @Get()
  list(notes: Notes) {
    return { tags: notes.tags() };
  }
}

@Depends(LoggedIn)
@Controller('/notes')
export class NoteRoutes {
  @Get()
  list(@Query(Wanted) wanted: Wanted, notes: Notes): Page {
    return notes.list(wanted);
  }

  @Get('/:id')
  one(
    @Path('id') id: number,
    notes: Notes,
    reply: Reply,
    @Header('if-none-match', { optional: true }) known?: string,
  ): Note | undefined {
    const note = found(notes, id);
    reply.header('etag', etagOf(note));
    if (known === undefined || !names(known, etagOf(note))) return note;
    reply.status(304);
    return undefined;
  }

  // Those who write run where the transaction is open: in the thread of the group `writer`.

  @Post('/', { status: 201, threads: 'writer' })
  add(@Body(Draft) draft: Draft, @Inject(WritableNotes) notes: Notes, reply: Reply): Note {
    const note = found(notes, notes.add(draft));
    reply.header('location', `/notes/${note.id}`).header('etag', etagOf(note));
    return note;
  }

  @Put('/:id', { threads: 'writer' })
  replace(
    @Path('id') id: number,
    @IfMatch() known: string,
    @Body(Draft) draft: Draft,
    @Inject(WritableNotes) notes: Notes,
    reply: Reply,
  ): Note {
    refuseOutdated(found(notes, id), known);
    notes.replace(id, draft);
    const note = found(notes, id);
    reply.header('etag', etagOf(note));
    return note;
  }

  @Delete('/:id', { threads: 'writer' })
  remove(
    @Path('id') id: number,
    @IfMatch() known: string,
    @Inject(WritableNotes) notes: Notes,
  ): void {
    refuseOutdated(found(notes, id), known);
    notes.remove(id);
  }
}

function found(notes: Notes, id: number): Note {
  const note = notes.find(id);
  if (note === undefined) throw new NotFound(`There is no note ${id}.`);
  return note;
}

/** Inside of the transaction, so that nobody changes the note between this and what follows. */
function refuseOutdated(note: Note, known: string): void {
  if (names(known, etagOf(note))) return;
  throw new PreconditionFailed(`Somebody has changed note ${note.id}. Get it again.`, {
    headers: { etag: etagOf(note) },
  });
}
