/**
 * Apps as `support.ts` makes them, of the package as it is built: for fixtures that threads import,
 * which ask for its classes.
 */
import { createApp, type App, type AppOptions } from '@turno/http-adapter';
import { Log } from './support.js';

const open: App[] = [];

/** An app with a log of its own, closed by {@link closeBuilt}. */
export async function makeApp(options: AppOptions): Promise<{ app: App; log: Log }> {
  const log = new Log();
  const app = await createApp({ logger: log, ...options });
  open.push(app);
  return { app, log };
}

/** The same, listening on a free port of this machine. */
export async function serve(options: AppOptions) {
  const { app, log } = await makeApp(options);
  const { port, url } = await app.listen({ port: 0 });
  return { app, log, port, url };
}

/** To be called in each `afterEach`. */
export async function closeBuilt(): Promise<void> {
  await Promise.all(open.splice(0).map((app) => app.close({ grace: 1000 })));
}
