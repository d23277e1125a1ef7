/** What an app logs to. */

/** The shape of pino, as far as an app uses it: fields first, then the message. */
export interface Logger {
  error(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  info(fields: object, message: string): void;
}

const levels = ['error', 'warn', 'info'] as const satisfies (keyof Logger)[];

/** Whether a value has the methods of a logger. */
export function isLogger(value: unknown): value is Logger {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  return levels.every((level) => typeof (value as Partial<Logger>)[level] === 'function');
}

/**
 * A logger that never throws: no answer waits for a log. That the other one has thrown is a warning of
 * the process, once.
 */
export function guarded(logger: Logger): Logger {
  let hasFailed = false;
  const guard =
    (level: keyof Logger): Logger[typeof level] =>
    (fields, message) => {
      try {
        logger[level](fields, message);
      } catch (error) {
        if (hasFailed) return;
        hasFailed = true;
        const reason = error instanceof Error ? error.message : String(error);
        process.emitWarning(`The logger of the app has thrown: ${reason}`, {
          code: 'TURNO_LOGGER',
        });
      }
    };
  return { error: guard('error'), warn: guard('warn'), info: guard('info') };
}

/** Logs nothing. */
export const silent: Logger = {
  error: () => undefined,
  warn: () => undefined,
  info: () => undefined,
};

/**
 * Where it is told why a process ends. Without a logger that is stderr: a program that ends without a
 * word is one that nobody can mend.
 */
export function lastWords(log: Logger): Logger['error'] {
  if (log !== silent) return (fields, message) => log.error(fields, message);
  return (fields, message) => {
    const { err } = fields as { readonly err?: unknown };
    console.error(...(err === undefined ? [message] : [`${message}:`, err]));
  };
}
