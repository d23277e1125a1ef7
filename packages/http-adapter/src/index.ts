/** The public names of @turno/http-adapter. */
export { createApp } from './create-app.js';
export { App } from './app.js';
export type { CloseOptions } from './close-options.js';
export type { AppOptions } from './app-options.js';
export { Catch } from './catch.js';
export { BackgroundTasks } from './background.js';
export { Reply, type CookieOptions } from './reply.js';
export { redirect, Redirect, type RedirectStatus } from './redirect.js';
export { file, FileAnswer, type SendFileOptions } from './file.js';
export { sse, EventStream, type ServerSentEvent, type SseOptions } from './sse.js';
export {
  All,
  Controller,
  Delete,
  Get,
  Head,
  Options,
  Patch,
  Post,
  Put,
  type ControllerOptions,
  type RouteOptions,
} from './decorators.js';
export {
  Body,
  Cookie,
  File,
  Files,
  Form,
  Header,
  Path,
  Query,
  type TextDecorator,
} from './parameter-decorators.js';
export type { ErrorMiddleware, Middleware, Next } from './middleware.js';
export { Depends } from './depends.js';
export { createParameter, type CustomParameterOptions } from './create-parameter.js';
export type { ParameterOf, TextParameterOf } from './declared-parameter.js';
export type { FileOptions } from './file-parameter.js';
export type { FormLimits } from './form.js';
export {
  ParameterFault,
  type BodyOptions,
  type BodyType,
  type Location,
  type ParameterOptions,
  type ParameterProblem,
} from './parameter.js';
export type { RequestForm, HttpRequest } from './request.js';
export { UploadedFile } from './uploaded-file.js';
export type { PrimitiveType } from './conversion.js';
export type { Infer, StandardSchema, SchemaIssue, SchemaResult } from './standard-schema.js';
export type { Address, ListenOptions } from './server.js';
export { configureServer, type ServerLimits } from './limits.js';
export { RequestInfo, type TrustProxy } from './request-info.js';
export type { RequestOptions } from './request-options.js';
export type { Logger } from './logger.js';
export { RequestLogger } from './request-logger.js';
export { closeOnSignals } from './signals.js';
export { serve, type ServeOptions } from './serve.js';
export * from './errors.js';
export * from './http-error.js';
