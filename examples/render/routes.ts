/** What is served on the event loop, however busy the studio is. */
import { Container } from '@turno/core';
import { Controller, file, Get, Path } from '@turno/http-adapter';
import { render } from './studio.js';

const root = `${import.meta.dirname}/page`;

@Controller()
export class Health {
  constructor(private readonly container: Container) {}

  @Get('/health') async health() {
    const { busy, queued } = this.container.threads.groups[render] ?? { busy: 0, queued: 0 };
    return { status: 'ok', drawing: busy, waiting: queued };
  }
}

@Controller()
export class Page {
  @Get('/') async page() {
    return file('index.html', { root });
  }

  @Get('/page/:name') async part(@Path('name') name: string) {
    return file(name, { root });
  }
}
