import { Injectable, Portable } from '@turno/core';
import { Catch, Controller, Get, NotFound, Reply } from '@turno/http-adapter';

@Portable() // keeps its class on the way out of a thread
export class SoldOut extends Error {
  constructor(readonly what: string) {
    super(`${what} is sold out`);
  }
}

@Injectable()
export class Suggestions {
  insteadOf(what: string) {
    return what === 'beef' ? 'halloumi' : 'beef';
  }
}

export class Errors {
  @Catch(SoldOut)
  async soldOut(error: SoldOut, suggestions: Suggestions, reply: Reply) {
    reply.status(409);
    return { sorry: error.message, try: suggestions.insteadOf(error.what) };
  }

  @Catch(NotFound) // also where there is no route
  async notFound() {
    return 'There is nothing here.';
  }
}

@Controller('/grill')
export class Grill {
  @Get('/beef') async beef() {
    throw new SoldOut('beef');
  }
}
