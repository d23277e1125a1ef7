/** Counts and measures hops: for each provider what it did in threads, for each group what trips cost. */
import { own } from '../own.js';
import { defaultGroup } from '../scope.js';
import { Timing } from '../timing.js';
import type {
  HopDefinition,
  HopFailure,
  HopStep,
  Measured,
  ProviderFigures,
  ThreadFigures,
} from './executor.js';
import { hopChannel, type HopEvent } from './hop-events.js';
import { hasFailed, type HopReply } from './message.js';
import { Pace } from './pace.js';

/**
 * Telling times costs a trivial hop some percent of its trip, and bytes cost more: they are measured in
 * some of the runs of a hop. Times in the first ones, and then in one of so many.
 */
const firstTimed = 32;
const oneTimedIn = 16;

/** Bytes in the first run, and then in one of so many. */
const oneSizedIn = 256;

/** Figures of one executor. */
export class Figures implements Measured {
  readonly #providers = new Map<string, ProviderMeter>();
  readonly #groups = new Map<string, GroupMeter>();

  /** The figures of one group of threads. */
  group(name: string): GroupMeter {
    let group = this.#groups.get(name);
    if (group === undefined) {
      group = new GroupMeter(name, this);
      this.#groups.set(name, group);
    }
    return group;
  }

  runTimes(key: string): Timing | undefined {
    return this.#providers.get(key)?.ran;
  }

  overhead(group = defaultGroup): Timing {
    return this.group(group).overhead;
  }

  /** By label; see {@link ThreadFigures.providers}. */
  get providers(): ThreadFigures['providers'] {
    const figures = new Map<string, ProviderFigures>();
    for (const meter of this.#providers.values()) {
      let key = meter.label;
      for (let twin = 2; figures.has(key); twin++) key = `${meter.label} (${twin})`;
      figures.set(key, meter.figures);
    }
    // It defines properties, so that even `__proto__` is nothing but a name.
    return Object.fromEntries(figures);
  }

  /** @internal The meter of what a step calls; undefined for what is no provider. */
  meterOf(step: HopStep): ProviderMeter | undefined {
    const key = stepKey(step);
    if (key === undefined) return undefined;
    let meter = this.#providers.get(key);
    if (meter === undefined) this.#providers.set(key, (meter = new ProviderMeter(step.label)));
    return meter;
  }
}

/** Names the provider that a step stands for, as `providerKey` does for a node. */
function stepKey({ operation, classId, self, method, label }: HopStep): string | undefined {
  if (operation === 'construct') return classId;
  if (operation !== 'call') return undefined;
  // A method of whatever there is: one that async code calls.
  if (classId === '') return label;
  return `${classId}${self === undefined ? '.' : '#'}${method ?? ''}`;
}

/** Figures of one group of threads: what a dispatcher tells of its hops. */
export class GroupMeter {
  /** What a trip costs beside the time that its steps run. */
  readonly overhead = new Timing();
  readonly #meters = new WeakMap<HopDefinition, HopMeter>();

  /** @internal Use `figures.group`. */
  constructor(
    readonly name: string,
    private readonly figures: Figures,
  ) {}

  /** Begins to measure a run of a hop; exactly one of the methods that end it is called later. */
  measure(definition: HopDefinition): Measurement {
    let meter = this.#meters.get(definition);
    if (meter === undefined) {
      const providers = definition.steps.map((step) => this.figures.meterOf(step));
      meter = new HopMeter(definition, providers);
      this.#meters.set(definition, meter);
    }
    return new Measurement(this, meter);
  }
}

/** How long a trip took, in milliseconds. */
export interface TripTimes {
  /** Until a thread came to the hop. */
  readonly waited: number;
  /** From then on to its answer. */
  readonly took: number;
  /** Whether the thread was free when it left: else the loop has not seen when the thread came to it. */
  readonly isFirst: boolean;
}

interface Thrown {
  readonly error: unknown;
}

/** One run of a hop. */
export class Measurement {
  /** Whether its steps are measured. */
  readonly isTimed: boolean;
  /** Whether its bytes are measured. */
  readonly isSized: boolean;
  readonly #isSample: boolean;
  #waited = 0;
  #bytesIn: number | undefined;

  constructor(
    private readonly group: GroupMeter,
    private readonly meter: HopMeter,
  ) {
    const { trips } = meter;
    const isWatched = hopChannel.hasSubscribers;
    this.#isSample = trips % oneSizedIn === 0;
    this.isSized = isWatched || this.#isSample;
    this.isTimed = this.isSized || trips < firstTimed || trips % oneTimedIn === 0;
  }

  /** For how long the hop is expected to keep its thread, in milliseconds. */
  get expected(): number {
    return this.meter.pace.expected;
  }

  /** Memory of the user's moves along. */
  noteMove(): void {
    this.meter.pace.noteMove();
  }

  /**
   * It leaves for a thread.
   * @param bytes - of its inputs, where they were measured.
   */
  started(bytes: number | undefined): void {
    this.meter.trips++;
    this.#bytesIn = bytes;
    if (!this.isTimed) return;
    for (const provider of this.meter.distinct) provider.in.note(bytes);
  }

  /** It has ended without having left. */
  refused(waited: number, { error }: HopFailure): void {
    for (const provider of this.meter.distinct) provider.refused++;
    this.#waited = waited;
    this.#publish(undefined, 0, { error });
  }

  /**
   * Its thread has answered.
   * @param failure - where it has failed, and somebody wants to know with what.
   */
  answered(reply: HopReply, { waited, took, isFirst }: TripTimes, failure?: Thrown): void {
    this.#noteWait(waited);
    const pace = own(reply, 'took');
    if (pace !== undefined) this.meter.pace.note(pace);
    const isFailed = hasFailed(reply);
    const bytes = own(reply, 'bytes');
    const ran = own(reply, 'ran');
    for (const provider of this.meter.distinct) {
      provider.hops++;
      if (isFailed) continue;
      provider.answered++;
      provider.out.note(bytes);
    }
    if (isFailed) {
      const culprit = this.meter.providers[reply.step];
      if (culprit !== undefined) culprit.failed++;
    }
    if (ran !== undefined) {
      this.#time(ran, isFirst ? took - (own(reply, 'ended') ?? 0) : undefined);
    } else {
      const count = isFailed ? (own(reply, 'count') ?? 0) : Infinity;
      for (const { provider, index } of this.meter.always) if (index < count) provider.runs++;
    }
    this.#publish(reply, took, failure);
  }

  /**
   * @param took - without the time that it took to end what was made: no cost of the trip. Undefined
   * where the cost of a trip cannot be told.
   */
  #time(ran: readonly number[], took: number | undefined): void {
    const { providers } = this.meter;
    let inSteps = 0;
    for (let index = 0; index < ran.length; index++) {
      const time = ran[index] as number;
      if (time < 0) continue;
      inSteps += time;
      const provider = providers[index];
      if (provider === undefined) continue;
      provider.runs++;
      provider.ran.record(time);
    }
    // The measuring of bytes is no cost of the trip either.
    if (took !== undefined && this.isTimed && !this.#isSample)
      this.group.overhead.record(took - inSteps);
  }

  /**
   * Its thread has ended.
   * @param isReplaced - whether another thread takes the place: not where all end.
   */
  died(error: unknown, { waited, took }: TripTimes, isReplaced: boolean): void {
    this.#noteWait(waited);
    for (const provider of this.meter.distinct) {
      provider.hops++;
      if (isReplaced) provider.replaced++;
    }
    this.#publish(undefined, took, { error });
  }

  #noteWait(waited: number): void {
    this.#waited = waited;
    if (!this.isTimed) return;
    for (const provider of this.meter.distinct) provider.waited.record(waited);
  }

  #publish(reply: HopReply | undefined, ran: number, failure: Thrown | undefined): void {
    if (!hopChannel.hasSubscribers) return;
    const times = reply === undefined ? [] : shownTimes(reply);
    const event: HopEvent = {
      steps: this.meter.steps.map(({ label, index }) => ({ label, ran: times[index] })),
      group: this.group.name,
      threadId: reply?.thread,
      waited: this.#waited,
      ran,
      bytesIn: this.#bytesIn,
      bytesOut: reply === undefined ? undefined : own(reply, 'bytes'),
      ...(failure === undefined ? {} : { error: failure.error }),
    };
    hopChannel.publish(event);
  }
}

/** How long each step ran, in milliseconds: what a thread had kept took no time. */
export function shownTimes(reply: HopReply): readonly number[] {
  return (own(reply, 'ran') ?? []).map((time) => Math.max(time, 0));
}

/** What is the same for each run of a hop. */
class HopMeter {
  /** How many have left. */
  trips = 0;
  readonly pace = new Pace();
  readonly distinct: readonly ProviderMeter[];
  /** What runs in each run of the hop: threads do not keep its value. */
  readonly always: readonly { readonly provider: ProviderMeter; readonly index: number }[];
  /** The steps that are providers. */
  readonly steps: readonly { readonly label: string; readonly index: number }[];

  constructor(
    { steps }: HopDefinition,
    /** By step. */
    readonly providers: readonly (ProviderMeter | undefined)[],
  ) {
    const isProvider = (provider: ProviderMeter | undefined) => provider !== undefined;
    this.distinct = [...new Set(providers)].filter(isProvider);
    this.always = providers.flatMap((provider, index) =>
      provider === undefined || steps[index]?.perThread !== undefined ? [] : [{ provider, index }],
    );
    this.steps = steps.flatMap(({ label }, index) =>
      providers[index] === undefined ? [] : [{ label, index }],
    );
  }
}

class ProviderMeter {
  hops = 0;
  runs = 0;
  /** Hops that came back with values. */
  answered = 0;
  failed = 0;
  refused = 0;
  replaced = 0;
  readonly waited = new Timing();
  readonly ran = new Timing();
  readonly in = new Estimate();
  readonly out = new Estimate();

  constructor(readonly label: string) {}

  get figures(): ProviderFigures {
    return {
      hops: this.hops,
      runs: this.runs,
      failed: this.failed,
      refused: this.refused,
      replaced: this.replaced,
      waited: this.waited.summary,
      ran: this.ran.summary,
      bytesIn: this.in.total(this.hops),
      bytesOut: this.out.total(this.answered),
    };
  }
}

/** A sum of which only a sample is known. */
class Estimate {
  #sum = 0;
  #samples = 0;

  note(sample: number | undefined): void {
    if (sample === undefined) return;
    this.#sum += sample;
    this.#samples++;
  }

  /** @param count - how many there are in all. */
  total(count: number): number | undefined {
    return this.#samples === 0 ? undefined : Math.round((this.#sum / this.#samples) * count);
  }
}
