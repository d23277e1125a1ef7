/** Checks options that are numbers. */
import { OptionsError } from './errors.js';
import { defaultFormLimits, type FormLimits } from './form.js';

/** @throws OptionsError. */
export function formLimits(given: Partial<FormLimits> | undefined): FormLimits {
  const limits = { ...defaultFormLimits, ...given };
  for (const [name, limit] of Object.entries(limits)) {
    if (!(name in defaultFormLimits)) {
      throw new OptionsError(
        `\`forms\` of createApp has no limit "${name}".`,
        `Its limits are ${Object.keys(defaultFormLimits).join(', ')}.`,
      );
    }
    if (Number.isSafeInteger(limit) && limit >= 0) continue;
    throw new OptionsError(
      `\`forms\` of createApp has ${String(limit)} for \`${name}\`.`,
      'It is a whole number.',
    );
  }
  return limits;
}
