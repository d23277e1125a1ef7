import { pbkdf2Sync } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  Body,
  Controller,
  createApp,
  File,
  Files,
  Form,
  OptionsError,
  Post,
  UploadedFile,
  type FormLimits,
} from '../src/index.js';
import { closeAll, gate, makeApp, RawClient, serve } from './support.js';

afterEach(closeAll);

let handled = 0;

@Controller()
class Forms {
  @Post('/order') async order(
    @Form('name') name: string,
    @Form('burgers', { default: 1 }) burgers: number,
    @Form('sauce', { type: [String], optional: true }) sauces?: string[],
  ) {
    handled++;
    return { name, burgers, sauces };
  }
  @Post('/photo') async photo(@File('photo') { name, filename, type, size }: UploadedFile) {
    handled++;
    return { name, filename, type, size };
  }
  @Post('/photos') async photos(
    @Files('photos') photos: UploadedFile[],
    @Files('more', { optional: true }) more: UploadedFile[],
    @File('one', { optional: true }) one?: UploadedFile,
  ) {
    handled++;
    return { photos: photos.map((file) => file.text()), more: more.length, one: one?.text() };
  }
}

const boundary = 'limit';

interface Part {
  readonly name: string;
  readonly value: string;
  readonly filename?: string;
}

function multipart(...parts: readonly Part[]): string {
  const all = parts.map(
    ({ name, value, filename }) =>
      `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${
        filename === undefined ? '' : `; filename="${filename}"\r\nContent-Type: image/png`
      }\r\n\r\n${value}\r\n`,
  );
  return `${all.join('')}--${boundary}--\r\n`;
}

async function post(
  url: string,
  payload: string | Buffer,
  {
    type = `multipart/form-data; boundary=${boundary}`,
    ...limits
  }: Partial<FormLimits> & {
    type?: string;
  } = {},
) {
  const { app, log } = await makeApp({ controllers: [Forms], forms: limits });
  const headers = { 'content-type': type };
  const response = await app.inject({ method: 'POST', url, payload, headers });
  expect(log.faults).toEqual([]);
  return { status: response.statusCode, json: response.json<Record<string, unknown>>() };
}

const urlencoded = { type: 'application/x-www-form-urlencoded' };

describe('fields', () => {
  it('of an urlencoded form are converted like those of a query', async () => {
    const { json } = await post('/order', 'name=A+d%C3%A1&burgers=2&sauce=a&sauce=b', urlencoded);
    expect(json).toEqual({ name: 'A dá', burgers: 2, sauces: ['a', 'b'] });
  });

  it('of a multipart form are, too', async () => {
    const form = multipart(
      { name: 'name', value: 'Adá' },
      { name: 'burgers', value: '2' },
      { name: 'sauce', value: 'a' },
    );
    expect((await post('/order', form)).json).toEqual({ name: 'Adá', burgers: 2, sauces: ['a'] });
  });

  it('that are wrong are in one answer', async () => {
    const { status, json } = await post('/order', 'burgers=x&sauce=a', urlencoded);
    expect(status).toBe(422);
    expect(json.errors).toEqual([
      { location: 'form', path: 'name', message: 'is required' },
      { location: 'form', path: 'burgers', message: 'must be a number' },
    ]);
  });

  it('are missing where there is no body', async () => {
    const { app } = await makeApp({ controllers: [Forms] });
    expect((await app.inject({ method: 'POST', url: '/order' })).statusCode).toBe(422);
  });

  it.each(['__proto__=1&name=a', 'constructor=1&name=a'])('%s reach nothing', async (form) => {
    expect((await post('/order', form, urlencoded)).json).toEqual({ name: 'a', burgers: 1 });
  });
});

describe('files', () => {
  it('come with name, filename, type and bytes', async () => {
    const form = multipart({ name: 'photo', filename: '../é.png', value: 'abc' });
    const { json } = await post('/photo', form);
    expect(json).toEqual({ name: 'photo', filename: 'é.png', type: 'image/png', size: 3 });
  });

  it('may be several', async () => {
    const form = multipart(
      { name: 'photos', filename: 'a', value: '1' },
      { name: 'photos', filename: 'b', value: '2' },
      // What a browser sends for a file that nobody chose.
      { name: 'one', filename: '', value: '' },
    );
    expect((await post('/photos', form)).json).toEqual({ photos: ['1', '2'], more: 0 });
  });

  it('that are missing or too many are faults', async () => {
    const none = await post('/photo', multipart({ name: 'photo', value: 'a text' }));
    const errors = [{ location: 'file', path: 'photo', message: 'is required' }];
    expect(none).toMatchObject({ status: 422, json: { errors } });
    expect((await post('/photos', multipart())).status).toBe(422);
    const file = { name: 'photo', filename: 'a', value: '1' };
    expect((await post('/photo', multipart(file, file))).json.errors).toMatchObject([
      { message: 'is given more than once' },
    ]);
  });

  it('cross to a thread', async () => {
    @Controller()
    class Hashing {
      @Post('/hash') hash(@File('photo') photo: UploadedFile) {
        const key = pbkdf2Sync(photo.bytes, 'salt', 1, 4, 'sha512');
        return { isFile: photo instanceof UploadedFile, text: photo.text(), key: key.length };
      }
    }
    const { app } = await makeApp({ controllers: [Hashing], threads: { executor: 'inline' } });
    const response = await app.inject({
      method: 'POST',
      url: '/hash',
      payload: multipart({ name: 'photo', filename: 'a', value: 'abc' }),
      headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
    });
    expect(response.json()).toEqual({ isFile: true, text: 'abc', key: 4 });
  });
});

describe('a form is refused', () => {
  const field = { name: 'name', value: 'Ada' };
  const file = { name: 'photo', filename: 'a.png', value: 'abcd' };

  it.each<[string, number, string, Partial<FormLimits> & { type?: string }]>([
    ['as JSON', 415, '{}', { type: 'application/json' }],
    ['without a type', 415, 'name=a', { type: '' }],
    [
      'in another charset',
      415,
      'name=a',
      { type: 'application/x-www-form-urlencoded; charset=latin1' },
    ],
    ['without a boundary', 400, multipart(field), { type: 'multipart/form-data' }],
    ['that is cut off', 400, multipart(field).slice(0, -20), {}],
    ['that is none', 400, 'nothing', {}],
    ['with a broken escape', 400, 'name=%zz', urlencoded],
    ['with a name too long', 400, multipart({ ...field, name: 'n'.repeat(201) }), {}],
    ['with a key too long', 400, `${'n'.repeat(201)}=1`, urlencoded],
    ['with a filename too long', 400, multipart({ ...file, filename: 'n'.repeat(201) }), {}],
    ['above its size', 413, multipart(field), { size: 20 }],
    ['above its size, urlencoded', 413, 'name=Adalbert', { ...urlencoded, size: 8 }],
    ['with too many fields', 413, multipart(field, field, field), { fields: 2 }],
    ['with too many fields, urlencoded', 413, 'a=1&a=2&b=3', { ...urlencoded, fields: 2 }],
    ['with too large a field', 413, multipart(field), { fieldSize: 2 }],
    ['with too large a field, urlencoded', 413, 'name=abc', { ...urlencoded, fieldSize: 2 }],
    ['with too many files', 413, multipart(file, file), { files: 1 }],
    ['with too large a file', 413, multipart(file), { fileSize: 3 }],
  ])('%s: %i', async (_what, status, payload, how) => {
    handled = 0;
    expect((await post('/order', payload, how)).status).toBe(status);
    expect(handled).toBe(0);
  });

  it('at exactly its limits it is not', async () => {
    const form = multipart(field, { ...file, value: 'abc' });
    const limits = {
      fields: 1,
      files: 1,
      fieldSize: 3,
      fileSize: 3,
      size: Buffer.byteLength(form),
    };
    expect((await post('/order', form, limits)).status).toBe(200);
  });
});

describe('over a socket', () => {
  const head = (length: number) => [
    'POST /photo HTTP/1.1',
    'Host: a',
    `Content-Type: multipart/form-data; boundary=${boundary}`,
    `Content-Length: ${length}`,
    '',
    '',
  ];

  it('a client that goes half way leaves nothing behind', async () => {
    handled = 0;
    const { app, log } = await makeApp({ controllers: [Forms] });
    const arrived = gate();
    const server = createServer((request, response) => {
      app.handler(request, response);
      // It has come to the parser when listeners that were there before have heard of it.
      request.once('resume', () => request.once('data', () => arrived.open()));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = await RawClient.connect((server.address() as AddressInfo).port);
    client.send(
      ...head(1000),
      `--${boundary}\r\nContent-Disposition: form-data; name="photo"; filename="a"`,
      '',
      'abc',
    );
    await arrived.opened;
    client.destroy();
    await client.closed;
    // It waits for the requests in work.
    await app.close({ grace: 600_000 });
    server.close();
    expect(handled).toBe(0);
    expect(log.faults).toEqual([]);
  });

  it('what follows the end of a form is none of it, however it is cut on its way', async () => {
    const { port } = await serve({ controllers: [Forms] });
    const client = await RawClient.connect(port);
    const form =
      multipart({ name: 'photo', filename: 'a', value: 'abc' }) +
      multipart(
        { name: 'photo', filename: 'b', value: 'another one' },
        { name: 'photo', filename: 'c', value: 'and one more' },
      );
    const chunk = (bytes: string) => `${bytes.length.toString(16)}\r\n${bytes}\r\n`;
    for (let cut = 1; cut < form.length; cut++) {
      client.received = '';
      client.send(
        'POST /photo HTTP/1.1',
        'Host: a',
        `Content-Type: multipart/form-data; boundary=${boundary}`,
        'Transfer-Encoding: chunked',
        '',
        `${chunk(form.slice(0, cut))}${chunk(form.slice(cut))}0`,
        '',
        '',
      );
      await client.until(/\r\n\r\n[^]+}$/);
      expect(client.received).toMatch(/^HTTP\/1\.1 200 [^]*"filename":"a"[^]*"size":3/);
    }
  });

  it('the connection goes on after a form that was refused', async () => {
    const { port } = await serve({ controllers: [Forms], forms: { fileSize: 3 } });
    const client = await RawClient.connect(port);
    const form = multipart(
      { name: 'photo', filename: 'a', value: 'too much' },
      { name: 'rest', value: 'r'.repeat(50_000) },
    );
    client.send(...head(form.length), form);
    await client.until(/^HTTP\/1\.1 413 /);
    const right = multipart({ name: 'photo', filename: 'a', value: 'abc' });
    client.send(...head(right.length), right);
    await client.until(/HTTP\/1\.1 200 [^]*"size":3/);
  });
});

describe('createApp refuses', () => {
  it('a limit that there is not, or that is none', async () => {
    const limited = (forms: object) => createApp({ controllers: [Forms], forms });
    await expect(limited({ parts: 1 })).rejects.toThrow(OptionsError);
    await expect(limited({ parts: 1 })).rejects.toThrow('has no limit "parts"');
    await expect(limited({ files: -1 })).rejects.toThrow('has -1 for `files`');
  });

  it('a route that reads one body in two ways', async () => {
    @Controller()
    class Both {
      @Post('/both') async both(@Body() body: unknown, @Form('name') name: string) {
        return [body, name];
      }
    }
    await expect(createApp({ controllers: [Both], logger: false })).rejects.toThrow(
      'POST /both of Both.both reads its body as JSON and as a form.',
    );
  });
});
