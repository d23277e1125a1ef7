/** Gets the body of a request: from who has parsed it before, or by reading it. */
import type { IncomingMessage } from 'node:http';
import { readJsonBody } from './body.js';
import { readForm, type FormLimits } from './form.js';
import { hasParsedBody, parsedBody, parsedForm } from './mount.js';
import type { ParsedBody, RequestForm } from './request.js';

/** @throws as {@link readJsonBody}. */
export async function readBodyOf(
  request: IncomingMessage,
  limit: number,
): Promise<Buffer | ParsedBody | undefined> {
  return hasParsedBody(request) ? parsedBody(request) : readJsonBody(request, limit);
}

/** @throws as {@link readForm}. */
export async function readFormOf(
  request: IncomingMessage,
  limits: FormLimits,
): Promise<RequestForm | undefined> {
  return hasParsedBody(request) ? parsedForm(request) : readForm(request, limits);
}
