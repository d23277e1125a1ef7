/** The app, as the server and the tests use it. */
import { createApp, type App, type AppOptions } from '@turno/http-adapter';
import { Health, Page } from './routes.js';
import { Charts, render, Studio } from './studio.js';

/** @param options - in the place of these. */
export function createStudio(options: Partial<AppOptions> = {}): Promise<App> {
  return createApp({
    controllers: [Charts, Health, Page],
    providers: [Studio],
    // Two charts at a time, and no more than ten that wait: the eleventh is answered 503 at once.
    threads: { groups: { [render]: { size: 2, queue: 10 } } },
    bodyLimit: 100_000,
    ...options,
  });
}
