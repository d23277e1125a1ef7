/** The burger shop as a server: `npm start`, then open its page, or GET /burgers/mixed?burgers=2. */
import { serve } from '@turno/http-adapter';
import { createShop } from './app.js';

const address = await serve(await createShop(), { port: Number(process.env.PORT ?? 8000) });
if (address !== undefined) {
  const { url } = address;
  console.log(`Burgers are served at ${url}, for example ${url}/burgers/mixed?burgers=2`);
}
