/** The app, as the server and the tests use it. */
import { value } from '@turno/core';
import { createApp, type App, type AppOptions } from '@turno/http-adapter';
import { Access, AccessToken } from './access.js';
import { Versions } from './etag.js';
import { Health, Reading } from './reading.js';
import { DatabaseFile, Storage, TemporaryFile } from './storage.js';
import { Writing } from './writing.js';

/**
 * @param accessToken - what clients have to show.
 * @param file - path of the database, which is made if it is missing; by default a temporary one.
 */
export function createNotes(
  accessToken: string,
  file?: string,
  options: Pick<AppOptions, 'logger' | 'threads'> = {},
): Promise<App> {
  return createApp({
    controllers: [Health, Reading, Writing],
    providers: [
      Access,
      Storage,
      Versions,
      value(AccessToken, accessToken),
      file === undefined ? TemporaryFile : value(DatabaseFile, file),
    ],
    threads: { groups: { writer: { size: 1, queue: 1_000 } } },
    ...options,
  });
}
