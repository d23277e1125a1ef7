/** The request as parameters see it: a scope value of each request. */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { token, type NamedToken } from '@turno/core';
import { parseCookies } from './cookie.js';
import { parseQuery, type Query } from './query.js';
import { targetOf } from './target.js';
import type { UploadedFile } from './uploaded-file.js';

/** The fields and files of a form by name, in the order of the form. */
export interface RequestForm {
  readonly fields: Query;
  readonly files: ReadonlyMap<string, readonly UploadedFile[]>;
}

/** What parameters are read from. Nothing is parsed before a parameter asks for it. */
export class HttpRequest {
  #query: Query | undefined;
  #cookies: ReadonlyMap<string, string> | undefined;

  constructor(
    /** What node:http made of it. */
    readonly message: IncomingMessage,
    /** Decoded; an object without a prototype, so that no name has a meaning of its own. */
    readonly params: Readonly<Record<string, string | undefined>>,
    /** The query of the URL without its `?`. */
    readonly search: string,
    /** The decoded JSON body; undefined where there is none, or the plan does not want it. */
    readonly body: unknown,
    /** The form that is the body, likewise. */
    readonly form?: RequestForm,
  ) {}

  /** `GET`. */
  get method(): string {
    return this.message.method ?? 'GET';
  }

  /** As it came: path and query. */
  get url(): string {
    return targetOf(this.message);
  }

  /** By name in lower case. The object has a prototype: look for own names only. */
  get headers(): IncomingHttpHeaders {
    return this.message.headers;
  }

  /** Values by key. @throws BadRequest when the query is malformed. */
  get query(): Query {
    return (this.#query ??= parseQuery(this.search));
  }

  /** Values by name. */
  get cookies(): ReadonlyMap<string, string> {
    return (this.#cookies ??= parseCookies(this.headers.cookie));
  }
}

const tokenKey = Symbol.for('@turno/http-adapter:request:1');
const realm = globalThis as Partial<Record<symbol, NamedToken<HttpRequest>>>;

/**
 * The scope value of each request that parameters are read from; one for the whole realm, as
 * records are.
 */
export const requestToken: NamedToken<HttpRequest> = (realm[tokenKey] ??= token('HttpRequest'));
