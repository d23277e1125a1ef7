/** What others have made of a request before it comes to the app: Express, Fastify, middleware. */
import type { IncomingMessage } from 'node:http';
import { ParsedBody, type RequestForm } from './request.js';
import type { MountedMessage } from './target.js';

/**
 * Whether a parser has read the body before. Some set an empty `body` also where they read none:
 * then the app reads it.
 */
export function hasParsedBody(request: IncomingMessage): boolean {
  return (request as MountedMessage).body !== undefined && request.readableDidRead;
}

/** That body. */
export function parsedBody(request: IncomingMessage): ParsedBody {
  return new ParsedBody((request as MountedMessage).body);
}

/** That body as a form: its texts, also those of arrays. Files such parsers put elsewhere. */
export function parsedForm(request: IncomingMessage): RequestForm {
  const fields = new Map<string, string[]>();
  for (const [name, value] of Object.entries(parsedBody(request).value ?? {})) {
    const texts = [value as unknown].flat().filter((each) => typeof each === 'string');
    if (texts.length > 0) fields.set(name, texts);
  }
  return { fields, files: new Map() };
}
