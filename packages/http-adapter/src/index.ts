/** The public names of @turno/http-adapter. */
export { App, createApp, type AppOptions, type CloseOptions } from './app.js';
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
export { configureServer, type ServerLimits } from './limits.js';
export { RequestInfo, type TrustProxy } from './request-info.js';
export type { RequestOptions } from './request-options.js';
export type { Logger } from './logger.js';
export { closeOnSignals } from './signals.js';
export { serve, type ServeOptions } from './serve.js';
export * from './errors.js';
export * from './http-error.js';
