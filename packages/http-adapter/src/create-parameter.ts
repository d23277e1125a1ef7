/** Parameters of the user's own. */
import { isPromise } from 'node:util/types';
import { DeclarationError, declareParameter } from '@turno/core';
import type { ParameterOf } from './declared-parameter.js';
import { checkOptions } from './misuse.js';
import type { BodyKind, RequestSource } from './parameter.js';
import { requestToken, type HttpRequest } from './request.js';

/** Options of {@link createParameter}. */
export interface CustomParameterOptions {
  /** As `container.explain` and messages show it. Default: the name of the function. */
  readonly name?: string;
  /**
   * Has the JSON body, the form, or whatever body it is, read before: `request.body`, `request.form`,
   * `request.bytes`.
   */
  readonly reads?: BodyKind;
}

/**
 * Makes a decorator for parameters of handlers and providers that a function reads from the request:
 * `const Tenant = createParameter((request) => request.headers['x-tenant'])`, `@Tenant() tenant: string`.
 * @param read - is called on the event loop, before any provider; for a handler with dependencies of
 * levels (`@Depends`) after those, unless they take the parameter. What it throws is answered with the
 * faults of the parameters that are read with it if it is a `ParameterFault`; anything else is the answer
 * by itself.
 * @returns a decorator whose argument is `data` of that function.
 */
export function createParameter<Value, Data = undefined>(
  read: (request: HttpRequest, data: Data) => Value,
  options: CustomParameterOptions = {},
): (...data: undefined extends Data ? [data?: Data] : [data: Data]) => ParameterOf<Value> {
  checkFunction(read);
  checkOptions('createParameter', options, ['name', 'reads']);
  const { name = read.name || 'custom parameter', reads } = options;
  return (...given) => {
    const [data] = given as [Data];
    const source: RequestSource = {
      from: requestToken,
      name,
      location: undefined,
      key: '',
      reads,
      required: false,
      reader: () => (request) => settled(read(request, data), name),
    };
    return (target: object, method: string | symbol | undefined, index: number): void => {
      declareParameter(target, method, index, source);
    };
  };
}

const remedy =
  'Write createParameter((request) => …), and do what has to wait in an async provider that takes the parameter.';

/** @throws DeclarationError for a promise, which nobody would wait for. */
function settled<Value>(value: Value, name: string): Value {
  if (!isPromise(value)) return value;
  // Nobody awaits it: its rejection shall not end the process.
  value.then(undefined, () => undefined);
  throw new DeclarationError(
    `The function of the parameter "${name}" has returned a promise: parameters are read without waiting.`,
    remedy,
  );
}

/** JavaScript may pass anything. */
function checkFunction(read: unknown): void {
  const tag = Object.prototype.toString.call(read);
  if (tag === '[object Function]') return;
  throw new DeclarationError(
    typeof read === 'function'
      ? 'createParameter was given an async function or a generator: parameters are read without waiting.'
      : 'createParameter was given no function.',
    remedy,
  );
}
