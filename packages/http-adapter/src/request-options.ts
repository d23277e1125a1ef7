/** The options of an app that say which requests it takes. */
import { OptionsError } from './errors.js';
import type { FormLimits } from './form.js';
import type { HeadLimits } from './guard.js';
import type { BodyLimits } from './record.js';
import type { TrustProxy } from './request-info.js';

export interface RequestOptions {
  /** Most headers of a request. Default 100; at most 999, since Node drops some of more. */
  readonly headerLimit?: number;
  /** Longest URL of a request, in characters. Default 8,192. */
  readonly urlLimit?: number;
  /** Takes bodies that are compressed by gzip, deflate or br. Default false. */
  readonly decompress?: boolean;
  /** Whose `X-Forwarded-*` headers `RequestInfo` believes. Default false: no one's. */
  readonly trustProxy?: TrustProxy;
}

/** What each request is measured by. */
export interface RequestLimits {
  readonly head: HeadLimits;
  /** Of a body that is no form, in bytes. */
  readonly bodyLimit: number;
  readonly decompress: boolean;
  readonly forms: FormLimits;
}

/** The limits of an app as one of its routes changes them. */
export function limitsOf(app: RequestLimits, { bodyLimit, forms }: BodyLimits): RequestLimits {
  if (bodyLimit === undefined && forms === undefined) return app;
  return { ...app, bodyLimit: bodyLimit ?? app.bodyLimit, forms: { ...app.forms, ...forms } };
}

export const requestOptionNames: readonly (keyof RequestOptions)[] = [
  'headerLimit',
  'urlLimit',
  'decompress',
  'trustProxy',
];

/** @throws OptionsError for a limit that is none. */
export function checkRequestOptions(options: RequestOptions) {
  const { headerLimit = 100, urlLimit = 8192, decompress = false, trustProxy = false } = options;
  checkNumber('headerLimit', headerLimit, 999);
  checkNumber('urlLimit', urlLimit, Number.MAX_SAFE_INTEGER);
  return { head: { headers: headerLimit, url: urlLimit }, decompress, trustProxy };
}

function checkNumber(name: string, limit: number, most: number): void {
  if (Number.isInteger(limit) && limit >= 1 && limit <= most) return;
  throw new OptionsError(
    `createApp was given the \`${name}\` ${String(limit)}.`,
    `It is a whole number from 1${most < 1000 ? ` to ${most}` : ''}.`,
  );
}
