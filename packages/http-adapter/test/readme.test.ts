import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createApp, type App } from '@turno/http-adapter';
import { Buns } from './readme/errors.js';
import { Orders } from './readme/parameters.js';

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
    app = await createApp({ controllers: [Orders, Buns], logger: false });
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
    });
  });
});
