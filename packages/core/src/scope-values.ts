/** What scopes are given: for which tokens, and that it stays its giver's. */
import { isDisposable } from './disposal.js';
import { DeclarationError, ScopeValueError } from './errors.js';
import { shown } from './misuse.js';
import type { Ownership } from './ownership.js';
import { ValueProvider } from './provider.js';
import { tokenName, type Token } from './token.js';

/** Tells which tokens are an adapter's own. */
interface Internals {
  isInternal(token: Token): boolean;
}

/** Tokens for which scopes may be given values. */
export class ScopeValues {
  constructor(
    private readonly declared: ReadonlySet<Token>,
    private readonly graph: Internals,
    private readonly owned: Ownership,
  ) {}

  /**
   * @returns a copy: whoever opens a scope may use the array again.
   * @throws DeclarationError for what are no values; ScopeValueError for one that was not declared.
   */
  checked(values: readonly ValueProvider[]): readonly ValueProvider[] {
    if (!isArray(values)) throw noArray(values);
    for (const given of values) {
      if (!(given instanceof ValueProvider)) throw noValue(given);
      if (!this.declared.has(given.token)) throw undeclared(given);
      if (given.many) throw oneOfMany(given);
    }
    return values.slice();
  }

  /**
   * What a user gives is his also where a provider hands it on. To note it costs as much as to make it
   * (0.8 µs for a request of node:http, which is disposable), so for what adapters give, which nobody has
   * a use for after its scope, that is put off until somebody hands on something of its class.
   * @returns whether that was put off.
   */
  own(values: readonly ValueProvider[]): boolean {
    let isPutOff = false;
    for (const { token, value } of values) {
      // What nobody could dispose needs no owner.
      if (isDisposable(value) && !this.ownOne(token, value)) isPutOff = true;
    }
    return isPutOff;
  }

  /** @returns whether it is noted. */
  private ownOne(token: Token, value: object): boolean {
    const { owned } = this;
    const held = this.graph.isInternal(token) ? owned.classOfValue(value) : undefined;
    if (held?.isNoted === false) return false;
    owned.note(value);
    return true;
  }

  /** Notes all of them. */
  ownAll(values: readonly ValueProvider[]): void {
    for (const { value } of values) {
      if (isDisposable(value)) this.owned.note(value);
    }
  }
}

function isArray(values: unknown): values is readonly unknown[] {
  return Array.isArray(values);
}

// Apart from what each scope goes through, which is put in line where it is short.

function noArray(values: unknown): DeclarationError {
  return new DeclarationError(
    `createScope was given ${shown(values)}, which is no array of values.`,
    'Write createScope([value(Token, theValue)]).',
  );
}

function noValue(given: unknown): DeclarationError {
  return new DeclarationError(
    `createScope was given ${typeof given === 'object' ? 'an object' : `a ${typeof given}`} that is no value(token, …).`,
    'Write createScope([value(Token, theValue)]).',
  );
}

function undeclared({ token }: ValueProvider): ScopeValueError {
  return new ScopeValueError(
    `The scope was given a value for "${tokenName(token)}", which was not declared.`,
    `Declare it: Container.create({ scopeValues: [${tokenName(token)}] }).`,
  );
}

function oneOfMany({ token }: ValueProvider): DeclarationError {
  return new DeclarationError(
    `The scope was given a value for "${tokenName(token)}" with \`many\`, and has but one of each.`,
    'Give it an array of them, without `many`.',
  );
}

/** What is thrown where a value is asked for that was declared and not given. */
export function notGiven(token: Token): ScopeValueError {
  return new ScopeValueError(
    `The scope was created without a value for "${tokenName(token)}".`,
    `Give it one: createScope([value(${tokenName(token)}, …)]).`,
  );
}
