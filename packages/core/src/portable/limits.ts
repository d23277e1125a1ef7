/** Limits of the codec. */

/**
 * How many levels deep data may be nested. Structured clone gives up between 1,000 and 3,000
 * levels, depending on how much of the stack is in use; this keeps clear of it.
 */
export const deepest = 1_000;
