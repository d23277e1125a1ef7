/** The classifier as a server: `npm run example -- classify`, then open its page. */
import { serve } from '@turno/http-adapter';
import { createClassifier } from './app.js';

const address = await serve(await createClassifier(), { port: Number(process.env.PORT ?? 8000) });
if (address !== undefined) console.log(`Draw a digit at ${address.url}`);
