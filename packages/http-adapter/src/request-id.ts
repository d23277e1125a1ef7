/** Ids of requests, by which lines of the log and answers find each other. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** What may go into a log and an answer as it is. */
const wellFormed = /^[\w.:/+=@-]{1,128}$/;

/** Gives ids out when something asks for them; a request that is not logged has none. */
export class RequestIds {
  private readonly known = new WeakMap<IncomingMessage, string>();

  /** @param header - in lower case: what the client, or a proxy before it, may say; or nothing. */
  constructor(private readonly header: string | undefined) {}

  /** The header of answers that says the id; none where no header may bring one. */
  headersOf(request: IncomingMessage): Readonly<Record<string, string>> | undefined {
    return this.header === undefined ? undefined : { [this.header]: this.of(request) };
  }

  /** The id of a request: that of its header where that is well-formed, else a new one. */
  of(request: IncomingMessage): string {
    let id = this.known.get(request);
    if (id === undefined) {
      const given = this.header === undefined ? undefined : request.headers[this.header];
      id = typeof given === 'string' && wellFormed.test(given) ? given : randomUUID();
      this.known.set(request, id);
    }
    return id;
  }
}
