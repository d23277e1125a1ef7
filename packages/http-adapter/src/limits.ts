/** What a server puts up with: how long clients may take, how many there may be. */
import type { Server as HttpServer } from 'node:http';
import type { Server } from 'node:net';
import { answerClientErrors } from './client-error.js';
import { OptionsError } from './errors.js';
import { handleExpectations } from './expectation.js';
import type { Logger } from './logger.js';
import { refuseUnknownOptions } from './misuse.js';
import { limitWrites } from './write-timeout.js';

/** Limits of a server; times in milliseconds, 0 for none. */
export interface ServerLimits {
  /** How long the headers of a request may take to arrive; never longer than the whole. Default 10,000. */
  readonly headersTimeout?: number;
  /** How long a whole request may take to arrive, body included. Default 30,000. */
  readonly requestTimeout?: number;
  /** How long a connection may wait for its next request. Default 5,000. */
  readonly keepAliveTimeout?: number;
  /** How long a client may take nothing of an answer that waits for it. Default 30,000. */
  readonly writeTimeout?: number;
  /** Connections at the same time; further ones are closed at once. Default 10,000. */
  readonly maxConnections?: number;
}

/** The limits of a server that says nothing else. */
const defaultLimits: Required<ServerLimits> = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 5_000,
  writeTimeout: 30_000,
  maxConnections: 10_000,
};

export const limitNames = Object.keys(defaultLimits) as readonly (keyof ServerLimits)[];

const longest = 2 ** 31 - 1;

const configured = new WeakSet<Server>();

/**
 * Prepares a server of your own for an app, as `listen` does: limits, answers to what is no request,
 * and `100 Continue` only when a body is wanted. Call it before the server listens; the first call
 * counts, also for `listen` with that server.
 * @param server - of node:http, node:https or node:http2; the last one has no limits of headers, requests
 * and idle connections, except for clients that speak HTTP/1.1 to it.
 * @throws OptionsError when a limit is no whole number, or there is no such limit.
 */
export function configureServer<T extends Server>(server: T, limits: ServerLimits = {}): T {
  refuseUnknownOptions('configureServer', limits, limitNames);
  return applyLimits(server, checkLimits('configureServer', limits));
}

/** As {@link configureServer}, with limits that have been checked. */
export function applyLimits<T extends Server>(server: T, checked: Required<ServerLimits>): T {
  if (configured.has(server)) return server;
  configured.add(server);
  const { requestTimeout, keepAliveTimeout, writeTimeout, maxConnections } = checked;
  const headersTimeout = headersWithin(checked);
  server.maxConnections = maxConnections;
  if ('headersTimeout' in server) {
    Object.assign(server, {
      headersTimeout,
      requestTimeout,
      keepAliveTimeout,
      // Node reads it when the server begins to listen, and looks at slow clients only so often; its
      // default of 30 s would make 40 s of a timeout of 10.
      connectionsCheckingInterval: intervalFor(headersTimeout, requestTimeout),
    });
  }
  limitWrites(server, writeTimeout);
  // Those of node:http2 have the same events.
  const events = server as unknown as HttpServer;
  answerClientErrors(events);
  handleExpectations(events);
  return server;
}

/** Headers are a part of their request: Node exchanges the two where they are given longer. */
function headersWithin({ headersTimeout, requestTimeout }: Required<ServerLimits>): number {
  if (headersTimeout === 0 || requestTimeout === 0) return headersTimeout;
  return Math.min(headersTimeout, requestTimeout);
}

/** Logs that connections are refused, at most once a second. */
export function reportRefusals(server: Server, log: Logger): void {
  let last = -Infinity;
  server.on('drop', () => {
    if (performance.now() - last < 1000) return;
    last = performance.now();
    log.warn({ maxConnections: server.maxConnections }, 'connections are refused');
  });
}

/** @param place - the function that was given them, for messages. */
export function checkLimits(place: string, limits: ServerLimits): Required<ServerLimits> {
  for (const name of limitNames) {
    const limit = limits[name];
    const least = name === 'maxConnections' ? 1 : 0;
    if (limit === undefined) continue;
    if (!Number.isInteger(limit) || limit < least || limit > longest) {
      throw new OptionsError(
        `${place} was given the \`${name}\` ${String(limit)}.`,
        name === 'maxConnections'
          ? 'It is a whole number from 1.'
          : 'It is a whole number of milliseconds; 0 means no limit.',
      );
    }
  }
  const said = Object.entries(limits).filter(([, limit]) => limit !== undefined);
  return { ...defaultLimits, ...Object.fromEntries(said) };
}

/** Often enough for a timeout to be late by a tenth of it, or by a second. */
function intervalFor(...timeouts: readonly number[]): number {
  const shortest = Math.min(...timeouts.filter((timeout) => timeout > 0), 10_000);
  return Math.max(10, Math.min(1000, Math.floor(shortest / 10)));
}
