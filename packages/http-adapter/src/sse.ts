/** Server-sent events, as a returned value. */
import { ReplyError } from './errors.js';
import { refuseUnknownOptions } from './misuse.js';

/** One event, as https://html.spec.whatwg.org/multipage/server-sent-events.html defines its fields. */
export interface ServerSentEvent {
  /** Comes back as the header `Last-Event-ID` when the client connects again. */
  readonly id?: string | number;
  /** The type of the event; default `message`. */
  readonly event?: string;
  /** How long the client waits before it connects again, in milliseconds. */
  readonly retry?: number;
  /** A string goes out as it is, line by line; anything else as JSON. */
  readonly data?: unknown;
  /** Not seen by programs. */
  readonly comment?: string;
}

/** Options of {@link sse}. */
export interface SseOptions {
  /**
   * How long nothing may be sent before a comment is, in milliseconds, so that proxies keep the
   * connection. Default 15,000; `false` or 0: never.
   */
  readonly keepAlive?: number | false;
}

type Events = Iterable<ServerSentEvent | string> | AsyncIterable<ServerSentEvent | string>;

/** What {@link sse} makes. */
export class EventStream {
  /** @internal Use {@link sse}. */
  constructor(
    readonly events: Events,
    readonly keepAlive: number | undefined,
  ) {}
}

/**
 * To be returned by a handler: sends events to an `EventSource` as they come. A string is an event with
 * that `data`. When the client goes, the iterator is returned; take an `AbortSignal` into what waits
 * for events, so that it does not wait for ever.
 * @throws ReplyError for what are no events, and for a `keepAlive` that is no number of milliseconds.
 */
export function sse(events: Events, options: SseOptions = {}): EventStream {
  refuseNoEvents(events);
  refuseUnknownOptions('sse', options, ['keepAlive']);
  const { keepAlive = 15_000 } = options;
  if (keepAlive === false || keepAlive === 0) return new EventStream(events, undefined);
  if (!Number.isFinite(keepAlive) || keepAlive < 0 || keepAlive > longest) {
    throw new ReplyError(
      `Events were given the keepAlive ${String(keepAlive)}.`,
      'It is a number of milliseconds up to 2^31 - 1; false or 0: never.',
    );
  }
  return new EventStream(events, keepAlive);
}

function refuseNoEvents(events: unknown): void {
  if ((typeof events === 'object' && events !== null) || typeof events === 'function') {
    if (Symbol.asyncIterator in events || Symbol.iterator in events || 'getReader' in events) {
      return;
    }
  }
  const isFunction = typeof events === 'function';
  throw new ReplyError(
    `sse was given ${isFunction ? 'a function' : textOf(events)}, which holds no events.`,
    isFunction
      ? 'Call it: sse(events()).'
      : 'Give it what events can be taken from one after the other: a generator, an array, a stream.',
  );
}

function textOf(value: unknown): string {
  if (typeof value === 'object' && value !== null) return 'an object';
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}

const fields: readonly string[] = [
  'id',
  'event',
  'retry',
  'data',
  'comment',
] satisfies (keyof ServerSentEvent)[];

/** What has no data tells clients nothing, so that other fields of it would be lost. */
function refuseLost(event: unknown): void {
  if (typeof event !== 'object' || event === null) {
    throw new ReplyError(
      `An event is ${textOf(event)}.`,
      'It is a string, or an object with the fields of events: { data: … }.',
    );
  }
  if ((event as ServerSentEvent).data !== undefined) return;
  const lost = Object.entries(event).find(
    ([name, value]) => value !== undefined && !fields.includes(name),
  );
  if (lost === undefined) return;
  throw new ReplyError(
    `An event has the field "${lost[0]}", which no event has, and no \`data\`.`,
    `Its fields are ${fields.join(', ')}; what it shall carry goes into \`data\`: { data: … }.`,
  );
}

/** Of a timer. */
const longest = 2 ** 31 - 1;

/** What is sent while there are no events. */
export const keepAliveComment = ':\n\n';

const lineBreak = /\r\n|\r|\n/;

/**
 * The text of an event; whatever is in it, it is one event.
 * @throws ReplyError for an id or a type that would be more than one line, a `retry` that is no whole number,
 * or a field that no event has.
 */
export function formatEvent(event: ServerSentEvent | string): string {
  if (typeof event === 'string') return `${field('data', event)}\n`;
  refuseLost(event);
  const { id, event: type, retry, data, comment } = event;
  let text = '';
  if (comment !== undefined) text += field('', comment);
  if (type !== undefined) text += `event: ${oneLine('event', type)}\n`;
  if (id !== undefined) text += `id: ${oneLine('id', String(id))}\n`;
  if (retry !== undefined) {
    if (!Number.isSafeInteger(retry) || retry < 0) refuse('retry', String(retry));
    text += `retry: ${retry}\n`;
  }
  if (data !== undefined) text += field('data', dataText(data));
  return `${text}\n`;
}

function dataText(data: unknown): string {
  if (typeof data === 'string') return data;
  const json: unknown = JSON.stringify(data);
  // Of functions and symbols, whatever its type says.
  return typeof json === 'string' ? json : '';
}

function field(name: string, text: string): string {
  return text
    .split(lineBreak)
    .map((line) => `${name}: ${line}\n`)
    .join('');
}

function oneLine(name: string, text: string): string {
  if (/[\r\n\0]/.test(text)) refuse(name, JSON.stringify(text));
  return text;
}

function refuse(name: string, value: string): never {
  throw new ReplyError(
    `An event has the ${name} ${value}.`,
    'Ids and types are one line of text, `retry` is a whole number of milliseconds.',
  );
}
