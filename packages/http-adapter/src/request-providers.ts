/** What handlers and providers may ask for by its class, beside the request itself. */
import { Inject, Provides } from '@turno/core';
import { BackgroundTasks } from './background.js';
import { Reply } from './reply.js';
import { requestToken, type HttpRequest } from './request.js';

/**
 * Each is made where something asks for it, and noted in the request, where the app finds it again: a
 * route that does not ask pays nothing.
 */
export class RequestProviders {
  @Provides(BackgroundTasks, { scope: 'request', on: 'loop' })
  static tasks(@Inject(requestToken) request: HttpRequest): BackgroundTasks {
    return (request.tasks ??= new BackgroundTasks());
  }

  @Provides(Reply, { scope: 'request', on: 'loop' })
  static reply(@Inject(requestToken) request: HttpRequest): Reply {
    return (request.reply ??= new Reply());
  }
}
