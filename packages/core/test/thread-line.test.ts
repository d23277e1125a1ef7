/** The line to a thread, with both of its ends on this side: what is sent, taken back, and answered. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { encodedAs } from '../src/portable/encoded.js';
import type { Packed } from '../src/threads/freight.js';
import type { LineHost } from '../src/threads/hop-line.js';
import type { Sent } from '../src/threads/hop-runner.js';
import type { Departure, Trip } from '../src/threads/lane.js';
import type { HopReply, HopTask } from '../src/threads/message.js';
import { ThreadGone } from '../src/threads/thread-gone.js';
import { ThreadLine } from '../src/threads/thread-line.js';
import { claimTicket } from '../src/threads/ticket.js';
import { fromWireTasks, type WireTasks } from '../src/threads/wire.js';
import { HopPort } from '../src/worker/hop-port.js';
import { gate, type Gate } from './support/gate.js';
import { hop } from './support/hop.js';

/** Notes what it hears. */
class Passenger implements Departure {
  readonly definition = hop([]);
  readonly inputs = [];
  readonly isControlled = false;
  readonly isTimed = false;
  readonly isSized = false;
  readonly probe = undefined;
  packed: Packed | undefined = undefined;

  constructor(
    readonly name: string,
    private readonly log: unknown[],
    readonly expected = 0.001,
  ) {}

  reached(): void {
    this.log.push(`${this.name} reached`);
  }

  answered(reply: HopReply): void {
    this.log.push([
      this.name,
      (reply as { readonly values: { readonly value: unknown } }).values.value,
    ]);
  }

  gone({ isLost }: ThreadGone): void {
    this.log.push(`${this.name} gone, ${isLost ? 'lost' : 'not begun'}`);
  }

  returned(): void {
    this.log.push(`${this.name} returned`);
  }
}

const packed = (name: string): Packed => ({
  freight: encodedAs([name]),
  transfer: [],
  moves: false,
  settled: true,
});
const task = (name: string): HopTask => ({
  task: 'hop',
  hop: 1,
  inputs: encodedAs([name]),
  details: undefined,
});

let log: unknown[];
let line: ThreadLine;
beforeEach(() => {
  log = [];
  const host: LineHost = {
    id: 7,
    importFor: () => undefined,
    endForTrip: () => false,
    noteBusy: () => undefined,
    noteReturns: () => log.push('drain'),
    noteFree: () => log.push('free'),
  };
  line = new ThreadLine(host);
});
afterEach(() => {
  line.close(new ThreadGone('the test is over'));
  line.farEnd.port.close();
});

function send(name: string, expected?: number, rest: object = {}): Trip {
  const passenger = new Passenger(name, log, expected);
  const ticket = line.reserve(passenger.expected);
  return line.send(ticket, passenger, task(name), { ...packed(name), ...rest });
}

/** What runs at the other end: each hop when the test lets it. */
class TestRunner {
  readonly learnt: unknown[] = [];
  readonly begun: string[] = [];
  readonly gates = new Map<string, Gate>();

  constructor() {
    new HopPort(line.farEnd, this as never).open();
  }

  learn(task: HopTask): void {
    this.learnt.push(nameIn(task));
  }

  run(task: HopTask): Sent | Promise<Sent> {
    const name = nameIn(task);
    this.begun.push(name);
    const sent: Sent = {
      reply: { thread: 7, values: encodedAs([`${name}!`]), stayed: [] },
      transfer: [],
    };
    const held = this.gates.get(name);
    return held === undefined ? sent : held.passed.then(() => sent);
  }

  hold(name: string): Gate {
    const held = gate();
    this.gates.set(name, held);
    return held;
  }
}

function nameIn({ inputs }: HopTask): string {
  return (inputs as { readonly value: readonly string[] }).value[0] as string;
}

/** Resolves when that is in the log. */
async function until(entry: unknown): Promise<void> {
  while (!log.some((each) => JSON.stringify(each) === JSON.stringify(entry))) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('the line to a thread', () => {
  it('answers each hop, in order', async () => {
    new TestRunner();
    for (const name of ['a', 'b', 'c']) send(name);
    expect(line.size).toBe(3);
    await until(['c', ['c!']]);
    expect(log).toEqual([
      'b reached',
      ['a', ['a!']],
      'c reached',
      ['b', ['b!']],
      'free',
      ['c', ['c!']],
    ]);
  });

  it('sends what waits in one message, and at once what may change', async () => {
    const messages: unknown[] = [];
    line.farEnd.port.on('message', (message: WireTasks) =>
      messages.push(fromWireTasks(message).length),
    );
    for (const name of ['a', 'b', 'c']) send(name);
    send('d', undefined, { settled: false });
    send('e');
    while (messages.length < 4) await new Promise((resolve) => setImmediate(resolve));
    expect(messages).toEqual([1, 2, 1, 1]);
  });

  it('sends what waits also where somebody has replaced the timers of the program', async () => {
    const { setImmediate: turn } = globalThis;
    globalThis.setImmediate = (() => undefined) as unknown as typeof setImmediate;
    try {
      new TestRunner();
      for (const name of ['a', 'b', 'c']) send(name);
      while (line.size > 0) await new Promise((resolve) => turn(resolve));
    } finally {
      globalThis.setImmediate = turn;
    }
    expect(log.at(-1)).toEqual(['c', ['c!']]);
  });

  it('runs one hop at a time, also where it awaits something', async () => {
    const runner = new TestRunner();
    const held = runner.hold('a');
    for (const name of ['a', 'b', 'c']) send(name);
    while (runner.begun.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    expect(runner.begun).toEqual(['a']);
    held.open();
    await until(['c', ['c!']]);
    expect(runner.begun).toEqual(['a', 'b', 'c']);
  });

  it('gives a hop back that has not begun, whose definition is learnt all the same', async () => {
    const runner = new TestRunner();
    const held = runner.hold('a');
    const [a, b] = [send('a'), send('b'), send('c')];
    while (runner.begun.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect([a.takeBack(), b.takeBack(), b.takeBack()]).toEqual([false, true, false]);
    expect(line.size).toBe(2);
    held.open();
    await until(['c', ['c!']]);
    expect(runner.begun).toEqual(['a', 'c']);
    expect(runner.learnt).toEqual(['a', 'b', 'c']);
  });

  it('has room for what is known to be short, as long as all of it is short together', () => {
    expect([line.hasRoom(Infinity), line.hasRoom(1)]).toEqual([false, false]);
    send('a', 0.1);
    expect(line.hasRoom(0.09)).toBe(true);
    send('b', 0.09);
    expect([line.hasRoom(0.09), line.hasRoom(0.001)]).toEqual([false, true]);
  });

  it('has no room for more than can be told apart', () => {
    let sent = 0;
    while (line.hasRoom(0)) send(String((sent += 1)), 0);
    expect(sent).toBe(32);
  });

  it('gives back what waits behind a hop that takes long, and takes no more before that is done', async () => {
    const runner = new TestRunner();
    const held = runner.hold('a');
    for (const name of ['a', 'b', 'c']) send(name);
    while (runner.begun.length === 0) await new Promise((resolve) => setImmediate(resolve));
    line.takeBackLate();
    expect(log).toEqual([]);
    line.takeBackLate();
    // Each is put in front of the one before.
    expect(log).toEqual(['c returned', 'b returned', 'drain']);
    expect([line.size, line.hasRoom(0.001)]).toEqual([1, false]);
    held.open();
    await until(['a', ['a!']]);
    expect([line.size, line.hasRoom(0.001)]).toEqual([0, true]);
  });

  it('gives nothing back while the thread goes on', async () => {
    new TestRunner();
    for (const name of ['a', 'b']) send(name);
    line.takeBackLate();
    await until(['b', ['b!']]);
    for (const name of ['c', 'd']) send(name);
    line.takeBackLate();
    expect(log.some((entry) => String(entry).includes('returned'))).toBe(false);
  });

  describe('whose thread ends', () => {
    it('has all that was answered, loses what had begun, and gives back the rest', async () => {
      const runner = new TestRunner();
      runner.hold('b');
      for (const name of ['a', 'b', 'c', 'd']) send(name);
      while (!runner.begun.includes('b')) await new Promise((resolve) => setImmediate(resolve));
      const gone = new ThreadGone('it fell asleep');
      const tell = line.close(gone);
      expect(gone.isLost).toBe(true);
      expect(log).toContainEqual(['a', ['a!']]);
      log.length = 0;
      tell();
      expect(log).toEqual(['d returned', 'c returned', 'b gone, lost', 'drain']);
    });

    it('says that a hop was next which it had not begun', () => {
      for (const name of ['a', 'b']) send(name);
      const gone = new ThreadGone('it fell asleep');
      const tell = line.close(gone);
      expect(gone.isLost).toBe(false);
      tell();
      expect(log).toEqual(['b returned', 'a gone, not begun', 'drain']);
    });

    it('begins nothing any more', async () => {
      const runner = new TestRunner();
      for (const name of ['a', 'b']) send(name);
      line.close(new ThreadGone('it fell asleep'))();
      // What had left may arrive all the same.
      await new Promise((resolve) => setImmediate(resolve));
      expect(runner.begun).toEqual([]);
    });

    it('loses what has moved, which nobody else can be given', () => {
      send('a');
      send('b', undefined, { moves: true, settled: false });
      line.close(new ThreadGone('it fell asleep'))();
      expect(log).toEqual(['a gone, not begun', 'b gone, lost', 'drain']);
    });
  });

  it('keeps a place for a hop while it is packed, and takes it back if that fails', () => {
    send('first', 0.05);
    const ticket = line.reserve(0.1);
    expect([line.size, line.hasRoom(0.1)]).toEqual([1, false]);
    line.release(ticket, 0.1);
    expect(line.hasRoom(0.1)).toBe(true);
    let places = 0;
    for (; line.hasRoom(0); places += 1) line.reserve(0);
    expect(places).toBe(30);
  });

  it('drops an aborted hop whose memory has moved, and gives none such back', async () => {
    const runner = new TestRunner();
    const held = runner.hold('a');
    send('a');
    const moved = send('b', undefined, { moves: true, settled: false });
    send('c');
    while (runner.begun.length === 0) await new Promise((resolve) => setImmediate(resolve));
    line.takeBackLate();
    line.takeBackLate();
    expect(log).toEqual(['c returned', 'drain']);
    expect([moved.takeBack(), moved.takeBack()]).toEqual([true, false]);
    held.open();
    await until(['a', ['a!']]);
    expect(runner.begun).toEqual(['a']);
  });

  it('never gives a place away that a hop still waits in', () => {
    const first = send('first', 0);
    let others = 0;
    // All but the first are taken back again and again.
    while (line.hasRoom(0) && others < 1_000) {
      others += 1;
      expect(send('other', 0).takeBack()).toBe(true);
    }
    expect(others).toBe(31);
    expect(claimTicket(line.farEnd.tickets, 1)).toBe(true);
    expect(first.takeBack()).toBe(false);
    expect(line.hasRoom(0)).toBe(true);
  });
});
