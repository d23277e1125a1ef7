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
  /**
   * @param header - in lower case: what the client, or a proxy before it, may say; or nothing.
   * @param isFound - whether each id can be found again, by a log. One that cannot is not made for an answer: to
   * make, check and send it takes as long as to route the request.
   */
  constructor(
    private readonly header: string | undefined,
    private readonly isFound: boolean,
  ) {}

  /** The header of answers that says the id, name and value; none where no header may bring one. */
  headerOf(request: IncomingMessage): readonly [name: string, id: string] | undefined {
    const { header } = this;
    if (header === undefined) return undefined;
    const id = this.isFound ? this.of(request) : this.givenBy(request);
    return id === undefined ? undefined : [header, id];
  }

  /** The id of a request: that of its header where that is well-formed, else a new one. */
  of(request: Known): string {
    // Not in a WeakMap: for what lives as briefly as a request that costs several times as much.
    const { [known]: id = this.idFor(request) } = request;
    request[known] = id;
    return id;
  }

  private idFor(request: IncomingMessage): string {
    return this.givenBy(request) ?? newUuid();
  }

  /** What its header says, where that is well-formed. */
  private givenBy({ headers }: IncomingMessage): string | undefined {
    const given = this.header === undefined ? undefined : headers[this.header];
    return typeof given === 'string' && wellFormed.test(given) ? given : undefined;
  }
}
