/** The app, as the server and the tests use it. */
import { createApp, type App, type AppOptions } from '@turno/http-adapter';
import { Models } from './model.js';
import { Digits, Site } from './routes.js';

export function createClassifier(
  options: Pick<AppOptions, 'logger' | 'threads'> = {},
): Promise<App> {
  return createApp({ controllers: [Digits, Site], providers: [Models], ...options });
}
