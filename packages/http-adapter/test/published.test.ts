/** The published files, in which a bundler has joined the modules: decorators still know where they stand. */
import { expect, it } from '@jest/globals';
import * as adapter from '@turno/http-adapter';

it('knows the classes of the adapter by its own file, which threads then import', () => {
  expect(adapter.NotFound.name).toBe('NotFound');
  const key = Symbol.for('@turno/core:records:2');
  const { byId } = (globalThis as unknown as Record<symbol, { byId: Map<string, unknown> }>)[key]!;
  const ids = [...byId.keys()].filter((id) => /#(?:NotFound|RequestInfo|Reply)$/.test(id));
  expect(ids).toHaveLength(3);
  for (const id of ids) expect(id).toMatch(/\/http-adapter\/bundle\/index\.js#/);
});
