import compression from 'compression';
import cors from 'cors';
import helmet from 'helmet';
import { Controller, createApp, Get } from '@turno/http-adapter';

@Controller()
class Hello {
  @Get('/hello') async hello() {
    return { hello: 'you' };
  }
}

export const app = await createApp({ controllers: [Hello], logger: false });
app
  .use(helmet())
  .use(cors({ origin: 'https://burgers.example' }))
  .use(compression());
app.use('/admin', (request, response, next) => {
  if (request.headers.authorization === 'Bearer cheese') next();
  else response.writeHead(401).end();
});
