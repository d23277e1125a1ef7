/** The burger shop as a server: `npm start`, then GET /burgers/mixed?burgers=2. */
import { closeOnSignals, createApp } from '@turno/http-adapter';
import { Kitchen } from './kitchen.js';
import { Burgers, Health } from './routes.js';

const app = await createApp({ controllers: [Health, Burgers], providers: [Kitchen] });
closeOnSignals(app);
const { url } = await app.listen({ port: Number(process.env.PORT ?? 8000) });
console.log(`Burgers are served at ${url}, for example ${url}/burgers/mixed?burgers=2`);
