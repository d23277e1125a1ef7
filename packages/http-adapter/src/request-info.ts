/** Who asked, as far as the proxies in front of the server can be believed. */
import { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { Portable, provide, type Provider } from '@turno/core';
import { OptionsError } from './errors.js';
import { isHost } from './guard.js';
import type { RequestIds } from './request-id.js';

/**
 * Whose `X-Forwarded-*` headers are believed: those of no one (`false`); of addresses, networks
 * (`10.0.0.0/8`) and the names `loopback`, `linklocal` and `uniquelocal`; or of that number of
 * proxies, counted from the server.
 */
export type TrustProxy = false | number | string | readonly string[];

/**
 * Who asked, and for what host: a request-scoped value that any handler or provider can take, also
 * in threads. Made only where it is asked for.
 */
@Portable()
export class RequestInfo {
  constructor(
    /** IP address of the client: the first one, from the server outwards, that is not trusted. */
    readonly clientAddress: string,
    /** What the client spoke, which a trusted proxy may have turned into `http`. */
    readonly protocol: 'http' | 'https',
    /** With the port, where one was said; empty where HTTP/1.0 said none. */
    readonly host: string,
    /** By which the lines of the log and the answer find each other. */
    readonly requestId: string,
  ) {}
}

/** Whether the `distance`-th proxy is believed, counted from 0. */
export type Trust = (address: string, distance: number) => boolean;

/**
 * @throws OptionsError for what is no address, network or number.
 */
export async function trustOf(trustProxy: TrustProxy): Promise<Trust> {
  if (trustProxy === false) return () => false;
  if (typeof trustProxy === 'number') {
    if (Number.isInteger(trustProxy) && trustProxy >= 0) {
      return (_address, distance) => distance < trustProxy;
    }
    throw badTrust(trustProxy);
  }
  const addresses = typeof trustProxy === 'string' ? [trustProxy] : trustProxy;
  if (!Array.isArray(addresses) || !addresses.every((each) => typeof each === 'string')) {
    throw badTrust(trustProxy);
  }
  // Here: a worker thread has no use for it.
  const { default: proxyAddr } = await import('proxy-addr');
  try {
    return proxyAddr.compile([...addresses]);
  } catch (cause) {
    throw badTrust(trustProxy, cause);
  }
}

function badTrust(given: unknown, cause?: unknown): OptionsError {
  return new OptionsError(
    `createApp was given the \`trustProxy\` ${JSON.stringify(given)}.`,
    "It is false, a number of proxies, or a list such as ['loopback', '10.0.0.0/8'].",
    cause,
  );
}

/** Provides {@link RequestInfo} from the request of the scope. */
export function requestInfoProvider(trust: Trust, ids: RequestIds): Provider {
  const options = { deps: [IncomingMessage], scope: 'request', on: 'loop' } as const;
  return provide(RequestInfo, options, (request) => infoOf(request, trust, ids.of(request)));
}

/**
 * Who asked. Of `X-Forwarded-Proto` and `X-Forwarded-Host` the last value counts, which the nearest
 * proxy has written; `Forwarded` is not read: a proxy that writes the one hands through the other as
 * its client has sent it.
 */
function infoOf(
  { headers, socket }: IncomingMessage,
  trust: Trust,
  requestId: string,
): RequestInfo {
  const peer = plainAddress(socket.remoteAddress ?? '');
  const host = headers.host ?? (headers[':authority'] as string | undefined) ?? '';
  const protocol = 'encrypted' in socket && socket.encrypted === true ? 'https' : 'http';
  if (!trust(peer, 0)) return new RequestInfo(peer, protocol, host, requestId);
  const forwardedProtocol = last(headers['x-forwarded-proto'])?.toLowerCase();
  const forwardedHost = last(headers['x-forwarded-host']);
  return new RequestInfo(
    clientBehind(peer, listOf(headers['x-forwarded-for']), trust),
    forwardedProtocol === 'http' || forwardedProtocol === 'https' ? forwardedProtocol : protocol,
    forwardedHost !== undefined && isHost(forwardedHost) ? forwardedHost : host,
    requestId,
  );
}

function clientBehind(peer: string, forwarded: readonly string[], trust: Trust): string {
  let client = peer;
  for (const [distance, entry] of forwarded.toReversed().entries()) {
    const address = plainAddress(entry);
    // `unknown`, or garbage: who wrote it is the last one that is known.
    if (!trust(client, distance) || isIP(address) === 0) break;
    client = address;
  }
  return client;
}

/** Without the port that some proxies add, the brackets of IPv6, and IPv6 around IPv4. */
function plainAddress(text: string): string {
  const [, bracketed, ipv4] = /^(?:\[([^\]]+)\](?::\d+)?|([\d.]+):\d+)$/.exec(text) ?? [];
  return (bracketed ?? ipv4 ?? text).replace(/^::ffff:(?=[\d.]+$)/i, '');
}

function listOf(header: string | string[] | undefined): string[] {
  const text = Array.isArray(header) ? header.join(',') : header;
  return text === undefined ? [] : text.split(',').map((entry) => entry.trim());
}

function last(header: string | string[] | undefined): string | undefined {
  return listOf(header).at(-1);
}
