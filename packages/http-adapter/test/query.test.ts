import fc from 'fast-check';
import { BadRequest } from '../src/http-error.js';
import { parseQuery } from '../src/query.js';

it.each<[string, [string, string[]][]]>([
  ['', []],
  ['a=1', [['a', ['1']]]],
  [
    'a=1&b=2',
    [
      ['a', ['1']],
      ['b', ['2']],
    ],
  ],
  ['a=1&a=2', [['a', ['1', '2']]]],
  ['a', [['a', ['']]]],
  ['a=', [['a', ['']]]],
  ['=1', [['', ['1']]]],
  ['&&a=1&', [['a', ['1']]]],
  ['a=b=c', [['a', ['b=c']]]],
  ['a+b=c+d%2B', [['a b', ['c d+']]]],
  ['caf%C3%A9=%E2%82%AC', [['café', ['€']]]],
  ['a=%2526', [['a', ['%26']]]],
  [
    '__proto__=1&constructor=2',
    [
      ['__proto__', ['1']],
      ['constructor', ['2']],
    ],
  ],
])('%j is parsed', (search, expected) => {
  expect([...parseQuery(search)]).toEqual(expected);
});

it.each(['a=%', 'a=%2', 'a=%zz', '%=1', 'a=%C3', 'a=%ff', 'a=%C0%80'])(
  '%j is malformed',
  (search) => {
    expect(() => parseQuery(search)).toThrow(BadRequest);
  },
);

it('reads what URLSearchParams writes', () => {
  const pairs = fc.array(
    fc.tuple(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' })),
  );
  fc.assert(
    fc.property(pairs, (given) => {
      const search = new URLSearchParams(given).toString();
      const parsed = [...parseQuery(search)].flatMap(([key, values]) =>
        values.map((value) => [key, value]),
      );
      const byKey = (a: string[], b: string[]) => (a[0]! < b[0]! ? -1 : a[0]! > b[0]! ? 1 : 0);
      expect(parsed.sort(byKey)).toEqual([...new URLSearchParams(search)].sort(byKey));
    }),
  );
});
