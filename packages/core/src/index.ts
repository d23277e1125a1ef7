/** The public names of @turno/core. */
export { token, NamedToken, type AbstractClass, type Class, type Token } from './token.js';
export {
  all,
  forwardRef,
  keyed,
  lazy,
  offloaded,
  original,
  type ForwardRef,
  type Lazy,
} from './request-token.js';
export type { CannotBeOffloaded, Offloaded } from './offloaded.js';
export type { Placement, Scope } from './scope.js';
export {
  alias,
  value,
  AliasProvider,
  ValueProvider,
  type GivenOptions,
  type Provider,
} from './provider.js';
export {
  Inject,
  Injectable,
  Optional,
  Portable,
  Provides,
  declareClass,
  declareHandler,
  declareParameter,
  handlerToken,
  type HandlerOptions,
  type InjectableOptions,
  type Provided,
} from './decorators.js';
export {
  optional,
  provide,
  type Dependency,
  type Injected,
  type OptionalRef,
  type ProvideOptions,
} from './provide.js';
export type {
  Finish,
  LateSource,
  ParameterInfo,
  ParameterSource,
  ProviderOptions,
} from './record.js';
export type { GraphCheck, GraphFacts } from './engine.js';
export { Container, type ContainerOptions, type Override } from './container.js';
export type { GraphData, GraphEdge, GraphNode } from './graph-data.js';
export { toDot, toMermaid } from './graph-drawing.js';
export type { StepEvent } from './trace.js';
export type { HopEvent } from './threads/hop-events.js';
export type { ThreadEvent } from './threads/thread-events.js';
export type { TimeSummary } from './timing.js';
export type { ResolveOptions } from './resolve-options.js';
export type { ScopeInstance } from './scope-instance.js';
export type { Receiver } from './settling.js';
export { contextVar, type ContextVar } from './context-var.js';
export { errorPath, suppressedErrors } from './error-path.js';
export type { GroupOptions, ThreadOptions } from './threads/create-executor.js';
export type { GroupFigures, ProviderFigures, ThreadFigures } from './threads/executor.js';
export { whyNotPortable } from './portable/portable-class.js';
export { transfer } from './portable/transfer.js';
export * from './errors.js';
