/** Runs an app as the program of its process, from listening to the exit code. */
import type { App } from './app.js';
import { checkGrace, type CloseOptions } from './close-options.js';
import { ListenError, OptionsError } from './errors.js';
import { lastWords } from './logger.js';
import { refuseNonApp, refuseUnknownOptions } from './misuse.js';
import { listenNames, type Address, type ListenOptions } from './server.js';
import { closeAndTell, onSignals } from './signals.js';

/** Where to listen, with which limits, and how long requests in work may take at the end. */
export interface ServeOptions extends ListenOptions, CloseOptions {}

/**
 * How long what else keeps the process open may do so after the app has closed, in milliseconds: a
 * forgotten timer must not keep a container from being replaced.
 */
const patience = 1000;

/**
 * Listens, and closes the app at SIGINT, SIGTERM or an error that nobody has caught; the process then
 * ends. Exit code: 0; 1 when it could not listen, closing failed, or an error was not caught; 130 or
 * 143 when a second signal ended it at once. What ends it with 1 is logged; where the app has no logger, it
 * is written to stderr.
 * @returns where it listens; undefined when it could not.
 * @throws OptionsError for what is no app.
 */
export async function serve(
  app: App,
  // JavaScript may leave them out.
  options: ServeOptions | undefined,
): Promise<Address | undefined> {
  refuseNonApp('serve', app);
  const { grace, ...where } = options ?? ({} as ServeOptions);
  const tell = lastWords(app.log);
  let ending: Promise<void> | undefined;
  const end = (why: object, code: number) => {
    if (code !== 0) process.exitCode = code;
    return (ending ??= close(why));
  };
  const close = async (why: object) => {
    await closeAndTell(app, typeof grace === 'number' ? { grace } : {}, why);
    stop();
    setTimeout(() => {
      app.log.warn({}, 'something keeps the process open: it is ended');
      process.exit();
    }, patience).unref();
  };
  // A rejection that nobody handles comes here, too.
  const onUncaught = (err: unknown, origin: string) => {
    tell({ err, origin }, 'an error was not caught');
    void end({ origin }, 1);
  };
  const stopListening = onSignals((signal) => end({ signal }, 0));
  const stop = () => {
    stopListening();
    process.off('uncaughtException', onUncaught);
  };
  process.on('uncaughtException', onUncaught);
  try {
    refuseUnknownOptions('serve', options ?? {}, [...listenNames, 'grace']);
    checkGrace('serve', options ?? {});
    return await app.listen(where);
  } catch (error) {
    // The message says it all; a stack would hide it.
    if (error instanceof ListenError || error instanceof OptionsError)
      tell({ code: error.code }, error.message);
    else tell({ err: error }, 'the app cannot listen');
    await end({}, 1);
    return undefined;
  }
}
