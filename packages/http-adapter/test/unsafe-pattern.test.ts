import { findUnsafe } from '../src/unsafe-pattern.js';

const excessOf = async (path: string) => (await findUnsafe([path])).get(path);

it.each([
  [String.raw`/:id(([a-z]+)+)`, 'repetition'],
  [String.raw`/:id((?:[a-z]+-)*[a-z]+)`, 'repetition'],
  [String.raw`/:id((\w+\s?)*)`, 'repetition'],
  [String.raw`/:id((a?){30})`, 'repetition'],
  [String.raw`/:id((a|a)*)`, 'alternatives'],
  [String.raw`/:id((\w|\d){40})`, 'alternatives'],
  [String.raw`/:id(\d+\d+\d+)`, 'sequence'],
  [String.raw`/:id(.*a.*b.*c)`, 'sequence'],
  [String.raw`/:id(\d{0,300}\d{0,300}\d{0,300})`, 'sequence'],
  [String.raw`/:id((.*)(.*)\1)`, 'sequence'],
  [`/:id(${'a?'.repeat(24)}${'a'.repeat(24)})`, 'sequence'],
  [String.raw`/:a(\d+):b(\d+):c(\d+)`, 'sequence'],
  [String.raw`/a/:b(\d+)/:c(\d+\d+\d+)/d`, 'sequence'],
  // A `)` in a set ends the expression for find-my-way, too.
  [String.raw`/:id([(]+\w+\w+\w+)`, undefined],
])('%s is not safe: %s', async (path, excess) => {
  expect(await excessOf(path)).toBe(excess);
});

it.each([
  String.raw`/:id(\d+)`,
  String.raw`/:id(.*)`,
  String.raw`/:name(.+).:extension(\w+)`,
  String.raw`/:name(.+\.(?:jpe?g|png|gif|webp))`,
  String.raw`/:id([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})`,
  String.raw`/:day(\d{4}-\d{2}-\d{2})`,
  String.raw`/:address((\w+)@(\w+)\.(\w+))`,
  String.raw`/:major(\d+).:minor(\d+).:patch(\d+)`,
  String.raw`/:year-:month-:day(\d+)`,
  String.raw`/at/:hour(^\d+)h:minute(^\d+$)m`,
  String.raw`/:slug([a-z0-9]+(?:-[a-z0-9]+)*)`,
  String.raw`/:language((?:en|de)(?:-[A-Z]{2})?)`,
  String.raw`/:word((ab|cd)+)`,
  String.raw`/:ip(\d{1,3}(?:\.\d{1,3}){3})`,
  String.raw`/:token([A-Za-z0-9_-]{1,64})`,
  String.raw`/:id([\](|+*]+)`,
  '/a/:b/c*',
  '/:a-:b-:c-:d',
  '/::a/b(',
])('%s is safe', async (path) => {
  expect(await excessOf(path)).toBeUndefined();
});

it('each of several paths is told', async () => {
  const found = await findUnsafe(['/:a(.*.*.*x)', '/:a', '/:a((a|a)+)', '/:a(.*.*.*x)']);
  expect([...found]).toEqual([
    ['/:a(.*.*.*x)', 'sequence'],
    ['/:a((a|a)+)', 'alternatives'],
  ]);
});
