import { createServer } from 'node:http';
import { configureServer, Controller, createApp, Get } from '@turno/http-adapter';

@Controller()
class Hello {
  @Get('/hello') async hello() {
    return 'Hello!';
  }
}

const app = await createApp({ controllers: [Hello] });
const server = configureServer(createServer(app.handler), { keepAliveTimeout: 65_000 });
server.listen(Number(process.env.PORT ?? 8000), '127.0.0.1', () => {
  console.log(server.address());
});
