/** Ids of requests, by which lines of the log and answers find each other. */
import type { IncomingMessage } from 'node:http';
import { newUuid } from './uuid.js';

/** What may go into a log and an answer as it is. */
const wellFormed = /^[\w.:/+=@-]{1,128}$/;

/** Where a request has its id. */
const known = Symbol('requestId');

interface Known extends IncomingMessage {
  [known]?: string;
}

/** Gives ids out when something asks for them; a request that is not logged has none. */
export class RequestIds {
  /** @param header - in lower case: what the client, or a proxy before it, may say; or nothing. */
  constructor(private readonly header: string | undefined) {}

  /** The header of answers that says the id, name and value; none where no header may bring one. */
  headerOf(request: IncomingMessage): readonly [name: string, id: string] | undefined {
    return this.header === undefined ? undefined : [this.header, this.of(request)];
  }

  /** The id of a request: that of its header where that is well-formed, else a new one. */
  of(request: Known): string {
    // Not in a WeakMap: for what lives as briefly as a request that costs several times as much.
    const { [known]: id = this.idFor(request) } = request;
    request[known] = id;
    return id;
  }

  private idFor({ headers }: IncomingMessage): string {
    const given = this.header === undefined ? undefined : headers[this.header];
    return typeof given === 'string' && wellFormed.test(given) ? given : newUuid();
  }
}
