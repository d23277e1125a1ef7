/** The request as parameters see it: a scope value of each request. */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { token, type NamedToken } from '@turno/core';
import type { BackgroundTasks } from './background.js';
import { decodeJson } from './body.js';
import type { BodyBytes } from './body-bytes.js';
import { parseCookies } from './cookie.js';
import type { Reply } from './reply.js';
import { parseQuery, type Query } from './query.js';
import { targetOf } from './target.js';
import type { UploadedFile } from './uploaded-file.js';

/** The fields and files of a form by name, in the order of the form. */
export interface RequestForm {
  readonly fields: Query;
  readonly files: ReadonlyMap<string, readonly UploadedFile[]>;
}

/** A body that somebody has parsed before the app: Express, Fastify, a middleware. */
export class ParsedBody {
  constructor(readonly value: unknown) {}
}

/** Who wants to know of the end of a response. */
export interface ResponseWatcher {
  responseClosed(): void;
}

/** What parameters are read from. Nothing is parsed before a parameter asks for it. */
export class HttpRequest {
  /**
   * @internal The body as it came, of JSON, or of whatever it is where bytes were asked for; undefined where
   * there is none, or the plan does not want it, or not before the dependencies of levels are made.
   */
  raw: BodyBytes | undefined;
  /** The form that is the body, likewise. */
  form: RequestForm | undefined;
  #query: Query | undefined;
  #body: { readonly value: unknown } | undefined;
  /** Set where something has asked for them. */
  tasks: BackgroundTasks | undefined;
  reply: Reply | undefined;
  /** Whether the handler is done: from then on a client that goes away ends nothing but its answer. */
  isAnswered = false;
  /** @internal Whether its response has closed, whole or not. */
  hasClosed = false;
  /** @internal Told when it does. */
  watcher: ResponseWatcher | undefined;
  #cookies: ReadonlyMap<string, string> | undefined;

  constructor(
    /** What node:http made of it. */
    readonly message: IncomingMessage,
    /** Decoded; an object without a prototype, so that no name has a meaning of its own. */
    readonly params: Readonly<Record<string, string | undefined>>,
    /** The query of the URL without its `?`. */
    readonly search: string,
  ) {}

  /** @internal Its body has come, perhaps parsed by somebody else. */
  receive(body: BodyBytes | ParsedBody | undefined): void {
    if (body instanceof ParsedBody) this.#body = body;
    else this.raw = body;
  }

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

  /** The JSON body that is not decoded yet. */
  get bytes(): Buffer | undefined {
    return this.raw?.whole();
  }

  /** The decoded JSON body. @throws BadRequest when it is malformed. */
  get body(): unknown {
    if (this.raw !== undefined) this.#body ??= { value: decodeJson(this.raw.whole()) };
    return this.#body?.value;
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
