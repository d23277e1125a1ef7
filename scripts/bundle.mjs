// Joins the modules that tsc has built in a package to a few files, which is what is published: Node takes half a
// millisecond to load each module, once more in each thread. Arguments: the folders of packages.
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { rolldown } from 'rolldown';

/** What is loaded by its name, as far as the package has it. */
const entries = ['index.js', 'worker/turno-worker.js'];

/** Source maps of tsc, so that those of the bundle lead to the TypeScript. */
const maps = {
  name: 'maps',
  load(id) {
    const code = readFileSync(id, 'utf8').replace(/^\/\/# sourceMappingURL=.*$/m, '');
    return { code, map: readFileSync(`${id}.map`, 'utf8') };
  },
};

for (const folder of process.argv.slice(2)) await bundle(folder);

async function bundle(folder) {
  const built = path.resolve(folder, 'dist');
  const target = path.resolve(folder, 'bundle');
  const inputs = entries.filter((entry) => existsSync(path.join(built, entry)));
  const build = await rolldown({
    input: Object.fromEntries(
      inputs.map((entry) => [entry.replace(/\.js$/, ''), path.join(built, entry)]),
    ),
    external: (id) => !id.startsWith('.') && !path.isAbsolute(id),
    platform: 'node',
    // As tsc has left it: what a module does when it is loaded is meant.
    treeshake: false,
    plugins: [maps],
  });
  const { output } = await build.generate({
    dir: target,
    format: 'esm',
    sourcemap: true,
    entryFileNames: '[name].js',
    // Beside index.js, so that addresses relative to a module of src/ itself stay what they are.
    chunkFileNames: 'shared-[hash].js',
    sourcemapExcludeSources: true,
  });
  await build.close();
  // Entries last: what they import is there then.
  const ordered = output.toSorted((one, other) => rankOf(one) - rankOf(other));
  const files = new Map(
    ordered.map((file) => [path.join(target, file.fileName), file.code ?? file.source]),
  );
  const half = path.join(built, `.bundle-${process.pid}`);
  for (const [file, content] of files) replace(file, content, half);
  for (const entry of readdirSync(target, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    if (entry.isFile() && !files.has(file)) rmSync(file, { force: true });
  }
}

function rankOf({ isEntry = false }) {
  return isEntry ? 1 : 0;
}

/** Nobody sees half of a file, and what stays as it is is not touched: programs may run with it. */
function replace(file, content, half) {
  try {
    if (readFileSync(file, 'utf8') === content) return;
  } catch {
    mkdirSync(path.dirname(file), { recursive: true });
  }
  writeFileSync(half, content);
  renameSync(half, file);
}
