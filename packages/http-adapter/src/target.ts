/** The target of a request, below whatever path the app is mounted. */
import type { IncomingMessage } from 'node:http';

/** A request that somebody may have handled before. */
export interface MountedMessage extends IncomingMessage {
  /** The whole target, where `url` is what is left below a path. */
  originalUrl?: string;
  /** What a parser of bodies has made. */
  body?: unknown;
}

/** The target as the client has sent it. */
export function targetOf(request: IncomingMessage): string {
  return (request as MountedMessage).originalUrl ?? request.url ?? '/';
}
