// Lets Node run TypeScript files: `node --import ./register.mjs main.ts`. Worker threads inherit it.
import { register } from 'node:module';

// module.register() is deprecated from Node 26 on, but its successor takes no asynchronous hooks, and ts-node's are.
const { noDeprecation } = process;
process.noDeprecation = true;
register('./scripts/ts-node-hooks.mjs', import.meta.url);
process.noDeprecation = noDeprecation;
