/** Reads lists of providers into declarations: who provides which token, and by what. */
import { defaultGroup } from './scope.js';
import { handlerToken } from './decorators.js';
import { DeclarationError, type TurnoError } from './errors.js';
import { returnType } from './metadata.js';
import type { MethodNode, NodeParts } from './node.js';
import { bare } from './own.js';
import { AliasProvider, ValueProvider, type Provider } from './provider.js';
import { findRecord, type ClassRecord, type MethodRecord, type ProviderOptions } from './record.js';
import { isToken, NamedToken, tokenName, type AbstractClass, type Token } from './token.js';

/** One provider of one token. */
export interface Declaration {
  readonly token: Token;
  /** As messages name it: `Kitchen.grind`, `value(Port)`. */
  readonly by: string;
  /** One of several providers of its token. */
  readonly many: boolean;
  /** What makes the value, or the token that it stands for. */
  readonly provider: NodeParts | AliasProvider;
}

/** What a list of providers declares. */
export interface Declarations {
  readonly declared: readonly Declaration[];
  /** Classes of which an instance is needed for their methods, and that provide nothing else. */
  readonly holders: readonly AbstractClass[];
  readonly problems: readonly TurnoError[];
}

/**
 * @param list - the name of the list, for messages: `providers`.
 * @param deadline - of providers that have none of their own, in milliseconds.
 */
export function readDeclarations(
  providers: readonly Provider[],
  list: string,
  deadline?: number,
): Declarations {
  const reader = new Reader(deadline);
  const seen = new Set<unknown>();
  for (const [position, provider] of providers.entries()) {
    // A class that two feature lists both name is one provider.
    if (!seen.has(provider)) reader.read(provider, `${list}[${position}]`);
    seen.add(provider);
  }
  return reader;
}

/** Declares the tokens that scopes are given values for. */
export function readScopeValues(tokens: readonly Token[]): Declarations {
  const declared = tokens.filter(isToken).map((token): Declaration => {
    const label = tokenName(token);
    const provider: NodeParts = {
      kind: 'given',
      label,
      scope: 'request',
      token,
      isOptional: false,
    };
    return { token, by: 'scopeValues', many: false, provider };
  });
  const problems = tokens.flatMap((token, position) =>
    isToken(token)
      ? []
      : [
          new DeclarationError(
            `scopeValues[${position}] is ${describe(token)}, which is no token.`,
            'List classes, or what token(name) makes.',
          ),
        ],
  );
  return { declared, holders: [], problems };
}

/**
 * The node of a class that is constructed.
 * @param deadline - of the container.
 */
export function classParts(
  target: AbstractClass,
  options: ProviderOptions,
  deadline: number | undefined,
): NodeParts {
  return {
    kind: 'class',
    label: tokenName(target),
    scope: options.scope ?? 'singleton',
    lazy: options.lazy ?? false,
    target,
    deadline,
  };
}

class Reader implements Declarations {
  readonly declared: Declaration[] = [];
  readonly holders: AbstractClass[] = [];
  readonly problems: TurnoError[] = [];

  constructor(private readonly deadline: number | undefined) {}

  /** JavaScript may list anything, and a circular import leaves undefined. */
  read(provider: unknown, where: string): void {
    if (provider instanceof ValueProvider) {
      const { token, value, many } = provider as ValueProvider;
      const label = tokenName(token);
      const parts: NodeParts = { kind: 'value', label, scope: 'singleton', token, value };
      this.declared.push({ token, by: `value(${label})`, many, provider: parts });
    } else if (provider instanceof AliasProvider) {
      const { token, target, many } = provider;
      const by = `alias(${tokenName(token)}, ${tokenName(target)})`;
      this.declared.push({ token, by, many, provider });
    } else if (typeof provider === 'function') {
      this.readClass(provider as AbstractClass, where);
    } else {
      this.problems.push(
        new DeclarationError(
          `${where} is ${describe(provider)}, which is no provider.`,
          provider === undefined
            ? 'Two modules import each other, or a name is misspelt.'
            : 'List classes, value(token, …), alias(token, …) or provide(token, …).',
        ),
      );
    }
  }

  private readClass(target: AbstractClass, where: string): void {
    const methods = methodsOf(target).filter(
      ({ handler, provides }) => handler !== undefined || provides !== undefined,
    );
    for (const method of methods) this.readMethod(target, method);
    const record = findRecord(target);
    if (record?.injectable !== undefined) {
      const provider = classParts(target, record.injectable, this.deadline);
      this.declared.push({ token: target, by: target.name, many: false, provider });
    } else if (methods.some((method) => !method.static)) {
      this.holders.push(target);
    } else if (methods.length === 0) {
      this.problems.push(
        new DeclarationError(
          `${where} is the class ${tokenName(target)}, which provides nothing.`,
          'Decorate it with @Injectable(), or one of its methods with @Provides(token).',
        ),
      );
    }
  }

  /** A symbol is another one in each thread. */
  private refuseUnnamed(parts: NodeParts): void {
    if (parts.kind !== 'method' || typeof parts.method !== 'symbol') return;
    if (parts.placement === 'loop' && parts.scope !== 'thread') return;
    this.problems.push(
      new DeclarationError(
        `${parts.label} runs in a worker thread, but its name is a symbol, which a thread does not know.`,
        'Give it a name that is a string, or make it async.',
      ),
    );
  }

  private methodParts(
    target: AbstractClass,
    method: MethodRecord,
    token: Token,
    label: string,
    options: ProviderOptions,
    handler: boolean,
  ): NodeParts {
    const { deadline } = this;
    const all = deadline === undefined ? options : { deadline, ...options };
    return methodParts(target, method, token, label, all, handler);
  }

  private refuseGroupOnLoop(parts: NodeParts, { threads }: ProviderOptions): void {
    if (threads === undefined || parts.kind !== 'method' || parts.placement === 'thread') return;
    this.problems.push(
      new DeclarationError(
        `${parts.label} names the group of threads '${threads}', but it is asynchronous, so it runs on the event loop.`,
        `Leave \`threads\` out, write it without async, or say on: 'thread'.`,
      ),
    );
  }

  private readMethod(target: AbstractClass, method: MethodRecord): void {
    const { handler, provides, name } = method;
    const label = findRecord(target)?.label ?? `${target.name}.${String(name)}`;
    if (handler !== undefined) {
      const token = handlerToken(target, name);
      const options = bare({ scope: 'transient' as const, ...handler });
      const provider = this.methodParts(target, method, token, label, options, true);
      this.refuseUnnamed(provider);
      this.refuseGroupOnLoop(provider, options);
      this.declared.push({ token, by: label, many: false, provider });
    }
    if (provides === undefined) return;
    const { token, options } = provides;
    if (token === null) {
      this.problems.push(
        new DeclarationError(
          `The token of @Provides on ${label} was undefined when ${target.name} was declared.`,
          'Its module and the module of the token import each other: move the token into a module that does not import this one.',
        ),
      );
      return;
    }
    const provider = this.methodParts(target, method, token, label, options, false);
    this.refuseUnnamed(provider);
    this.refuseGroupOnLoop(provider, options);
    this.declared.push({ token, by: label, many: options.many ?? false, provider });
  }
}

function methodParts(
  target: AbstractClass,
  method: MethodRecord,
  token: Token,
  label: string,
  options: ProviderOptions,
  handler: boolean,
): NodeParts {
  const holder = (method.static ? target : target.prototype) as object;
  const returns = returnType(holder, method.name);
  const callable = (holder as Record<string | symbol, unknown>)[method.name];
  return {
    kind: 'method',
    label,
    scope: options.scope ?? 'singleton',
    lazy: options.lazy ?? false,
    target,
    method: method.name,
    static: method.static,
    fixed: method.isFixed === true ? (callable as MethodNode['fixed']) : undefined,
    record: method,
    placement: options.on ?? (isAsync(callable) || returns === Promise ? 'loop' : 'thread'),
    group: options.threads ?? defaultGroup,
    deadline: options.deadline,
    // What a handler's generator yields is its answer, not a value to inject.
    generator: !handler && isGenerator(callable),
    makes: classOf(token, returns),
    handler,
    before: [],
  };
}

/**
 * The decorated methods of a class and its ancestors. An overriding method takes the place of its
 * parent's; what it is not decorated with itself it inherits.
 */
function methodsOf(target: AbstractClass): readonly MethodRecord[] {
  const chain: ClassRecord[] = [];
  for (
    let at: unknown = target;
    typeof at === 'function' && at !== Function.prototype;
    at = Object.getPrototypeOf(at)
  ) {
    const record = findRecord(at as AbstractClass);
    if (record !== undefined) chain.unshift(record);
  }
  const [only] = chain;
  if (only !== undefined && chain.length === 1) {
    return [...only.methods.values(), ...only.staticMethods.values()];
  }
  const methods = new Map<string | symbol, MethodRecord>();
  const staticMethods = new Map<string | symbol, MethodRecord>();
  for (const record of chain) {
    for (const [name, method] of record.methods) {
      methods.set(name, bare({ ...methods.get(name), ...method }));
    }
    for (const [name, method] of record.staticMethods) {
      staticMethods.set(name, bare({ ...staticMethods.get(name), ...method }));
    }
  }
  return [...methods.values(), ...staticMethods.values()];
}

/** By tag, not by constructor: functions of another realm (a Jest sandbox) count too. */
function tagOf(callable: unknown): string {
  return Object.prototype.toString.call(callable);
}

function isAsync(callable: unknown): boolean {
  const tag = tagOf(callable);
  return tag === '[object AsyncFunction]' || tag === '[object AsyncGeneratorFunction]';
}

function isGenerator(callable: unknown): boolean {
  const tag = tagOf(callable);
  return tag === '[object GeneratorFunction]' || tag === '[object AsyncGeneratorFunction]';
}

/** The class of what a method makes: its token, or else its declared return type. */
function classOf(token: Token, returns: unknown): AbstractClass | undefined {
  if (!(token instanceof NamedToken)) return token;
  return typeof returns === 'function' && returns !== Object && returns !== Promise
    ? (returns as AbstractClass)
    : undefined;
}

function describe(candidate: unknown): string {
  if (candidate === null) return 'null';
  if (candidate === undefined) return 'undefined';
  if (typeof candidate !== 'object') return `a ${typeof candidate}`;
  if (Array.isArray(candidate)) return 'an array';
  const { constructor } = candidate as { constructor?: { name?: string } };
  if (constructor === Object) return 'an object';
  return `an instance of ${constructor?.name ?? 'an unknown class'}`;
}
