/** Checks options of an app. */
import type { Token } from '@turno/core';
import { isToken } from './depends.js';
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

/** @throws OptionsError for what is no list of tokens. */
export function checkDepends(given: unknown): readonly Token[] {
  if (given === undefined) return [];
  if (!Array.isArray(given) || !given.every(isToken)) {
    throw new OptionsError(
      '`depends` of createApp is no array of tokens.',
      'List classes, or what token(name) makes; undefined means that two modules import each other.',
    );
  }
  return given;
}
