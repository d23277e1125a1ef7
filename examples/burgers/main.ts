/** The burger shop as a server: `npm start`, then open its page, or GET /burgers/mixed?burgers=2. */
import { createApp, serve } from '@turno/http-adapter';
import { Kitchen } from './kitchen.js';
import { Page } from './page.js';
import { Burgers, Health } from './routes.js';

const app = await createApp({ controllers: [Health, Burgers, Page], providers: [Kitchen] });
const address = await serve(app, { port: Number(process.env.PORT ?? 8000) });
if (address !== undefined) {
  const { url } = address;
  console.log(`Burgers are served at ${url}, for example ${url}/burgers/mixed?burgers=2`);
}
