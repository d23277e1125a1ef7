import { jest } from '@jest/globals';
import { Controller, createApp, Get, type Logger } from '../src/index.js';
import { closeAll, makeApp } from './support.js';

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
