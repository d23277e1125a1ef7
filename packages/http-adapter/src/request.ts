/** The request as parameters see it: a scope value of each request. */
import type { IncomingHttpHeaders } from 'node:http';
import { token, type NamedToken } from '@turno/core';
import type { BackgroundTasks } from './background.js';
import type { Reply } from './reply.js';
import { decodeJson } from './body.js';
import { parseQuery, type Query } from './query.js';

/** What parameters are read from. Nothing is parsed before a parameter asks for it. */
export class HttpRequest {
  #query: Query | undefined;
  #body: { readonly value: unknown } | undefined;
  /** Set where something has asked for them. */
  tasks: BackgroundTasks | undefined;
  reply: Reply | undefined;
  /** Whether the handler is done: from then on a client that goes away ends nothing but its answer. */
  isAnswered = false;

  constructor(
    readonly headers: IncomingHttpHeaders,
    /** Decoded; an object without a prototype, so that no name has a meaning of its own. */
    readonly params: Readonly<Record<string, string | undefined>>,
    /** The query of the URL without its `?`. */
    readonly search: string,
    /** The JSON body as it came; undefined where there is none, or the plan does not want it. */
    readonly bytes: Buffer | undefined,
  ) {}

  /** The decoded body. @throws BadRequest when it is malformed. */
  get body(): unknown {
    if (this.bytes === undefined) return undefined;
    return (this.#body ??= { value: decodeJson(this.bytes) }).value;
  }

  /** @throws BadRequest when the query is malformed. */
  get query(): Query {
    return (this.#query ??= parseQuery(this.search));
  }
}

const tokenKey = Symbol.for('@turno/http-adapter:request:1');
const realm = globalThis as Partial<Record<symbol, NamedToken<HttpRequest>>>;

/**
 * The scope value of each request that parameters are read from; one for the whole realm, as
 * records are.
 */
export const requestToken: NamedToken<HttpRequest> = (realm[tokenKey] ??= token('HttpRequest'));
