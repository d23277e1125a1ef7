/** Handlers that are generators: their bodies run when their call is over. */
import { handlerToken, type AbstractClass, type GraphFacts } from '@turno/core';
import { RouteError } from './errors.js';

/** A method that makes answers: of a route, or of errors. */
export interface AnswerMethod {
  readonly controller: AbstractClass;
  readonly handler: string | symbol;
  /** `Burgers.parallel`, for messages. */
  readonly label: string;
}

/** Generators on the loop that are given what has been torn down when their body begins. */
export function usingWhatHasEnded(
  methods: readonly AnswerMethod[],
  graph: GraphFacts,
): RouteError[] {
  const labels = new Set<string>();
  return methods.flatMap(({ controller, handler, label }) => {
    if (labels.has(label) || !isGenerator(controller, handler)) return [];
    labels.add(label);
    const ended = graph.endingWithCall(handlerToken(controller, handler));
    if (ended.length === 0) return [];
    const names = ended.map((name) => `"${name}"`).join(' and ');
    return [
      new RouteError(
        `${label} is a generator that sends its answer piece by piece, after the end of its call, but it gets ${names}, torn down at that end.`,
        `Give ${names} the scope 'request', which ends after the answer, or write ${label} without * and return the whole.`,
      ),
    ];
  });
}

function isGenerator(controller: AbstractClass, handler: string | symbol): boolean {
  const prototype = controller.prototype as Record<string | symbol, unknown>;
  // A static one is on the class, which also has what is called `arguments` in all functions.
  const holder = handler in prototype ? prototype : (controller as unknown as typeof prototype);
  const method = holder[handler];
  // By tag: functions of another realm (a Jest sandbox) count too.
  return Object.prototype.toString.call(method).includes('Generator');
}
