import { pbkdf2Sync } from 'node:crypto';
import { Controller, createApp, Get, NotFound, Path, Query, serve } from '@turno/http-adapter';

const menu = new Map([[7, 'cheeseburger']]);

@Controller('/burgers')
class Burgers {
  @Get('/:id') // async: on the event loop
  async one(@Path('id') id: number) {
    const name = menu.get(id);
    if (name === undefined) throw new NotFound(`There is no burger ${id}.`);
    return { id, name };
  }

  @Get('/grill') // not async: in a worker thread, and the event loop is free meanwhile
  grill(@Query('patties', { default: 1 }) patties: number) {
    const key = pbkdf2Sync('beef', 'salt', patties * 100_000, 32, 'sha512');
    return { patties, taste: key.toString('hex') };
  }
}

const app = await createApp({ controllers: [Burgers] });
// Until SIGINT or SIGTERM: finishes what is in work, then ends with code 0.
await serve(app, { port: Number(process.env.PORT ?? 8000) });
