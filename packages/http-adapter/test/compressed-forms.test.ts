/** Forms that come compressed: both kinds, by each coding. */
import { randomBytes } from 'node:crypto';
import { brotliCompressSync, constants, deflateSync, gzipSync } from 'node:zlib';
import { Controller, File, Form, Get, Post, UploadedFile } from '../src/index.js';
import { closeAll, gate, makeApp, RawClient } from './support.js';

afterEach(closeAll);

let handled = 0;
beforeEach(() => {
  handled = 0;
});

@Controller()
class Forms {
  @Post('/form') async form(
    @Form('title') title: string,
    @File('photo', { optional: true }) photo?: UploadedFile,
  ) {
    handled++;
    return { title: title.length, photo: photo?.size ?? 0 };
  }
  @Get('/') async root() {
    return 'root';
  }
}

const size = 200_000;
const forms = { size, fileSize: 100_000, fieldSize: 150_000 };

async function start() {
  const { app, log } = await makeApp({ controllers: [Forms], decompress: true, forms });
  const { port } = await app.listen({ port: 0 });
  return { app, log, port };
}

/** The best quality takes seconds. */
const br = (bytes: Buffer) =>
  brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } });
const codings = { gzip: gzipSync, deflate: deflateSync, br };

interface Kind {
  readonly type: string;
  /** A form with that title, and some bytes in a file where it can have one. */
  readonly body: (title: string, photo?: string) => Buffer;
}

const kinds: Readonly<Record<string, Kind>> = {
  urlencoded: {
    type: 'application/x-www-form-urlencoded',
    body: (title) => Buffer.from(`title=${title}`),
  },
  multipart: {
    type: 'multipart/form-data; boundary=edge',
    body: (title, photo = '') =>
      Buffer.from(
        [
          '--edge\r\nContent-Disposition: form-data; name="photo"; filename="a.png"',
          `Content-Type: image/png\r\n\r\n${photo}`,
          `--edge\r\nContent-Disposition: form-data; name="title"\r\n\r\n${title}`,
          '--edge--\r\n',
        ].join('\r\n'),
        'latin1',
      ),
  },
};

/** Letters that compress to some three quarters. */
const varied = (length: number) => randomBytes(length).toString('hex').slice(0, length);

const cases = Object.entries(kinds).flatMap(([kind, how]) =>
  Object.entries(codings).map(([coding, compress]) => ({ kind, coding, compress, ...how })),
);

describe.each(cases)('$kind by $coding', ({ coding, compress, type, body }) => {
  /** Sends a body and tells what is answered; then the connection serves the next request. */
  async function post(payload: Buffer) {
    const { app, log, port } = await start();
    const client = await RawClient.connect(port);
    client.send(
      ...['POST /form HTTP/1.1', 'Host: a', `Content-Type: ${type}`],
      ...[`Content-Encoding: ${coding}`, `Content-Length: ${payload.length}`, '', ''],
    );
    client.send(payload.toString('latin1'));
    const [, status, answer] = await client.until(/^HTTP\/1\.1 (\d+) [^]*?\r\n\r\n(\{[^]*\})$/);
    client.send('GET / HTTP/1.1', 'Host: a', '', '');
    await client.until(/\}HTTP\/1\.1 200 [^]*root$/);
    await app.close();
    expect(log.faults).toEqual([]);
    const { detail, ...others } = JSON.parse(answer as string) as Record<string, unknown>;
    return Number(status) === 200 ? others : { status: Number(status), detail };
  }

  it('is read', async () => {
    const photo = type.startsWith('multipart') ? 5000 : 0;
    const payload = compress(body(varied(1000), varied(photo)));
    expect(await post(payload)).toEqual({ title: 1000, photo });
  });

  it('that is corrupt is a 400', async () => {
    const payload = compress(body(varied(5000)));
    for (let at = 10; at < payload.length; at += 7) payload[at]! ^= 0xff;
    expect(await post(payload)).toEqual({
      status: 400,
      detail: expect.stringMatching(/not validly compressed|malformed/) as string,
    });
    expect(handled).toBe(0);
  });

  it('that is none of that coding is a 400', async () => {
    const payload = Buffer.from('\0\0\0 title=abc');
    expect(await post(payload)).toEqual({
      status: 400,
      detail: 'The body is not validly compressed.',
    });
  });

  it('that is cut off is a 400', async () => {
    const payload = compress(body(varied(5000)));
    expect(await post(payload.subarray(0, payload.length - 20))).toEqual({
      status: 400,
      detail: 'The body is not validly compressed.',
    });
    expect(handled).toBe(0);
  });

  it('that is a bomb is a 413', async () => {
    // Less than each limit; only the growth tells.
    expect(await post(compress(body('x'.repeat(140_000))))).toEqual({
      status: 413,
      detail: 'The body is compressed too much.',
    });
    expect(await post(compress(body('x'.repeat(20_000_000))))).toMatchObject({ status: 413 });
    expect(handled).toBe(0);
  });

  it('is limited by what it is without its compression', async () => {
    const fits = forms.fieldSize;
    expect(await post(compress(body(varied(fits))))).toEqual({ title: fits, photo: 0 });
    expect(await post(compress(body(varied(fits + 1))))).toEqual({
      status: 413,
      detail: `A field of the form may have at most ${fits} bytes.`,
    });
    expect(await post(compress(body(varied(size))))).toMatchObject({ status: 413 });
    expect(handled).toBe(1);
  });

  it('whose client goes away leaves nothing behind', async () => {
    const { app, log, port } = await start();
    const [reading, gone] = [gate(), gate()];
    app.use((request, response, next) => {
      response.once('close', gone.open);
      next();
      reading.open();
    });
    const client = await RawClient.connect(port);
    client.send(
      ...['POST /form HTTP/1.1', 'Host: a', `Content-Type: ${type}`],
      ...[`Content-Encoding: ${coding}`, 'Content-Length: 5000', '', ''],
    );
    client.send(
      compress(body(varied(5000)))
        .subarray(0, 2000)
        .toString('latin1'),
    );
    await reading.opened;
    client.destroy();
    await gone.opened;
    // It would wait for the request for ever.
    await app.close({ grace: 2 ** 31 - 1 });
    expect(log.faults).toEqual([]);
    expect(handled).toBe(0);
  });
});

it('a file is limited by what it is without its compression', async () => {
  const { app } = await makeApp({ controllers: [Forms], decompress: true, forms });
  const { type, body } = kinds.multipart as Kind;
  const post = (length: number) =>
    app.inject({
      method: 'POST',
      url: '/form',
      headers: { 'content-type': type, 'content-encoding': 'gzip' },
      payload: gzipSync(body('a', varied(length))),
    });
  expect((await post(forms.fileSize)).json()).toEqual({ title: 1, photo: forms.fileSize });
  const refused = await post(forms.fileSize + 1);
  expect([refused.statusCode, refused.json()]).toMatchObject([
    413,
    { detail: `A file may have at most ${forms.fileSize} bytes.` },
  ]);
});

it.each(Object.entries(kinds))(
  'without `decompress` a compressed form is a 415: %s',
  async (_, kind) => {
    const { app } = await makeApp({ controllers: [Forms] });
    const response = await app.inject({
      method: 'POST',
      url: '/form',
      headers: { 'content-type': kind.type, 'content-encoding': 'gzip' },
      payload: gzipSync(kind.body('a')),
    });
    expect([response.statusCode, response.headers['accept-encoding']]).toEqual([415, 'identity']);
    expect(handled).toBe(0);
  },
);
