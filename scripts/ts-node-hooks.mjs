// The module hooks that register.mjs installs: ts-node's own, with two of its rough edges taken off.
import { fileURLToPath } from 'node:url';

// ts-node 10.9 calls fs.Stats(), deprecated since Node 22. This thread runs hooks only: no other code is silenced.
process.noDeprecation = true;

// Otherwise ts-node takes the tsconfig.json next to the current folder, and a package's own covers its src/ only.
process.env.TS_NODE_PROJECT ??= fileURLToPath(new URL('../tsconfig.json', import.meta.url));

const { resolve, load: loadWithTsNode } = await import('ts-node/esm');

export { resolve };

export async function load(url, context, nextLoad) {
  try {
    return await loadWithTsNode(url, context, nextLoad);
  } catch (error) {
    // Hooks live in a thread of their own, and ts-node's error class arrives from there as an empty object.
    if (error?.name === 'TSError') throw new SyntaxError(error.message);
    throw error;
  }
}
