import { describe, expect, it } from '@jest/globals';

import { LinkedList, type Linked } from '../src/linked-list.js';

class Item implements Linked<Item> {
  list: LinkedList<Item> | undefined = undefined;
  previous: Item | undefined = undefined;
  next: Item | undefined = undefined;

  constructor(readonly name: string) {}
}

const items = (...names: string[]): Item[] => names.map((name) => new Item(name));
const namesIn = (list: LinkedList<Item>): string[] => list.all.map(({ name }) => name);

describe('a linked list', () => {
  it('keeps items in the order in which they came, also when some have left', () => {
    const list = new LinkedList<Item>();
    const [a, b, c, d] = items('a', 'b', 'c', 'd') as [Item, Item, Item, Item];
    for (const item of [a, b, c, d]) list.add(item);
    expect([list.remove(b), list.remove(b), list.size]).toEqual([true, false, 3]);
    expect(namesIn(list)).toEqual(['a', 'c', 'd']);
    expect([list.remove(d), list.remove(a), list.first]).toEqual([true, true, c]);
    list.add(a);
    expect(namesIn(list)).toEqual(['c', 'a']);
  });

  it('takes items in front, the last one first of all', () => {
    const list = new LinkedList<Item>();
    for (const item of items('c', 'b', 'a')) list.addFirst(item);
    for (const item of items('d')) list.add(item);
    expect(namesIn(list)).toEqual(['a', 'b', 'c', 'd']);
  });

  it('gives all of it at once, and knows which items are its own', () => {
    const list = new LinkedList<Item>();
    const other = new LinkedList<Item>();
    const [a, b] = items('a', 'b') as [Item, Item];
    list.add(a);
    list.add(b);
    expect([list.has(a), other.has(a), other.remove(a)]).toEqual([true, false, false]);
    expect(list.clear()).toEqual([a, b]);
    expect([list.size, list.isEmpty, list.has(a)]).toEqual([0, true, false]);
    other.add(a);
    expect(other.has(a)).toBe(true);
  });

  it('leaves nothing in an item that has left it', () => {
    const list = new LinkedList<Item>();
    const [a, b, c] = items('a', 'b', 'c') as [Item, Item, Item];
    for (const item of [a, b, c]) list.add(item);
    list.remove(b);
    expect([b.list, b.previous, b.next]).toEqual([undefined, undefined, undefined]);
  });
});
