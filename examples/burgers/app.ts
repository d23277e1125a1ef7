/** The app, as the server and the tests use it. */
import { createApp, type App, type AppOptions } from '@turno/http-adapter';
import { Kitchen } from './kitchen.js';
import { Page } from './page.js';
import { Burgers, Health } from './routes.js';

export function createShop(options: Pick<AppOptions, 'logger' | 'threads'> = {}): Promise<App> {
  return createApp({ controllers: [Health, Burgers, Page], providers: [Kitchen], ...options });
}
