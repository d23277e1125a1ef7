/** What is read, by all threads at the same time. Only `health` is async: it does not need the database. */
import { Controller, Depends, Get, Header, Path, Query, Reply } from '@turno/http-adapter';
import { LoggedIn } from './access.js';
import { etagOf, names } from './etag.js';
import { Wanted, type Note, type Page } from './note.js';
import { Notes } from './notes.js';

@Controller()
export class Health {
  @Get('/health') async health() {
    return { status: 'ok' };
  }
}

@Depends(LoggedIn)
@Controller()
export class Reading {
  @Get('/tags') tags(notes: Notes) {
    return { tags: notes.tags() };
  }

  @Get('/notes') list(@Query(Wanted) wanted: Wanted, notes: Notes): Page {
    return notes.list(wanted);
  }

  @Get('/notes/:id')
  one(
    @Path('id') id: number,
    @Header('if-none-match', { default: '' }) known: string,
    notes: Notes,
    reply: Reply,
  ): Note | undefined {
    const note = notes.get(id);
    reply.header('etag', etagOf(note));
    if (!names(known, note)) return note;
    reply.status(304);
    return undefined;
  }
}
