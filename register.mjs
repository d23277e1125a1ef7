// Lets Node run TypeScript files: `node --import ./register.mjs main.ts`. Worker threads inherit it.
import { register } from 'node:module';

register('ts-node/esm', import.meta.url);
