/** What an app logs to. */

/** The shape of pino, as far as an app uses it: fields first, then the message. */
export interface Logger {
  error(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  info(fields: object, message: string): void;
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
