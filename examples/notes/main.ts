/** The notes as a server: `npm run example -- notes`. */
import { randomBytes } from 'node:crypto';
import { serve } from '@turno/http-adapter';
import { createNotes } from './app.js';

const { NOTES_DB: file, NOTES_TOKEN, PORT = '8000' } = process.env;
const accessToken = NOTES_TOKEN ?? randomBytes(18).toString('base64url');

const address = await serve(await createNotes(accessToken, file), { port: Number(PORT) });
if (address !== undefined) {
  const { url } = address;
  console.log(`Notes are kept in ${file ?? 'a temporary file'} and served at ${url}, for example`);
  console.log(`curl -H 'Authorization: Bearer ${accessToken}' ${url}/notes`);
}
