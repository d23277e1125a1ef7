import { Controller, file, Get, Post, redirect, Reply, sse } from '@turno/http-adapter';

@Controller('/menu')
export class Menu {
  @Post('/login')
  async login(reply: Reply) {
    reply.status(201).header('cache-control', 'no-store');
    reply.cookie('sid', 'secret', { httpOnly: true, secure: true, sameSite: 'lax' });
    return { welcome: true };
  }

  @Get('/old') async old() {
    return redirect('/menu', 308);
  }

  @Get('/card') async card() {
    return file('errors.ts', {
      root: import.meta.dirname,
      type: 'text/plain',
      download: 'card.txt',
    });
  }

  @Get('/export') async *export() {
    yield 'id,name\n'; // sent at once, and the next when the client has room for it
    yield '7,cheeseburger\n';
  }

  @Get('/events') async events(signal: AbortSignal) {
    return sse(orders(signal));
  }
}

async function* orders(signal: AbortSignal) {
  for (let id = 1; id <= 3 && !signal.aborted; id++)
    yield { id, event: 'order', data: { burgers: id } };
}
