/** Keeps what a client must not read again, or a log must not hold, out of messages. */
import { issuePath, type SchemaIssue } from './standard-schema.js';

/** Names of what is secret, as far as names tell. */
const secret =
  /pass(?:word|wd|code|phrase)?|pwd|secret|token|credential|authoriz|authent|api-?_?key|session|\bpin\b|cvv|cvc|card/i;

const withheld = 'is not valid';

/**
 * The message of an issue; schemas of some libraries quote in it what they got. Of a cookie or of what
 * has the name of a secret none is told; of all else what does not quote the value.
 */
export function messageOf(
  issue: SchemaIssue,
  input: unknown,
  location: string,
  key: string,
): string {
  const value = valueAt(input, issue);
  if (value === undefined) return issue.message;
  if (location === 'cookie' || secret.test(`${key}.${issuePath(issue)}`)) return withheld;
  return location === 'header' && quotes(issue.message, value) ? withheld : issue.message;
}

function valueAt(input: unknown, { path = [] }: SchemaIssue): unknown {
  let at = input;
  for (const segment of path) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = (at as Record<PropertyKey, unknown>)[typeof segment === 'object' ? segment.key : segment];
  }
  return at;
}

function quotes(message: string, value: unknown): boolean {
  if (typeof value === 'object' && value !== null) {
    return Object.values(value).some((each) => quotes(message, each));
  }
  return message.includes(String(value));
}
