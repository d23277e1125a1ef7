/** The reply: what handlers and providers say of the answer beside its body. */
import { validateHeaderName, validateHeaderValue } from 'node:http';
import { Portable } from '@turno/core';
import { stringifySetCookie, type SerializeOptions } from 'cookie';
import { ReplyError } from './errors.js';
import { framing } from './framing.js';
import { refuseUnknownOptions } from './misuse.js';

/** Attributes of a cookie. `path` is `/` unless it says otherwise. */
export type CookieOptions = SerializeOptions;

/** Something that was said, in a form that crosses. */
type Setting =
  | readonly [kind: 'status', status: number]
  | readonly [kind: 'header', name: string, value: string | readonly string[]]
  | readonly [kind: 'append', name: string, values: readonly string[]]
  | readonly [kind: 'cookie', value: string];

/**
 * Sets status, headers and cookies of the answer: ask for it in any handler or provider of scope
 * `request` or `call`, on the event loop or in a thread. What is set later wins; what steps in threads
 * set counts when their trip ends. An answer to an error has nothing of it.
 */
@Portable<Reply, readonly Setting[]>({
  encode: (reply) => reply.said(),
  decode: (settings) => new Reply(settings),
  merge: (original, returned) => original.add(returned),
})
export class Reply {
  readonly #settings: Setting[];
  /** What has come from the other side is known there. */
  readonly #known: number;

  /** Ask for it as a parameter. */
  constructor(settings: readonly Setting[] = []) {
    this.#settings = [...settings];
    this.#known = settings.length;
  }

  /**
   * Sets the status of the answer, in the place of that of the route.
   * @throws ReplyError for what is no status from 200 to 599.
   */
  status(status: number): this {
    if (!Number.isInteger(status) || status < 200 || status > 599) {
      throw new ReplyError(
        `The status ${String(status)} cannot be set.`,
        'A status is a whole number from 200 to 599.',
      );
    }
    this.#settings.push(['status', status]);
    return this;
  }

  /**
   * Sets a header; several values make several lines. `Set-Cookie` is added to, and `Vary` to what
   * middleware has set; all others are replaced.
   * @throws ReplyError for names and values that no header can have, and for those that frame the
   * body.
   */
  header(name: string, value: string | number | readonly string[]): this {
    const lower = checkedName(name);
    const values = valuesOf(lower, value);
    for (const each of values) checkValue(lower, each);
    if (lower === 'set-cookie') {
      for (const each of values) this.#settings.push(['cookie', each]);
    } else {
      const [only] = values;
      this.#settings.push([
        'header',
        lower,
        values.length === 1 && only !== undefined ? only : [...values],
      ]);
    }
    return this;
  }

  /**
   * Adds lines to those that a header has, such as another `Link`.
   * @throws as {@link header}.
   */
  append(name: string, value: string | number | readonly string[]): this {
    const lower = checkedName(name);
    const values = valuesOf(lower, value);
    if (lower === 'set-cookie') return this.header(lower, values);
    for (const each of values) checkValue(lower, each);
    this.#settings.push(['append', lower, [...values]]);
    return this;
  }

  /**
   * Adds a cookie. @throws ReplyError for a name, value or attribute that no cookie can have.
   */
  cookie(name: string, value: string, options: CookieOptions = {}): this {
    refuseUnknownOptions('reply.cookie', options, cookieOptions);
    const given: unknown = value;
    if (!isPrintable(given)) throw noText(`The value of the cookie "${name}"`, value);
    let text: string;
    try {
      text = stringifySetCookie(name, String(given), { path: '/', ...options });
      validateHeaderValue('set-cookie', text);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new ReplyError(
        `The cookie ${JSON.stringify(name)} cannot be set: ${reason}.`,
        reason.startsWith('option ')
          ? '`maxAge` is a whole number of seconds, `expires` a Date, `sameSite` one of lax, strict and none.'
          : 'Names are letters, digits and hyphens; encode what the value shall carry.',
        cause,
      );
    }
    this.#settings.push(['cookie', text]);
    return this;
  }

  /** Tells the client to forget a cookie; `path` and `domain` must be those that it was set with. */
  clearCookie(name: string, options: CookieOptions = {}): this {
    return this.cookie(name, '', { ...options, expires: new Date(0), maxAge: 0 });
  }

  /** @internal What was said here, and not on the other side. */
  said(): readonly Setting[] {
    return this.#settings.slice(this.#known);
  }

  /** @internal */
  add(other: Reply): void {
    this.#settings.push(...other.#settings);
  }

  /** @internal Forgets everything: the answer is another one. */
  reset(): void {
    this.#settings.length = 0;
  }

  /** @internal Forgets the status: that of the answer holds. */
  forgetStatus(): void {
    const others = this.#settings.filter(([kind]) => kind !== 'status');
    this.#settings.splice(0, Infinity, ...others);
  }

  /** @internal The status and headers of an answer, with what was said. */
  applyTo(
    status: number,
    headers: Readonly<Record<string, string | readonly string[]>>,
  ): { status: number; headers: Record<string, string | readonly string[]> } {
    const changed = { ...headers };
    const before = changed['set-cookie'] ?? [];
    const cookies = typeof before === 'string' ? [before] : [...before];
    let now = status;
    for (const setting of this.#settings) {
      if (setting[0] === 'status') [, now] = setting;
      else if (setting[0] === 'header') changed[setting[1]] = setting[2];
      else if (setting[0] === 'append') {
        changed[setting[1]] = [changed[setting[1]] ?? [], setting[2]].flat();
      } else cookies.push(setting[1]);
    }
    if (cookies.length > 0) changed['set-cookie'] = cookies;
    return { status: now, headers: changed };
  }
}

const cookieOptions = [
  'path',
  'domain',
  'expires',
  'maxAge',
  'httpOnly',
  'secure',
  'sameSite',
  'partitioned',
  'priority',
  'encode',
] as const satisfies (keyof CookieOptions)[];

/** What JavaScript may give in the place of text. */
function isPrintable(value: unknown): boolean {
  return ['string', 'number', 'boolean', 'bigint'].includes(typeof value);
}

function valuesOf(name: string, value: unknown): readonly string[] {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  return values.map((each) => {
    if (isPrintable(each)) return String(each);
    throw noText(`The value of the header "${name}"`, each);
  });
}

function noText(what: string, value: unknown): ReplyError {
  return new ReplyError(
    `${what} is ${typeof value === 'object' && value !== null ? 'an object' : String(value)}.`,
    'It is a string.',
  );
}

function checkedName(name: string): string {
  try {
    validateHeaderName(name);
  } catch (cause) {
    throw new ReplyError(
      `${JSON.stringify(name)} is no name of a header.`,
      'Names are letters, digits and hyphens.',
      cause,
    );
  }
  const lower = name.toLowerCase();
  if (framing.has(lower)) {
    throw new ReplyError(
      `The header "${lower}" cannot be set: it belongs to the framing of the answer.`,
      'Leave it out, the server sets it.',
    );
  }
  return lower;
}

function checkValue(name: string, value: string): void {
  try {
    validateHeaderValue(name, value);
  } catch (cause) {
    throw new ReplyError(
      `The header "${name}" cannot have that value: it has characters that no header may have.`,
      'Leave out line breaks, and encode what is not Latin-1.',
      cause,
    );
  }
}
