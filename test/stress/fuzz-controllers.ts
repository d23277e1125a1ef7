/**
 * What the fuzz run of HTTP sends its requests to: routes with parameters of every kind, on the loop and
 * in threads, which import this module. Each handler says whether it has seen what it may not see.
 */
import { fileURLToPath } from 'node:url';
import { Injectable } from '@turno/core';
import {
  Body,
  Controller,
  Cookie,
  createParameter,
  file,
  File,
  Files,
  Form,
  Get,
  Header,
  Path,
  Post,
  Put,
  Query,
  redirect,
  Reply,
  RequestInfo,
  sse,
  UploadedFile,
} from '@turno/http-adapter';
import { z } from 'zod';

/** Stands in an answer of a handler that was given what its declaration does not allow. */
export const mark = 'WRONG VALUE';

type Check = (value: unknown) => boolean;

const text: Check = (value) => typeof value === 'string' && !/\p{Surrogate}/u.test(value);
const number: Check = (value) => typeof value === 'number' && Number.isFinite(value);
const boolean: Check = (value) => typeof value === 'boolean';
const bigint: Check = (value) => typeof value === 'bigint';
const maybe =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
/** A part of a path: neither empty nor long, and without control characters. */
const part: Check = (value) => text(value) && /^[^\0-\x1f\x7f]{1,1024}$/.test(value as string);
/** What a header may bring. */
const line: Check = (value) => text(value) && !/[^\t\x20-\x7e\x80-\xff]/.test(value as string);
const upload: Check = (value) =>
  value instanceof UploadedFile &&
  [value.name, value.filename, value.type].every(text) &&
  value.bytes instanceof Uint8Array &&
  value.size <= 2000;

/** Data that reaches no prototype. */
const data: Check = (value) => {
  if (Array.isArray(value)) return value.every(data);
  if (typeof value !== 'object' || value === null) {
    return value === null || number(value) || boolean(value) || typeof value === 'string';
  }
  return (
    [Object.prototype, null].includes(Object.getPrototypeOf(value) as null) &&
    !Object.hasOwn(value, '__proto__') &&
    Object.values(value).every(data)
  );
};

function verdict(...checks: readonly (readonly [check: Check, value: unknown])[]) {
  const wrong = checks.flatMap(([check, value], index) => (check(value) ? [] : [index]));
  return wrong.length === 0 ? { fine: checks.length } : { [mark]: wrong };
}

const Order = z.object({
  burgers: z.number().int().min(1).max(20),
  name: z.string().max(50),
  extras: z.array(z.string()).optional(),
});
const Texts = z.record(z.string(), z.union([z.string(), z.array(z.string())]));
const texts: Check = (value) =>
  typeof value === 'object' &&
  value !== null &&
  !Object.hasOwn(value, '__proto__') &&
  Object.values(value).every((each) => typeof each === 'string' || listOf(text)(each));
const order: Check = (value) => {
  const { burgers, name } = value as z.infer<typeof Order>;
  return Number.isInteger(burgers) && burgers >= 1 && burgers <= 20 && name.length <= 50;
};

const Own = createParameter(({ method, url, query }) => `${method} ${url} ${query.size}`);

@Injectable({ scope: 'request' })
class Caller {
  constructor(
    readonly info: RequestInfo,
    @Header('x-tenant', { optional: true, type: String }) readonly tenant: string | undefined,
  ) {}

  verdict() {
    const { clientAddress, protocol, host } = this.info;
    return verdict(
      [text, clientAddress],
      [(value) => value === 'http' || value === 'https', protocol],
      [maybe((value) => /^[\w.:[\]-]+$/.test(String(value))), host],
      [maybe(line), this.tenant],
    );
  }
}

export const providers = [Caller];

@Controller('/loop')
export class OnLoop {
  @Get('/items/:id') async item(
    @Path('id') id: number,
    @Query('page', { default: 1 }) page: number,
    @Query('open', { optional: true, type: Boolean }) open: boolean | undefined,
    @Query('big', { optional: true, type: BigInt }) big: bigint | undefined,
    @Query('tag', { type: [String], optional: true }) tags: string[] | undefined,
    @Cookie('session', { optional: true, type: String }) session: string | undefined,
    @Header('accept-language', { optional: true, type: String }) language: string | undefined,
  ) {
    return verdict(
      [number, id],
      [number, page],
      [maybe(boolean), open],
      [maybe(bigint), big],
      [maybe(listOf(text)), tags],
      [maybe(text), session],
      [maybe(line), language],
    );
  }

  @Get('/parts/:from-:to/:name(\\w+)') async parts(
    @Path('from') from: string,
    @Path('to') to: string,
    @Path('name') name: string,
  ) {
    return verdict([part, from], [part, to], [(value) => /^\w+$/.test(String(value)), name]);
  }

  @Get('/all') async all(
    @Query(Texts) query: z.infer<typeof Texts>,
    @Cookie(Texts) cookies: z.infer<typeof Texts>,
    @Header(Texts) headers: z.infer<typeof Texts>,
    @Own() own: string,
  ) {
    return verdict([texts, query], [texts, cookies], [texts, headers], [text, own]);
  }

  @Get('/caller') async caller(caller: Caller) {
    return caller.verdict();
  }

  @Get('/files/*') async files(@Path('*') path: string) {
    return file(path, { root: fileURLToPath(new URL('.', import.meta.url)) });
  }

  @Get('/download') async download(@Query('name') name: string) {
    return file(fileURLToPath(new URL('fuzz-http.test.ts', import.meta.url)), { download: name });
  }

  @Get('/events') async events(@Query('data') said: string) {
    return sse([{ data: said, comment: said }, said]);
  }

  @Get('/pieces') async *pieces(@Query('data') said: string) {
    yield said;
    await Promise.resolve();
    yield said;
  }

  @Get('/away') async away(@Query('to') to: string) {
    return redirect(`/loop/items/${encodeURIComponent(to)}`);
  }

  @Get('/cookie') async cookie(@Query('value') value: string, reply: Reply) {
    reply.cookie('said', value);
    return verdict([text, value]);
  }

  @Post('/orders', { status: 201 }) async add(@Body(Order) body: z.infer<typeof Order>) {
    return verdict([order, body]);
  }

  @Put('/any') async any(@Body({ optional: true }) body: unknown) {
    return verdict([maybe(data), body]);
  }

  @Post('/text') async text(@Body() body: string) {
    return verdict([(value) => typeof value === 'string', body]);
  }

  @Post('/form') async form(
    @Form('title') title: string,
    @Form('count', { default: 1 }) count: number,
    @Form('tag', { type: [Number], optional: true }) tags: number[] | undefined,
    @Files('photo', { optional: true }) photos: UploadedFile[],
  ) {
    return verdict(
      [text, title],
      [number, count],
      [maybe(listOf(number)), tags],
      [listOf(upload), photos],
    );
  }
}

@Controller('/thread')
export class InThreads {
  @Get('/items/:id') item(
    @Path('id') id: number,
    @Query('page', { default: 1 }) page: number,
    @Query('open', { optional: true, type: Boolean }) open: boolean | undefined,
    @Query('big', { optional: true, type: BigInt }) big: bigint | undefined,
    @Query('tag', { type: [String], optional: true }) tags: string[] | undefined,
    @Cookie('session', { optional: true, type: String }) session: string | undefined,
    @Header('accept-language', { optional: true, type: String }) language: string | undefined,
  ) {
    return verdict(
      [number, id],
      [number, page],
      [maybe(boolean), open],
      [maybe(bigint), big],
      [maybe(listOf(text)), tags],
      [maybe(text), session],
      [maybe(line), language],
    );
  }

  @Get('/all') all(
    @Query(Texts) query: z.infer<typeof Texts>,
    @Cookie(Texts) cookies: z.infer<typeof Texts>,
    @Header(Texts) headers: z.infer<typeof Texts>,
    @Own() own: string,
  ) {
    return verdict([texts, query], [texts, cookies], [texts, headers], [text, own]);
  }

  @Get('/cookie') cookie(@Query('value') value: string, reply: Reply) {
    reply.cookie('said', value);
    return verdict([text, value]);
  }

  @Get('/pieces') *pieces(@Query('data') said: string) {
    yield said;
    yield said;
  }

  @Post('/orders', { status: 201 }) add(@Body(Order) body: z.infer<typeof Order>) {
    return verdict([order, body]);
  }

  @Put('/any') any(@Body({ optional: true }) body: unknown) {
    return verdict([maybe(data), body]);
  }

  @Post('/text') text(@Body() body: string) {
    return verdict([(value) => typeof value === 'string', body]);
  }

  @Post('/form') form(
    @Form('title') title: string,
    @Form('count', { default: 1 }) count: number,
    @File('photo', { optional: true }) photo: UploadedFile | undefined,
  ) {
    return verdict([text, title], [number, count], [maybe(upload), photo]);
  }
}
