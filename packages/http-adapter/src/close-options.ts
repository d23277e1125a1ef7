/** How an app is closed. */
import { OptionsError } from './errors.js';
import { refuseUnknownOptions } from './misuse.js';

/** Options of {@link App.close}. */
export interface CloseOptions {
  /** How long requests in work may take to end, in milliseconds. Default 10,000. */
  readonly grace?: number;
}

/** @throws OptionsError for an option that does not exist or is no time. */
export function checkCloseOptions(caller: string, options: CloseOptions): void {
  refuseUnknownOptions(caller, options, ['grace']);
  checkGrace(caller, options);
}

/** @throws OptionsError. */
export function checkGrace(caller: string, { grace }: CloseOptions): void {
  // Longer ones would make timers of Node fire at once.
  if (grace === undefined || (typeof grace === 'number' && grace >= 0 && grace <= 2 ** 31 - 1)) {
    return;
  }
  throw new OptionsError(
    `${caller} was given the \`grace\` ${String(grace)}.`,
    'It is a number of milliseconds, from 0 to 2,147,483,647.',
  );
}
