/** What is sent, or put on `Object.prototype`, chooses no code; what a thread changes stays there. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Container, value } from '@turno/core';
import { Ended, First, FirstKitchen, Imported } from './fixtures/isolation/first.js';
import { Changed, Echoed, Moved, providers, Sent } from './fixtures/isolation/globals.js';
import { Second, second } from './fixtures/isolation/second.js';
import { succeed } from './support/loaders.js';

const fixtures = fileURLToPath(new URL('fixtures/isolation/', import.meta.url));
const evil = new URL('fixtures/isolation/evil.mjs', import.meta.url).href;

/** What a run tells by the end of which something was polluted. */
interface Told {
  readonly expected: string;
  /** Name, value, and what came out where it was not as expected. */
  readonly faults: readonly (readonly [string, unknown, string])[];
}

async function runPolluted(
  side: 'loop' | 'thread',
  names: readonly string[],
  values: readonly unknown[],
): Promise<Told> {
  const given = JSON.stringify({ side, names, values });
  return JSON.parse(await succeed(fixtures, ['polluted.mjs', given])) as Told;
}

/** All fields of the library that may be missing: those that a polluted prototype could fill in. */
function optionalFields(): string[] {
  const source = fileURLToPath(new URL('../src/', import.meta.url));
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' });
  const names = files
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) => [...readFileSync(source + file, 'utf8').matchAll(/\b(\w+)\?:/g)])
    .map(([, name = '']) => name);
  // `Object.prototype` has a constructor itself.
  return [...new Set(names)].filter((name) => name !== 'constructor').sort();
}

/** Fields of messages that are always there, and names of which JavaScript itself makes something. */
const others =
  'task hop inputs step stayed thread stand instances operation module get set value done toJSON';

describe('a polluted Object.prototype', () => {
  it.each(['loop', 'thread'] as const)(
    'in the %s changes nothing of what hops run, take and return',
    async (side) => {
      const names = [...new Set([...optionalFields(), ...others.split(' ')])];
      expect(names).toEqual(expect.arrayContaining(['definition', 'perThread', 'cells', 'then']));
      const values = [`${evil}#Evil`, true, [evil], { value: 1 }];
      expect((await runPolluted(side, names, values)).faults).toEqual([]);
    },
    60_000,
  );

  it('with a `then` that steals what is awaited leaves the messages of its thread alone', async () => {
    const { expected, faults } = await runPolluted('thread', ['then'], ['then']);
    // Only values that are objects have that `then`, and are awaited, as everywhere in JavaScript.
    const kept = [1, 2, 3, 5];
    expect(faults).toHaveLength(2);
    for (const [, , found] of faults) {
      const lines = found.split('\n');
      expect(kept.map((line) => lines[line])).toEqual(
        kept.map((line) => expected.split('\n')[line]),
      );
    }
  });

  it('adds no option to those of a container, and no module to those of its threads', async () => {
    expect(await succeed(fixtures, ['polluted-options.mjs'])).toBe('4 on a grill\nfalse\n');
  });
});

describe('data', () => {
  let container: Container;
  beforeAll(async () => {
    container = await Container.create({ providers, scopeValues: [Sent], threads: { size: 1 } });
  });
  afterAll(() => container.dispose());
  const echo = (sent: unknown) =>
    container.run((scope) => scope.resolve(Echoed), [value(Sent, sent)]);

  it.each([
    ['an id of a class', `${evil}#Evil`],
    ['an encoded value', { value: {}, instances: new Map([[`${evil}#Evil`, [{}]]]), stands: [{}] }],
    ['an encoded error', { stand: 'error', base: 'Function', classId: `${evil}#Evil`, fields: {} }],
    ['an encoded instance', { stand: 'custom', classId: `${evil}#Evil`, data: {} }],
    ['a task', { task: 'hop', hop: 1, definition: { id: 1, steps: [{ operation: 'call' }] } }],
    ['a reply', { thread: 1, step: 0, error: { value: 'not thrown' } }],
    ['what the pool moves', { 'Tinypool.transferable': [], 'Tinypool.valueOf': 1 }],
    ['JSON', JSON.parse('{"constructor":{"name":"Evil"},"toString":1,"then":"no"}')],
  ])('that looks like %s is nothing but data', async (_what, sent) => {
    // As text: in Jest's realm a Map from outside is no Map.
    const shown = (data: unknown) => JSON.stringify(data, (_key, part: unknown) => plain(part));
    expect(shown(await echo(sent))).toBe(shown(sent));
  });

  it('keeps `__proto__` as a name, which gives nothing a prototype', async () => {
    const sent: unknown = JSON.parse('{"a":{"__proto__":{"admin":true}},"__proto__":{"b":1}}');
    const echoed = (await echo(sent)) as { a: { admin?: unknown }; b?: unknown };
    expect(Object.keys(echoed)).toEqual(['a', '__proto__']);
    expect(Object.keys(echoed.a)).toEqual(['__proto__']);
    expect(echoed.a.admin).toBeUndefined();
    expect(echoed.b).toBeUndefined();
    expect(({} as { admin?: unknown }).admin).toBeUndefined();
  });
});

describe('what a thread changes of its globals', () => {
  it('stays there: variables, environment, prototypes, built-in functions', async () => {
    await using container = await Container.create({
      providers,
      scopeValues: [Sent],
      threads: { size: 1 },
    });
    await using scope = container.createScope();
    expect(await scope.resolve(Changed)).toBe('replaced 0');
    expect('leaked' in globalThis).toBe(false);
    expect(process.env.LEAKED).toBeUndefined();
    expect('leaked' in []).toBe(false);
    expect(JSON.parse('1')).toBe(1);
    // Not that of Jest's realm alone.
    const outside = await succeed(fixtures, ['globals-main.mjs']);
    expect(outside).toBe('replaced 0\nundefined undefined undefined 1\n');
  });

  it('cannot be the current folder, which belongs to the process', async () => {
    const before = process.cwd();
    await using container = await Container.create({
      providers,
      scopeValues: [Sent],
      threads: { size: 1 },
    });
    await using scope = container.createScope();
    await expect(scope.resolve(Moved)).rejects.toMatchObject({
      code: 'ERR_WORKER_UNSUPPORTED_OPERATION',
    });
    expect(process.cwd()).toBe(before);
  });
});

describe('modules', () => {
  const order = ['extra', 'shared', 'second', 'first'];
  const options = {
    providers: [second, FirstKitchen],
    modules: [new URL('fixtures/isolation/extra.ts', import.meta.url).href],
  };

  it('are imported once in each thread, in order: those that are named, then those of providers', async () => {
    await using container = await Container.create({ ...options, threads: { size: 2 } });
    await using scope = container.createScope();
    // Each takes a thread of its own.
    const both = [scope.resolve(First), scope.resolve(Second)];
    expect(await Promise.all(both)).toEqual(['salt', 'more salt']);
    const lists = [0, 1, 2, 3].map(() => container.run((each) => each.resolve(Imported)));
    for (const list of await Promise.all(lists)) expect(list).toEqual(order);
  });

  it('are imported once more by the thread that takes the place of one that has ended', async () => {
    await using container = await Container.create({ ...options, threads: { size: 1 } });
    await expect(container.run((scope) => scope.resolve(Ended))).rejects.toMatchObject({
      code: 'TURNO_THREAD_DIED',
    });
    expect(await container.run((scope) => scope.resolve(First))).toBe('salt');
    expect(await container.run((scope) => scope.resolve(Imported))).toEqual(order);
    expect(container.threads.replaced).toBe(1);
  });

  it('are imported once where two containers of one program have their threads', async () => {
    await using one = await Container.create({ ...options, threads: { size: 1 } });
    await using two = await Container.create({ ...options, threads: { size: 1 } });
    for (const container of [one, two]) {
      expect(await container.run((scope) => scope.resolve(Imported))).toEqual(order);
    }
  });
});

/** Maps as their entries. */
function plain(part: unknown): unknown {
  return Object.prototype.toString.call(part) === '[object Map]'
    ? [...(part as ReadonlyMap<unknown, unknown>)]
    : part;
}
