/** The scope of a request. */
import { IncomingMessage } from 'node:http';
import { value, type Container, type ScopeInstance } from '@turno/core';
import { requestToken, type HttpRequest } from './request.js';

/** @throws DisposedError when the container is disposed. */
export function openScope(
  container: Container,
  request: IncomingMessage,
  asked: HttpRequest,
): ScopeInstance {
  return container.createScope([value(IncomingMessage, request), value(requestToken, asked)]);
}
