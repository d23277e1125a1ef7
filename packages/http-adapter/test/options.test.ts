import { createServer } from 'node:http';
import { token, value } from '@turno/core';
import {
  closeOnSignals,
  configureServer,
  Controller,
  createApp,
  file,
  Get,
  OptionsError,
  sse,
  type ListenOptions,
} from '../src/index.js';
import { closeAll, makeApp } from './support.js';

afterEach(closeAll);

/** What JavaScript passes although the types forbid it. */
const misspelt = (options: object): never => options as never;

it('a provider that is none is named by its place in the list', async () => {
  @Controller()
  class Hello {
    @Get() async hello() {
      return 'hello';
    }
  }
  const listed = value(token<number>('Port'), 8000);
  const providers = [listed, listed, undefined as never];
  await expect(createApp({ controllers: [Hello], providers, logger: false })).rejects.toThrow(
    'providers[2] is undefined, which is no provider.',
  );
  const controllers = [Hello, Hello, undefined as never];
  await expect(createApp({ controllers, logger: false })).rejects.toThrow(
    'controllers[2] is undefined, which is no class.',
  );
});

it('what is missing is not taken for something of this package', async () => {
  class Repo {}
  @Controller()
  class Hello {
    @Get() async reply(_repo: Repo) {
      return 'hello';
    }
  }
  const start = createApp({ controllers: [Hello], logger: false });
  const { message } = (await start.catch((error: unknown) => error)) as Error;
  expect(message).toContain('(parameter 1, Repo). Decorate "Repo" with @Injectable()');
  expect(message).not.toContain('Did you mean');
});

describe('an option that does not exist is refused', () => {
  it('by listen, which then listens with what is right', async () => {
    const { app } = await makeApp({ controllers: [] });
    const options = { port: 0, hostname: '0.0.0.0' } as ListenOptions;
    await expect(app.listen(options)).rejects.toThrow(
      'listen has no option "hostname". Its options are port, host, server, headersTimeout,',
    );
    await expect(app.listen(misspelt({ prot: 0 }))).rejects.toThrow(OptionsError);
    await expect(app.listen({ port: 0 })).resolves.toMatchObject({ host: '127.0.0.1' });
  });

  it('by close, which then does nothing', async () => {
    const { app } = await makeApp({ controllers: [] });
    await expect(app.close(misspelt({ graec: 1 }))).rejects.toThrow(
      'close has no option "graec". Its options are grace.',
    );
    await expect(app.close({ grace: -1 })).rejects.toThrow('close was given the `grace` -1.');
    expect(app.container.isReady).toBe(true);
    expect(app.close()).toBe(app.close({ grace: 5 }));
    expect(() => closeOnSignals(app, misspelt({ graec: 1 }))).toThrow(OptionsError);
  });

  it('by inject', async () => {
    const { app } = await makeApp({ controllers: [] });
    await expect(app.inject(misspelt({ url: '/', header: {} }))).rejects.toThrow(
      'inject has no option "header". Its options are method, url,',
    );
  });

  it('by configureServer', () => {
    const server = createServer();
    expect(() => configureServer(server, misspelt({ requestTimout: 1 }))).toThrow(
      'configureServer has no option "requestTimout". Its options are headersTimeout,',
    );
    expect(configureServer(server, { requestTimeout: 1234 }).requestTimeout).toBe(1234);
  });

  it('by file and sse', () => {
    expect(() => file('a.txt', misspelt({ rot: '/' }))).toThrow('file has no option "rot".');
    expect(() => sse([], misspelt({ keepalive: false }))).toThrow('sse has no option "keepalive".');
  });
});
