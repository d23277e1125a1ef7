import { newUuid } from '../src/uuid.js';

it('a UUID is one of version 4, each another one, and all other digits of it are random', () => {
  const ids = Array.from({ length: 1000 }, newUuid);
  for (const id of ids) {
    expect(id).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
  }
  expect(new Set(ids).size).toBe(1000);
  const variety = Array.from({ length: 36 }, (_, at) => new Set(ids.map((id) => id[at])).size);
  const expected = Array.from('xxxxxxxx-xxxx-4xxx-vxxx-xxxxxxxxxxxx', (place) =>
    place === 'x' ? 16 : place === 'v' ? 4 : 1,
  );
  expect(variety).toEqual(expected);
});
