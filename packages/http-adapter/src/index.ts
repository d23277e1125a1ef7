/** The public names of @turno/http-adapter. */
export { App, createApp, type AppOptions, type CloseOptions } from './app.js';
export { Catch } from './catch.js';
export { BackgroundTasks } from './background.js';
export { Reply, type CookieOptions } from './reply.js';
export { redirect, Redirect, type RedirectStatus } from './redirect.js';
export { file, FileAnswer, type FileOptions } from './file.js';
export { sse, EventStream, type ServerSentEvent, type SseOptions } from './sse.js';
export {
  Body,
  Controller,
  Delete,
  Get,
  Header,
  Patch,
  Path,
  Post,
  Put,
  Query,
  type RouteOptions,
} from './decorators.js';
export type { BodyOptions, Location, ParameterOptions, ParameterProblem } from './parameter.js';
export type { PrimitiveType } from './conversion.js';
export type { StandardSchema, SchemaIssue, SchemaResult } from './standard-schema.js';
export type { Address, ListenOptions } from './server.js';
export type { Logger } from './logger.js';
export { closeOnSignals } from './signals.js';
export * from './errors.js';
export * from './http-error.js';
