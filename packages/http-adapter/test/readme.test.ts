import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createApp, type App } from '@turno/http-adapter';
import { Menu } from './readme/answers.js';
import { Access, Recipes } from './readme/depends.js';
import { Errors, Grill } from './readme/catch.js';
import { Buns } from './readme/errors.js';
import { Photos } from './readme/files.js';
import { app as guarded } from './readme/middleware.js';
import { Shops } from './readme/nested.js';
import { Greeting } from './readme/own-parameter.js';
import { Orders } from './readme/parameters.js';
import { Pickups, sent } from './readme/tasks.js';

const folder = new URL('readme/', import.meta.url);
const register = new URL('../../../register.mjs', import.meta.url).href;
const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

it('the snippets of the README are the files that are run here', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const snippets = [...readme.matchAll(/```ts\n([^]*?)```/g)].map(([, code]) => code);
  const files = readdirSync(folder).map((file) => readFileSync(new URL(file, folder), 'utf8'));
  expect(snippets.sort()).toEqual(files.sort());
});

/** A program that runs one of the files. */
class Program {
  output = '';
  readonly child: ChildProcess;
  readonly exited: Promise<number | null>;

  constructor(file: string) {
    const path = fileURLToPath(new URL(file, folder));
    this.child = spawn(process.execPath, ['--import', register, path], {
      env: { ...process.env, PORT: '0' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    children.push(this.child);
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on('data', (text: Buffer) => (this.output += text.toString()));
    }
    this.exited = once(this.child, 'close').then(([code]) => code as number | null);
  }

  /** The port that it says it listens on. */
  async port(pattern: RegExp): Promise<string> {
    for (;;) {
      const [, port] = pattern.exec(this.output) ?? [];
      if (port !== undefined) return port;
      await Promise.race([
        once(this.child.stdout ?? this.child, 'data'),
        this.exited.then(() => {
          throw new Error(`It ended before it listened: ${this.output}`);
        }),
      ]);
    }
  }
}

it('server.ts serves from the loop and from a thread, and ends by a signal', async () => {
  const program = new Program('server.ts');
  const port = await program.port(/"url":"http:\/\/127\.0\.0\.1:(\d+)"/);
  const url = `http://127.0.0.1:${port}/burgers`;
  expect(await (await fetch(`${url}/7`)).json()).toEqual({ id: 7, name: 'cheeseburger' });
  const missing = await fetch(`${url}/8`);
  expect(missing.status).toBe(404);
  expect(await missing.json()).toMatchObject({ detail: 'There is no burger 8.' });
  expect(await (await fetch(`${url}/grill?patties=2`)).json()).toEqual({
    patties: 2,
    taste: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
  });
  program.child.kill('SIGTERM');
  expect(await program.exited).toBe(0);
}, 20_000);

it('own-server.ts serves', async () => {
  const program = new Program('own-server.ts');
  const port = await program.port(/port: (\d+)/);
  expect(await (await fetch(`http://127.0.0.1:${port}/hello`)).text()).toBe('Hello!');
}, 20_000);

it('inject.ts passes', async () => {
  const program = new Program('inject.ts');
  const code = await program.exited;
  expect({ code, output: program.output }).toEqual({ code: 0, output: '' });
}, 20_000);

it('proxy.ts believes the proxies that it names', async () => {
  const { app } = await import('./readme/proxy.js');
  const headers = {
    host: 'inside',
    'x-forwarded-for': '203.0.113.7, 10.0.0.1',
    'x-forwarded-proto': 'https',
    'x-forwarded-host': 'shop.example',
  };
  const response = await app.inject({ url: '/me', headers });
  expect(response.payload).toBe('203.0.113.7 has asked for https://shop.example');
  await app.close();
});

describe('the controllers', () => {
  let app: App;
  beforeAll(async () => {
    app = await createApp({
      controllers: [Orders, Buns, Shops, Photos, Greeting, Pickups, Menu, Recipes, Grill],
      providers: [Access],
      catch: [Errors],
      logger: false,
    });
  });
  afterAll(() => app.close());

  it('of parameters.ts convert and check', async () => {
    expect((await app.inject('/orders')).json()).toEqual({ page: 1, sort: 'date' });
    const headers = { 'accept-language': 'eo' };
    const full = await app.inject({ url: '/orders?page=2&open=1&sort=name', headers });
    expect(full.json()).toEqual({ page: 2, open: true, sort: 'name', language: 'eo' });
    const wrong = await app.inject('/orders?page=x&open=maybe&sort=size');
    expect(wrong.statusCode).toBe(422);
    const { errors } = wrong.json<{ errors: { path: string }[] }>();
    expect(errors.map(({ path }) => path)).toEqual(['page', 'open', 'sort']);
    const order = { method: 'POST', url: '/orders' } as const;
    const added = await app.inject({ ...order, payload: { burgers: 2, name: 'Ada' } });
    expect(added.statusCode).toBe(201);
    expect(added.json()).toEqual({ ordered: 2, for: 'Ada' });
    expect((await app.inject({ ...order, payload: { burgers: 0 } })).statusCode).toBe(422);
  });

  it('of nested.ts are served below each other', async () => {
    expect((await app.inject('/shops/a/orders/7')).json()).toEqual({ order: 7 });
    const line = { shop: 'a', order: 7, line: 2 };
    expect((await app.inject('/shops/a/orders/7/lines/2')).json()).toEqual(line);
  });

  it('of files.ts take a form', async () => {
    const form = new FormData();
    form.set('title', 'Hill');
    form.set('photo', new Blob(['abc'], { type: 'image/png' }), 'hill.png');
    const { headers, body } = new Response(form);
    const response = await app.inject({
      method: 'POST',
      url: '/photos',
      headers: { 'content-type': headers.get('content-type') ?? '' },
      payload: Buffer.from(await new Response(body).arrayBuffer()),
    });
    expect(response.json()).toMatchObject({ title: 'Hill', filename: 'hill.png', size: 3 });
  });

  it('of own-parameter.ts read the request', async () => {
    const ask = (language: string) =>
      app.inject({ url: '/greeting', headers: { 'accept-language': language } });
    expect((await ask('eo')).json()).toEqual({ language: 'eo' });
    const wrong = { location: 'header', path: 'accept-language', message: 'must be one of en, eo' };
    expect((await ask('tlh')).json()).toMatchObject({ status: 422, errors: [wrong] });
  });

  it('of depends.ts ask for a key', async () => {
    expect((await app.inject('/recipes')).statusCode).toBe(401);
    const headers = { authorization: 'Bearer cheese' };
    expect((await app.inject({ url: '/recipes', headers })).payload).toBe('secret');
  });

  it('of errors.ts answer with a problem document', async () => {
    const response = await app.inject('/buns');
    expect(response.statusCode).toBe(503);
    expect(response.headers['retry-after']).toBe('300');
    expect(response.json()).toEqual({
      type: 'https://burgers.example/problems/out-of-buns',
      title: 'Service Unavailable',
      status: 503,
      detail: 'New buns come in 5 minutes.',
      minutes: 5,
      requestId: expect.any(String) as string,
    });
  });

  it('of tasks.ts accept, and do the rest later', async () => {
    const response = await app.inject({ method: 'POST', url: '/pickups/Ada' });
    expect(response.statusCode).toBe(202);
    expect(sent).toEqual(['Ada: your burger is ready']);
  });

  it('of answers.ts answer in every way', async () => {
    const login = await app.inject({ method: 'POST', url: '/menu/login' });
    expect(login.statusCode).toBe(201);
    expect(login.headers['set-cookie']).toEqual([
      'sid=secret; Path=/; HttpOnly; Secure; SameSite=Lax',
    ]);
    expect((await app.inject('/menu/old')).headers.location).toBe('/menu');
    expect((await app.inject('/menu/card')).headers['content-type']).toBe('text/plain');
    expect((await app.inject('/menu/export')).body).toBe('id,name\n7,cheeseburger\n');
    expect((await app.inject('/menu/events')).body).toContain('event: order\nid: 3\n');
  });

  it('of catch.ts throw, and are answered for', async () => {
    const response = await app.inject('/grill/beef');
    expect(response.statusCode).toBe(409);
    expect(response.json()).toEqual({ sorry: 'beef is sold out', try: 'halloumi' });
    expect((await app.inject('/nowhere')).body).toBe('There is nothing here.');
  });
});

it('middleware.ts guards a path', async () => {
  const response = await guarded.inject('/hello');
  expect(response.statusCode).toBe(200);
  expect(response.headers['x-content-type-options']).toBe('nosniff');
  expect((await guarded.inject('/admin')).statusCode).toBe(401);
  await guarded.close();
});
