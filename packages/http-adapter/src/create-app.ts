/** Makes an app of its options: checked, its singletons made, its threads started. */
import { IncomingMessage } from 'node:http';
import {
  Container,
  errorPath,
  GraphError,
  TurnoError,
  type Class,
  type ContainerOptions,
  type Provider,
} from '@turno/core';
import { App } from './app.js';
import { checkOptions, type AppOptions } from './app-options.js';
import { BackgroundTasks } from './background.js';
import { Catches, catchingInVain, errorToken } from './catch.js';
import { uncatchable, unfillable } from './endpoint.js';
import { AppError, OptionsError, RouteError } from './errors.js';
import { usingWhatHasEnded } from './generator-handler.js';
import { guarded, silent, type Logger } from './logger.js';
import { inOwnWords } from './own-words.js';
import { Reply } from './reply.js';
import { RequestIds } from './request-id.js';
import { RequestInfo, requestInfoProvider, trustOf } from './request-info.js';
import { RequestLogger, requestLoggerProvider } from './request-logger.js';
import { RequestProviders } from './request-providers.js';
import { requestToken } from './request.js';
import './ticks.js';

/**
 * Compiles and checks controllers and providers, makes the singletons and starts the threads.
 * In a worker thread, which imports the same modules, it never settles.
 * @throws OptionsError; AppError with all problems of the routes; whatever `Container.create`
 * throws.
 */
export async function createApp(options: AppOptions): Promise<App> {
  const checked = checkOptions(options);
  const { controllers, depends, logger, requestId, findsIds, logRequests } = checked;
  const trust = await trustOf(checked.trustProxy);
  // Here, with the router behind it: worker threads import this package for its decorators only.
  const { collectRoutes } = await import('./route.js');
  const table = await collectRoutes(controllers, depends);
  const { providers = [] } = options;
  // What is wrong with the other ones the routes say.
  const served = new Set(table.routes.map(({ controller }) => controller as Class));
  const catches = new Catches(options.catch ?? [], [...served, ...providers]);
  const header = requestId === false ? undefined : requestId.toLowerCase();
  const ids = new RequestIds(header, findsIds);
  let log: Logger = silent;
  const others = new Set<Provider>([RequestProviders, ...served, ...catches.owners]);
  for (const listed of providers) others.delete(listed);
  const starting = startContainer({
    // The user's come first: messages name them by their place in that list.
    providers: [
      ...providers,
      ...others,
      requestInfoProvider(trust, ids),
      requestLoggerProvider(() => log, ids),
    ],
    scopeValues: [IncomingMessage, requestToken, errorToken],
    before: table.before,
    internal: [
      IncomingMessage,
      requestToken,
      errorToken,
      BackgroundTasks,
      Reply,
      RequestInfo,
      RequestLogger,
    ],
    check: (graph) => [
      ...table.problems,
      ...catches.problems,
      ...(graph === undefined
        ? []
        : [
            ...unfillable(table.routes, (token) => graph.inputs(token)),
            ...uncatchable(catches.methods, (token) => graph.inputs(token)),
            ...usingWhatHasEnded([...table.routes, ...catches.methods], graph),
            ...(graph.usesThreads ? catchingInVain(catches.methods) : []),
          ]),
    ],
    ...(options.overrides === undefined ? {} : { overrides: options.overrides }),
    ...(options.threads === undefined ? {} : { threads: options.threads }),
    ...(options.modules === undefined ? {} : { modules: options.modules }),
    ...(options.startTimeout === undefined ? {} : { startTimeout: options.startTimeout }),
    ...(options.teardownTimeout === undefined ? {} : { teardownTimeout: options.teardownTimeout }),
    ...(options.deadline === undefined ? {} : { deadline: options.deadline }),
  });
  const container = await starting.catch(async (error: unknown) => {
    await logStart(error, logger);
    throw error;
  });
  log = logger ?? (await defaultLogger());
  return new App(table, container, checked, log === silent ? log : guarded(log), {
    catches,
    ids,
    isLogged: logRequests && logger !== silent,
  });
}

/** Where routes or catch handlers are wrong too, all problems are those of the app. */
async function startContainer(options: ContainerOptions): Promise<Container> {
  try {
    return await Container.create(options);
  } catch (error) {
    const errors = error instanceof GraphError ? error.errors.map(inOwnWords) : [];
    const isOfApp = errors.some(
      (each) => each instanceof RouteError || each instanceof OptionsError,
    );
    if (!isOfApp) throw error;
    throw new AppError(errors, error instanceof GraphError ? error.hint : undefined);
  }
}

/** The error of a singleton says nothing of which one it is, and its stack often nothing of the program. */
async function logStart(error: unknown, logger: Logger | undefined): Promise<void> {
  const path = errorPath(error);
  if (path === undefined || error instanceof TurnoError) return;
  const log = guarded(logger ?? (await defaultLogger()));
  log.error({ err: error, path: path.join(' -> ') }, 'the app cannot start');
}

/** Imported here: a worker thread has no use for it, and its start-up time counts. */
async function defaultLogger(): Promise<Logger> {
  const { pino } = await import('pino');
  const logger: Logger = pino();
  return logger;
}
