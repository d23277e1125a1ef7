import { Controller, createApp, Get, RequestInfo } from '@turno/http-adapter';

@Controller()
class Visits {
  @Get('/me') async me({ clientAddress, protocol, host }: RequestInfo) {
    return `${clientAddress} has asked for ${protocol}://${host}`;
  }
}

export const app = await createApp({
  controllers: [Visits],
  trustProxy: ['loopback', '10.0.0.0/8'],
});
