/** What a note is, and what of it clients send. */
import { z } from 'zod';

const tag = z
  .string()
  .regex(/^[\p{L}\p{N}_-]{1,40}$/u, 'must be 1 to 40 letters, digits, hyphens or underscores')
  .transform((text) => text.toLowerCase());

/** The body of POST and PUT. Tags come out in lower case, in order, each once. */
export const Draft = z.strictObject({
  title: z.string().trim().min(1).max(200),
  text: z.string().max(100_000).default(''),
  tags: z
    .array(tag)
    .max(20)
    .default([])
    .transform((tags) => [...new Set(tags)].sort()),
});
export type Draft = z.infer<typeof Draft>;

/** The query of GET /notes. */
export const Wanted = z.strictObject({
  /** Only notes that have all of these words in their title or text; the last may be a beginning. */
  q: z
    .string()
    .max(200)
    .regex(/[\p{L}\p{N}]/u, 'must have a word in it')
    .optional(),
  tag: tag.optional(),
  /** The `next` of the page before. */
  before: z.coerce.number().int().positive().default(Number.MAX_SAFE_INTEGER),
  limit: z.coerce.number().int().min(1).max(100).default(20),
});
export type Wanted = z.infer<typeof Wanted>;

export interface Note extends Draft {
  readonly id: number;
  /** 1 for a new note, and one more with each change. */
  readonly version: number;
  /** ISO 8601. */
  readonly created: string;
  readonly changed: string;
}

/** Newest first. `next` is missing on the last page. */
export interface Page {
  readonly notes: readonly Note[];
  readonly next?: number;
}
