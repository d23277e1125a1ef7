/** Gets the body of a request: from who has parsed it before, or by reading it. */
import type { IncomingMessage } from 'node:http';
import { readJsonBody, readRawBody } from './body.js';
import type { BodyBytes } from './body-bytes.js';
import { readForm } from './form.js';
import { hasParsedBody, parsedBody, parsedBytes, parsedForm } from './mount.js';
import type { RequestLimits } from './request-options.js';
import type { ParsedBody, RequestForm } from './request.js';

/** @throws as {@link readJsonBody}. */
export async function readBodyOf(
  request: IncomingMessage,
  { bodyLimit, decompress }: RequestLimits,
): Promise<BodyBytes | ParsedBody | undefined> {
  return hasParsedBody(request)
    ? parsedBody(request)
    : readJsonBody(request, bodyLimit, decompress);
}

/** @throws as {@link readRawBody}. */
export async function readBytesOf(
  request: IncomingMessage,
  { bodyLimit, decompress }: RequestLimits,
): Promise<BodyBytes | undefined> {
  return hasParsedBody(request)
    ? parsedBytes(request)
    : readRawBody(request, bodyLimit, decompress);
}

/** @throws as {@link readForm}. */
export async function readFormOf(
  request: IncomingMessage,
  { forms, decompress }: RequestLimits,
): Promise<RequestForm | undefined> {
  return hasParsedBody(request) ? parsedForm(request) : readForm(request, forms, decompress);
}
