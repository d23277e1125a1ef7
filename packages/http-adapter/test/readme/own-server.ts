import { createServer } from 'node:http';
import { Controller, createApp, Get } from '@turno/http-adapter';

@Controller()
class Hello {
  @Get('/hello') async hello() {
    return 'Hello!';
  }
}

const app = await createApp({ controllers: [Hello] });
const server = createServer(app.handler);
server.listen(Number(process.env.PORT ?? 8000), '127.0.0.1', () => {
  console.log(server.address());
});
