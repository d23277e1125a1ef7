/** The studio as a server: `npm run example -- render`, then open its page. */
import { serve } from '@turno/http-adapter';
import { createStudio } from './app.js';

const app = await createStudio();
const address = await serve(app, { port: Number(process.env.PORT ?? 8000) });
if (address !== undefined) console.log(`Charts are drawn at ${address.url}`);
