/** What others have made of a request before it comes to the app: Express, Fastify, middleware. */
import type { IncomingMessage } from 'node:http';
import { depthLimit, json, noJson } from './body.js';
import { BodyBytes } from './body-bytes.js';
import { noForm, urlencoded } from './form.js';
import { BadRequest } from './http-error.js';
import { ParsedBody, type RequestForm } from './request.js';
import type { MountedMessage } from './target.js';

/**
 * Whether a parser has read the body before. Some set an empty `body` also where they read none:
 * then the app reads it.
 */
export function hasParsedBody(request: IncomingMessage): boolean {
  return (request as MountedMessage).body !== undefined && request.readableDidRead;
}

/**
 * That body as one of JSON. What is no object is as it is, and bytes are decoded as if the app had read
 * them.
 * @throws UnsupportedMediaType where it was a form; BadRequest as for a body that the app reads.
 */
export function parsedBody(request: IncomingMessage): BodyBytes | ParsedBody {
  const type = typeOf(request);
  if (type === urlencoded || type === multipart) throw noJson();
  const { body } = request as MountedMessage;
  if (Buffer.isBuffer(body)) return copyOf(body);
  refuseOdd(body);
  return new ParsedBody(body);
}

/** The bytes of that body. @throws an error where nobody has kept them. */
export function parsedBytes(request: IncomingMessage): BodyBytes | undefined {
  const { body } = request as MountedMessage;
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  if (Buffer.isBuffer(bytes)) return bytes.length === 0 ? undefined : copyOf(bytes);
  throw new Error(
    'The body was parsed before it came to the app, and its bytes are gone: leave that path out of the parser.',
  );
}

/**
 * That body as a form: its texts, also those of arrays. Files such parsers put elsewhere.
 * @throws UnsupportedMediaType where it was JSON.
 */
export function parsedForm(request: IncomingMessage): RequestForm {
  if (json.test(typeOf(request))) throw noForm();
  const { body } = request as MountedMessage;
  const fields = new Map<string, string[]>();
  for (const [name, value] of Object.entries(body ?? {})) {
    const texts = [value as unknown].flat().filter((each) => typeof each === 'string');
    if (texts.length > 0) fields.set(name, texts);
  }
  return { fields, files: new Map() };
}

/** For they may move to a thread. */
function copyOf(bytes: Uint8Array): BodyBytes {
  const copy = new BodyBytes();
  copy.add(Uint8Array.from(bytes));
  return copy;
}

const multipart = 'multipart/form-data';

function typeOf({ headers }: IncomingMessage): string {
  return (headers['content-type'] ?? '').split(';', 1).join('').trim().toLowerCase();
}

/** As for JSON that the app decodes: many parsers let keys pass that reach for a prototype. */
function refuseOdd(body: unknown): void {
  const seen = new Set<object>();
  // What no JSON was made of may lead back to itself.
  const isNew = (value: unknown): value is object => {
    if (!isPlain(value) || seen.has(value)) return false;
    seen.add(value);
    return true;
  };
  let level = [body].filter(isNew);
  for (let depth = 0; level.length > 0; depth++) {
    if (depth === depthLimit) {
      throw new BadRequest(`The body is nested more than ${depthLimit} levels deep.`);
    }
    for (const each of level) {
      const { constructor } = each as { readonly constructor: unknown };
      const isReaching =
        Object.hasOwn(each, 'constructor') &&
        typeof constructor === 'object' &&
        constructor !== null &&
        Object.hasOwn(constructor, 'prototype');
      if (isReaching || Object.hasOwn(each, '__proto__')) {
        throw new BadRequest('The body reaches for a prototype.');
      }
    }
    level = level.flatMap((each): unknown[] => Object.values(each)).filter(isNew);
  }
}

function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  return Array.isArray(value) || Object.prototype.toString.call(value) === '[object Object]';
}
