/** The classes and functions of the works, the same for all candidates. */

/** Each node adds itself to the sum of what it was given: so the result tells that all were made. */
export interface Sum {
  readonly value: number;
}

/** How many scoped nodes were disposed. */
export const disposed = { count: 0 };

/** In the three spellings that containers look for. */
export abstract class Scoped implements Disposable {
  dispose(): void {
    disposed.count += 1;
  }
  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** A decorator, as the container in question has it. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- classes with any constructor, as decorators take them
export type Decorate = (target: new (...args: any[]) => object) => void;

/** Without decorators: for containers that need none. */
export const plain: Decorate = () => undefined;

/**
 * The graph of a request: five singletons, and five nodes that live with the request and are disposed.
 * @param singleton - decorates each class of the first kind.
 * @param scoped - decorates each class of the second kind.
 */
export function declareRequest(singleton: Decorate, scoped: Decorate) {
  @singleton
  class Config implements Sum {
    readonly value = 1;
  }
  @singleton
  class Clock implements Sum {
    readonly value = 1;
  }
  @singleton
  class Pool implements Sum {
    readonly value: number;
    constructor(readonly config: Config) {
      this.value = 1 + config.value;
    }
  }
  @singleton
  class Cache implements Sum {
    readonly value: number;
    constructor(
      readonly config: Config,
      readonly clock: Clock,
    ) {
      this.value = 1 + config.value + clock.value;
    }
  }
  @singleton
  class Mailer implements Sum {
    readonly value: number;
    constructor(readonly config: Config) {
      this.value = 1 + config.value;
    }
  }
  @scoped
  class Connection extends Scoped implements Sum {
    readonly value: number;
    constructor(readonly pool: Pool) {
      super();
      this.value = 1 + pool.value;
    }
  }
  @scoped
  class Transaction extends Scoped implements Sum {
    readonly value: number;
    constructor(readonly connection: Connection) {
      super();
      this.value = 1 + connection.value;
    }
  }
  @scoped
  class Users extends Scoped implements Sum {
    readonly value: number;
    constructor(
      readonly transaction: Transaction,
      readonly cache: Cache,
    ) {
      super();
      this.value = 1 + transaction.value + cache.value;
    }
  }
  @scoped
  class Orders extends Scoped implements Sum {
    readonly value: number;
    constructor(
      readonly transaction: Transaction,
      readonly clock: Clock,
    ) {
      super();
      this.value = 1 + transaction.value + clock.value;
    }
  }
  @scoped
  class Handler extends Scoped implements Sum {
    readonly value: number;
    constructor(
      readonly users: Users,
      readonly orders: Orders,
      readonly mailer: Mailer,
    ) {
      super();
      this.value = 1 + users.value + orders.value + mailer.value;
    }
  }
  const singletons = { config: Config, clock: Clock, pool: Pool, cache: Cache, mailer: Mailer };
  const scopedClasses = {
    connection: Connection,
    transaction: Transaction,
    users: Users,
    orders: Orders,
    handler: Handler,
  };
  return { singletons, scoped: scopedClasses };
}

/** A tree of ten classes, each used once: nothing can be shared. */
export function declareTree(transient: Decorate) {
  @transient
  class LeafA implements Sum {
    readonly value = 1;
  }
  @transient
  class LeafB implements Sum {
    readonly value = 1;
  }
  @transient
  class LeafC implements Sum {
    readonly value = 1;
  }
  @transient
  class LeafD implements Sum {
    readonly value = 1;
  }
  @transient
  class LeafE implements Sum {
    readonly value = 1;
  }
  @transient
  class LeafF implements Sum {
    readonly value = 1;
  }
  @transient
  class BranchA implements Sum {
    readonly value: number;
    constructor(
      readonly leafA: LeafA,
      readonly leafB: LeafB,
    ) {
      this.value = 1 + leafA.value + leafB.value;
    }
  }
  @transient
  class BranchB implements Sum {
    readonly value: number;
    constructor(
      readonly leafC: LeafC,
      readonly leafD: LeafD,
    ) {
      this.value = 1 + leafC.value + leafD.value;
    }
  }
  @transient
  class BranchC implements Sum {
    readonly value: number;
    constructor(
      readonly leafE: LeafE,
      readonly leafF: LeafF,
    ) {
      this.value = 1 + leafE.value + leafF.value;
    }
  }
  @transient
  class Root implements Sum {
    readonly value: number;
    constructor(
      readonly branchA: BranchA,
      readonly branchB: BranchB,
      readonly branchC: BranchC,
    ) {
      this.value = 1 + branchA.value + branchB.value + branchC.value;
    }
  }
  return {
    leafA: LeafA,
    leafB: LeafB,
    leafC: LeafC,
    leafD: LeafD,
    leafE: LeafE,
    leafF: LeafF,
    branchA: BranchA,
    branchB: BranchB,
    branchC: BranchC,
    root: Root,
  };
}

/** The top of a diamond, what stands in its middle, and what waits for all of that. */
export class Source implements Sum {
  readonly value = 1;
}

export class Middle implements Sum {
  readonly value: number;
  constructor(readonly source: Source) {
    this.value = 1 + source.value;
  }
}

export class Sink implements Sum {
  readonly value: number;
  constructor(readonly middles: readonly Middle[]) {
    this.value = 1 + sumOf(middles);
  }
}

/** How many nodes stand in the middle. */
export const breadth = 8;

/** Which of them are async where only some are. */
export function isAsyncMiddle(index: number): boolean {
  return index === 0 || index === breadth - 1;
}

export const makeSource = async (): Promise<Source> => new Source();
export const makeMiddle = async (source: Source): Promise<Middle> => new Middle(source);
export const makeSink = async (...middles: Middle[]): Promise<Sink> => new Sink(middles);

/** A node that waits. */
export class Waited implements Sum {
  constructor(readonly value: number) {}
}

/** @returns a node that is there after some milliseconds, on top of what it was given. */
export async function waitFor(milliseconds: number, before?: Waited): Promise<Waited> {
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  return new Waited(1 + (before?.value ?? 0));
}

export const gather = async (...waited: Waited[]): Promise<Waited> => new Waited(sumOf(waited));

/** Milliseconds that the nodes of the two chains wait. */
export const chains = [
  [30, 10],
  [10, 30],
] as const;

function sumOf(nodes: readonly Sum[]): number {
  let sum = 0;
  for (const { value } of nodes) sum += value;
  return sum;
}
