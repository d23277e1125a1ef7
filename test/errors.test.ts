/** docs/errors.md lists every error class with its code, and no other. */
import { expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));

/** `[code, class]` of each class that has a code. */
function declared(): string[] {
  return ['packages/core/src', 'packages/http-adapter/src'].flatMap((folder) =>
    readdirSync(root + folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .flatMap((file) => {
        const text = readFileSync(`${root}${folder}/${file}`, 'utf8');
        const pattern = /class (\w+) extends TurnoError \{\n\s+readonly code = '(TURNO_\w+)'/g;
        return [...text.matchAll(pattern)].map(([, name, code]) => `${code} ${name}`);
      }),
  );
}

function documented(): string[] {
  const text = readFileSync(`${root}docs/errors.md`, 'utf8');
  return [...text.matchAll(/^### `(TURNO_\w+)`\n\n`(\w+)`/gm)].map(
    ([, code, name]) => `${code} ${name}`,
  );
}

it('lists each error class once, and nothing that does not exist', () => {
  expect(documented().sort()).toEqual(declared().sort());
  expect(new Set(documented()).size).toBe(documented().length);
});
