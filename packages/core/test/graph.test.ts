/** The graph: what it finds out at start, and every problem that it reports. */
import { describe, expect, it } from '@jest/globals';
import { Inject, Injectable, Portable, Provides } from '../src/decorators.js';
import type { TurnoError } from '../src/errors.js';
import { Graph, type GraphInput } from '../src/graph.js';
import { alias, value } from '../src/provider.js';
import { lazy, type Lazy } from '../src/request-token.js';
import { token } from '../src/token.js';
import { CheckedGraph } from '../src/check.js';

function problemsOf(input: Partial<GraphInput>): readonly TurnoError[] {
  const { graph, problems } = Graph.build({
    providers: [],
    overrides: [],
    scopeValues: [],
    ...input,
  });
  return [...problems, ...new CheckedGraph(graph).check().problems];
}

function summaryOf(input: Partial<GraphInput>) {
  return problemsOf(input).map(({ code, path }) => ({ code, path }));
}

@Injectable()
class Tickets {}

@Injectable()
class Till {
  constructor(readonly tickets: Tickets) {}
}

class Unknown {}

describe('a graph without problems', () => {
  it('finds injectable classes that nobody lists', () => {
    const { graph, problems } = Graph.build({ providers: [Till], overrides: [], scopeValues: [] });
    expect(problems).toEqual([]);
    expect(graph.nodes.map(({ label }) => label)).toEqual(['AbortSignal', 'Till', 'Tickets']);
  });

  it('takes a class that is listed twice as one provider', () => {
    expect(summaryOf({ providers: [Till, Till] })).toEqual([]);
  });

  it('lets a subclass inherit the constructor parameters of its parent', () => {
    @Injectable()
    class NightTill extends Till {}
    const { graph } = Graph.build({ providers: [NightTill], overrides: [], scopeValues: [] });
    const node = graph.nodes.find(({ label }) => label === 'NightTill');
    expect(node?.needs.map(({ label }) => label)).toEqual(['Tickets']);
  });

  it('lets a subclass replace and add provided methods', () => {
    class Base {
      @Provides(Unknown)
      async unknown(): Promise<Unknown> {
        return new Unknown();
      }
    }
    class Derived extends Base {
      override async unknown(): Promise<Unknown> {
        return new Unknown();
      }
    }
    const { graph, problems } = Graph.build({
      providers: [Derived],
      overrides: [],
      scopeValues: [],
    });
    expect(problems).toEqual([]);
    expect(graph.nodes.map(({ label }) => label)).toContain('Derived.unknown');
  });

  it('takes any name for a token', () => {
    const proto = token<number>('__proto__');
    const constructorToken = token<number>('constructor');
    const { graph, problems } = Graph.build({
      providers: [value(proto, 1), value(constructorToken, 2)],
      overrides: [],
      scopeValues: [],
    });
    expect(problems).toEqual([]);
    expect(graph.find(proto).node).toMatchObject({ kind: 'value', value: 1 });
    expect(graph.find(constructorToken).node).toMatchObject({ kind: 'value', value: 2 });
  });
});

describe('a missing provider', () => {
  class Kitchen {
    @Provides(Till)
    async till(_unknown: Unknown): Promise<Till> {
      return new Till(new Tickets());
    }
  }

  it('is reported with the path to it', () => {
    expect(summaryOf({ providers: [Kitchen] })).toEqual([
      { code: 'TURNO_MISSING_PROVIDER', path: ['Kitchen.till', 'Unknown'] },
    ]);
  });

  it('names what asks for it, which parameter, and the remedy', () => {
    expect(problemsOf({ providers: [Kitchen] })[0]?.message).toBe(
      'There is no provider for "Unknown", which Kitchen.till asks for (parameter 1, Unknown). ' +
        'Decorate "Unknown" with @Injectable(), or list a class with an @Provides(Unknown) method in `providers`. ' +
        'Path: Kitchen.till -> Unknown.',
    );
  });

  it('suggests names that are close', () => {
    const Port = token<number>('Port');
    const Prot = token<number>('Prot');
    @Injectable()
    class Server {
      constructor(@Inject(Prot) readonly port: number) {}
    }
    expect(problemsOf({ providers: [Server, value(Port, 1)] })[0]?.message).toContain(
      'Did you mean "Port"?',
    );
  });

  it('is reported once behind an alias, by the name that is missing', () => {
    const Short = token<Unknown>('Short');
    @Injectable()
    class User {
      constructor(@Inject(Short) readonly unknown: Unknown) {}
    }
    expect(summaryOf({ providers: [User, alias(Short, Unknown)] })).toEqual([
      { code: 'TURNO_MISSING_PROVIDER', path: ['Short', 'Unknown'] },
    ]);
  });
});

describe('a cycle', () => {
  it('is reported with its path, from where it is entered', () => {
    const A = token<object>('A');
    const B = token<object>('B');
    class Ring {
      @Provides(A) static async a(@Inject(B) _b: object): Promise<object> {
        return {};
      }
      @Provides(B) static async b(@Inject(A) _a: object): Promise<object> {
        return {};
      }
    }
    const problems = problemsOf({ providers: [Ring] });
    expect(problems.map(({ code, path }) => ({ code, path }))).toEqual([
      { code: 'TURNO_CYCLE', path: ['Ring.a', 'Ring.b', 'Ring.a'] },
    ]);
    expect(problems[0]?.message).toContain('Path: Ring.a -> Ring.b -> Ring.a.');
  });

  it('is found among aliases', () => {
    const A = token<object>('A');
    const B = token<object>('B');
    @Injectable()
    class User {
      constructor(@Inject(A) readonly a: object) {}
    }
    expect(summaryOf({ providers: [User, alias(A, B), alias(B, A)] })).toEqual([
      { code: 'TURNO_CYCLE', path: ['A', 'B', 'A'] },
    ]);
  });
});

describe('a parameter that says nothing', () => {
  it('is reported with its number and @Inject', () => {
    @Injectable()
    class Server {
      constructor(
        readonly tickets: Tickets,
        readonly port: number,
      ) {}
    }
    const [problem] = problemsOf({ providers: [Server] });
    expect(problem?.code).toBe('TURNO_PARAMETER_TYPE');
    expect(problem?.message).toContain(
      'The type of parameter 2 of the constructor of Server is number',
    );
    expect(problem?.message).toContain('@Inject(TheToken)');
  });

  it('is reported as a circular import where its class was undefined', () => {
    @Injectable()
    class Server {
      constructor(@Inject(undefined as never) readonly later: Unknown) {}
    }
    const [problem] = problemsOf({ providers: [Server] });
    expect(problem?.code).toBe('TURNO_UNDEFINED_DEPENDENCY');
    expect(problem?.message).toContain('import each other');
  });

  it('is reported with a missing class decorator where that is the likely cause', () => {
    class Reports {
      constructor(readonly tickets: Tickets) {}
      @Provides(Unknown)
      async unknown(): Promise<Unknown> {
        return this.tickets;
      }
    }
    const [problem] = problemsOf({ providers: [Reports] });
    expect(problem?.code).toBe('TURNO_NO_METADATA');
    expect(problem?.message).toContain('Decorate Reports with @Injectable()');
  });

  it('is reported as missing metadata where there is none at all', () => {
    const Server = class Server {
      constructor(readonly tickets: Tickets) {}
    };
    // As esbuild compiles it: the decorator runs, no metadata is left.
    Injectable()(Server);
    const [problem] = problemsOf({ providers: [Server] });
    expect(problem?.code).toBe('TURNO_NO_METADATA');
    expect(problem?.message).toContain('emitDecoratorMetadata');
  });
});

describe('a lifetime', () => {
  @Injectable({ scope: 'request' })
  class PerRequest {}

  it('must not be longer than that of a dependency', () => {
    @Injectable()
    class Cache {
      constructor(readonly request: PerRequest) {}
    }
    const [problem] = problemsOf({ providers: [Cache] });
    expect(problem).toMatchObject({ code: 'TURNO_SCOPE', path: ['Cache', 'PerRequest'] });
    expect(problem?.message).toContain(
      "Give Cache scope 'request', or PerRequest scope 'singleton'.",
    );
  });

  it('is seen through a transient provider', () => {
    @Injectable({ scope: 'transient' })
    class Between {
      constructor(readonly request: PerRequest) {}
    }
    @Injectable()
    class Cache {
      constructor(readonly between: Between) {}
    }
    expect(summaryOf({ providers: [Cache] })).toEqual([
      { code: 'TURNO_SCOPE', path: ['Cache', 'Between', 'PerRequest'] },
    ]);
  });

  it('of a scope value is that of the request', () => {
    const Request = token<object>('Request');
    @Injectable()
    class Cache {
      constructor(@Inject(Request) readonly request: object) {}
    }
    const [problem] = problemsOf({ providers: [Cache], scopeValues: [Request] });
    expect(problem?.code).toBe('TURNO_SCOPE');
    expect(problem?.message).toContain("Give Cache scope 'request'.");
  });
});

describe('a declaration', () => {
  it('of one token by two providers is reported with both', () => {
    class One {
      @Provides(Unknown) static async unknown(): Promise<Unknown> {
        return new Unknown();
      }
    }
    class Two {
      @Provides(Unknown) static async unknown(): Promise<Unknown> {
        return new Unknown();
      }
    }
    const [problem] = problemsOf({ providers: [One, Two] });
    expect(problem?.message).toContain(
      '"Unknown" is provided twice: by One.unknown and by Two.unknown.',
    );
  });

  it('of a class that provides nothing says how to make it a provider', () => {
    const [problem] = problemsOf({ providers: [Unknown] });
    expect(problem?.message).toBe(
      'providers[0] is the class Unknown, which provides nothing. Decorate it with @Injectable(), or one of its methods with @Provides(token).',
    );
  });

  it.each([
    [undefined, 'providers[0] is undefined, which is no provider. Two modules import each other'],
    [new Tickets(), 'providers[0] is an instance of Tickets, which is no provider.'],
    ['Tickets', 'providers[0] is a string, which is no provider.'],
  ])('of %p is refused', (entry, message) => {
    expect(problemsOf({ providers: [entry as never] })[0]?.message).toContain(message);
  });

  it('of an override for something that nobody provides is refused, with near names', () => {
    const Port = token<number>('Port');
    const Prot = token<number>('Prot');
    const [problem] = problemsOf({ providers: [value(Port, 1)], overrides: [[value(Prot, 2)]] });
    expect(problem?.code).toBe('TURNO_OVERRIDE');
    expect(problem?.message).toContain('Did you mean "Port"?');
  });
});

describe('what crosses to a thread', () => {
  @Injectable()
  class Database {
    query(): string {
      return '';
    }
  }

  @Portable()
  class Order {
    constructor(readonly burgers: number) {}
    double(): number {
      return this.burgers * 2;
    }
  }

  it('is refused where a class with methods lives on the loop', () => {
    const Pdf = token<string>('Pdf');
    class Reports {
      @Provides(Pdf, { scope: 'request' })
      pdf(database: Database): string {
        return database.query();
      }
    }
    const [problem, ...others] = problemsOf({ providers: [Reports] });
    expect(others).toEqual([]);
    expect(problem?.message).toBe(
      'Reports.pdf runs in a thread, but its dependency Database lives on the event loop and is not portable. ' +
        "Make Reports.pdf async, give Database scope 'thread', or pass plain data. " +
        'A class of plain data may cross with @Portable(). Path: Reports.pdf -> Database.',
    );
  });

  it('is refused where the instance that has the method needs such a class', () => {
    const Pdf = token<string>('Pdf');
    @Injectable()
    class Reports {
      constructor(readonly database: Database) {}
      @Provides(Pdf, { scope: 'request' })
      pdf(): string {
        return this.database.query();
      }
    }
    const [problem, ...others] = problemsOf({ providers: [Reports] });
    expect(others).toEqual([]);
    expect(problem).toMatchObject({
      code: 'TURNO_NOT_PORTABLE',
      path: ['Reports.pdf', 'Reports', 'Database'],
    });
    expect(problem?.message).toContain('Make Reports.pdf async');
  });

  it('is accepted where its class is portable', () => {
    const Pdf = token<string>('Pdf');
    class Reports {
      @Provides(Order, { scope: 'request' })
      async order(): Promise<Order> {
        return new Order(1);
      }
      @Provides(Pdf, { scope: 'request' })
      pdf(order: Order): string {
        return String(order.double());
      }
    }
    expect(summaryOf({ providers: [Reports] })).toEqual([]);
  });

  it('is refused where it is a function that resolves on demand', () => {
    const Pdf = token<string>('Pdf');
    class Reports {
      @Provides(Pdf, { scope: 'request' })
      pdf(@Inject(lazy(Order)) _order: Lazy<Order>): string {
        return '';
      }
      @Provides(Order, { scope: 'request' })
      async order(): Promise<Order> {
        return new Order(1);
      }
    }
    expect(summaryOf({ providers: [Reports] })).toEqual([
      { code: 'TURNO_NOT_PORTABLE', path: ['Reports.pdf', 'lazy(Order)'] },
    ]);
  });

  it('is refused where a given value holds a function', () => {
    const Settings = token<{ log: () => void }>('Settings');
    const Pdf = token<string>('Pdf');
    class Reports {
      @Provides(Pdf)
      pdf(@Inject(Settings) _settings: { log: () => void }): string {
        return '';
      }
    }
    const [problem] = problemsOf({
      providers: [Reports, value(Settings, { log: () => undefined })],
    });
    expect(problem?.code).toBe('TURNO_NOT_PORTABLE');
    expect(problem?.message).toContain('log');
  });

  it('may be anything between steps of one hop', () => {
    class Grinder {
      grind(): string {
        return '';
      }
    }
    const Pdf = token<string>('Pdf');
    class Reports {
      @Provides(Grinder, { scope: 'request' })
      grinder(): Grinder {
        return new Grinder();
      }
      @Provides(Pdf, { scope: 'request' })
      pdf(grinder: Grinder): string {
        return grinder.grind();
      }
    }
    expect(summaryOf({ providers: [Reports] })).toEqual([]);
  });

  it('is refused where a value leaves the hop that made it', () => {
    class Grinder {
      grind(): string {
        return '';
      }
    }
    const Pdf = token<string>('Pdf');
    class Reports {
      @Provides(Grinder, { scope: 'request' })
      grinder(): Grinder {
        return new Grinder();
      }
      @Provides(Pdf, { scope: 'request' })
      async pdf(grinder: Grinder): Promise<string> {
        return grinder.grind();
      }
    }
    const [problem] = problemsOf({ providers: [Reports] });
    expect(problem?.message).toContain(
      'Reports.grinder runs in a thread and makes a Grinder, which is not portable, but Reports.pdf needs it outside of that trip.',
    );
  });

  it('is refused where something on the loop needs what lives in threads', () => {
    @Injectable({ scope: 'thread' })
    class Model {
      predict(): number {
        return 1;
      }
    }
    const Prediction = token<number>('Prediction');
    class Predictions {
      @Provides(Prediction, { scope: 'request' })
      async prediction(model: Model): Promise<number> {
        return model.predict();
      }
    }
    const [problem] = problemsOf({ providers: [Predictions] });
    expect(problem?.message).toContain(
      "Predictions.prediction runs on the event loop, but its dependency Model has scope 'thread'",
    );
  });
});

it('walks a chain of 10,000 providers without deep recursion', () => {
  const tokens = Array.from({ length: 10_000 }, (_, index) => token<number>(`t${index}`));
  class Chain {}
  tokens.forEach((own, index) => {
    const name = `m${index}`;
    Object.defineProperty(Chain, name, { value: async () => index });
    if (index > 0) Inject(tokens[index - 1]!)(Chain, name, 0);
    Provides(own)(Chain, name, Object.getOwnPropertyDescriptor(Chain, name) as never);
  });
  expect(summaryOf({ providers: [Chain] })).toEqual([]);
});
