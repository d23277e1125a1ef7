/** The page at `/`: its files, the events that it draws, and the button that shows what turno is for. */
import { pbkdf2Sync } from 'node:crypto';
import { Controller, file, Get, Path, Post, sse } from '@turno/http-adapter';
import { Feed } from './feed.js';

const root = `${import.meta.dirname}/page`;

@Controller()
export class Page {
  constructor(private readonly feed: Feed) {}

  @Get('/') async page() {
    return file('index.html', { root });
  }

  @Get('/page/:name') async part(@Path('name') name: string) {
    return file(name, { root });
  }

  /** Server-sent events: each step as it starts and ends. */
  @Get('/events') async events(signal: AbortSignal) {
    return sse(this.feed.watch(signal));
  }

  /** What not to do: computes on the event loop, for about half a second. Without `async` it would not block. */
  @Post('/block') async block() {
    const started = performance.now();
    for (let burger = 1; burger <= 10; burger++) {
      pbkdf2Sync('beef', 'salt', 120_000, 64, 'sha512');
    }
    return { blocked: Math.round(performance.now() - started) };
  }
}
