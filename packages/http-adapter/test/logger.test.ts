import { jest } from '@jest/globals';
import { Controller, createApp, Get, RequestLogger, type Logger } from '../src/index.js';
import { pino } from 'pino';
import { closeAll, makeApp, RawClient, serve } from './support.js';

afterEach(closeAll);

@Controller()
class Pages {
  @Get('/page') async page() {
    return 'page';
  }
  @Get('/broken') async broken() {
    throw new Error('broken');
  }
}

describe('a logger', () => {
  it.each([true, 'pino', { info: () => undefined }, null, { error: 1, warn: 1, info: 1 }])(
    'is refused at start where it is none: %j',
    async (logger) => {
      const failed = createApp({ controllers: [Pages], logger: logger as never });
      await expect(failed).rejects.toMatchObject({ code: 'TURNO_OPTIONS' });
      await expect(failed).rejects.toThrow('without the methods error, warn and info');
    },
  );

  it('that throws changes no answer and ends no process; a warning says so, once', async () => {
    const warned = jest.spyOn(process, 'emitWarning').mockReturnValue();
    const full = () => {
      throw new Error('disk full');
    };
    const logger: Logger = { error: full, warn: full, info: full };
    const { app } = await makeApp({ controllers: [Pages], logger, logRequests: true });
    await app.listen({ port: 0 });
    expect((await app.inject('/page')).body).toBe('page');
    expect((await app.inject('/broken')).statusCode).toBe(500);
    await app.close();
    expect(warned.mock.calls).toEqual([
      ['The logger of the app has thrown: disk full', { code: 'TURNO_LOGGER' }],
    ]);
    warned.mockRestore();
  });
});

describe('a RequestLogger', () => {
  @Controller()
  class Notes {
    @Get('/note') async note(log: RequestLogger) {
      log.info({ burgers: 2 }, 'ordered');
      log.warn({}, 'few buns');
      log.error({ err: new Error('burnt') }, 'burnt');
    }
  }
  const request = { url: '/note', headers: { 'x-request-id': 'proxy:7' } };

  it('writes lines with the id of the request', async () => {
    const { app, log } = await makeApp({ controllers: [Notes] });
    await app.inject(request);
    expect(log.entries).toMatchObject([
      { level: 'info', message: 'ordered', fields: { burgers: 2, requestId: 'proxy:7' } },
      { level: 'warn', message: 'few buns', fields: { requestId: 'proxy:7' } },
      { level: 'error', message: 'burnt', fields: { requestId: 'proxy:7' } },
    ]);
  });

  it('is a child of a logger that has some', async () => {
    const lines: unknown[] = [];
    const stream = { write: (line: string) => void lines.push(JSON.parse(line)) };
    const { app } = await makeApp({ controllers: [Notes], logger: pino({}, stream) });
    await app.inject(request);
    expect(lines).toMatchObject([
      { msg: 'ordered', burgers: 2, requestId: 'proxy:7' },
      { msg: 'few buns', requestId: 'proxy:7' },
      { msg: 'burnt', requestId: 'proxy:7', err: { message: 'burnt' } },
    ]);
  });
});

it('what is no request has a line in the log where requests have', async () => {
  for (const logRequests of [true, false]) {
    const { app, log, port } = await serve({ controllers: [Pages], logRequests });
    const client = await RawClient.connect(port);
    client.send('GET / HTTP/1.1', 'Host: a', 'bad header', '', '');
    await client.closed;
    await app.close();
    const lines = log.entries.filter(({ message }) => message === 'no request');
    expect(lines.map(({ fields }) => fields)).toEqual(
      logRequests ? [{ status: 400, reason: 'HPE_INVALID_HEADER_TOKEN' }] : [],
    );
  }
});
