import { readdirSync, readFileSync } from 'node:fs';

const folder = new URL('../src/', import.meta.url);
const files = readdirSync(folder).filter((file) => file.endsWith('.ts'));

/** What each file imports, types included: `./route.js` as `route.ts`, packages by name. */
const imports = new Map(
  files.map((file) => {
    const text = readFileSync(new URL(file, folder), 'utf8');
    const found = [...text.matchAll(/(?:from|import\()\s*'([^']+)'/g)].map(
      ([, name]) => name ?? '',
    );
    return [file, found.map((name) => name.replace(/^\.\/(.*)\.js$/, '$1.ts'))];
  }),
);

it('files import in one direction', () => {
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]) => {
    if (path.includes(file)) throw new Error(`A cycle: ${[...path, file].join(' -> ')}`);
    if (done.has(file)) return;
    for (const next of imports.get(file) ?? []) if (imports.has(next)) visit(next, [...path, file]);
    done.add(file);
  };
  for (const file of files) visit(file, []);
  expect(done.size).toBe(files.length);
  expect(files.length).toBeGreaterThan(10);
});

it('only the public index of @turno/core is used, and of others what package.json names', () => {
  const manifest = new URL('../package.json', import.meta.url);
  const { dependencies, peerDependencies } = JSON.parse(readFileSync(manifest, 'utf8')) as {
    dependencies: Record<string, string>;
    peerDependencies: Record<string, string>;
  };
  const named = [...Object.keys(dependencies), ...Object.keys(peerDependencies)];
  const used = new Set([...imports.values()].flat().filter((name) => !imports.has(name)));
  const packages = [...used].filter((name) => !name.startsWith('node:'));
  expect(packages.sort()).toEqual(named.sort());
});

it('what a worker thread does not need is imported only when it is needed', () => {
  const atOnce = files.filter((file) => {
    const text = readFileSync(new URL(file, folder), 'utf8');
    return /^import (?!type).*'(?:pino|light-my-request)'/m.test(text);
  });
  expect(atOnce).toEqual([]);
});
