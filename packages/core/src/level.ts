/** Levels of scopes: which plans they can make, and what is said where they cannot. */
import { OutsideScopeError, ScopeValueError } from './errors.js';
import type { Node } from './node.js';
import type { Plan } from './plan.js';
import { tokenName, type Token } from './token.js';

export type Level = 'container' | 'request' | 'call';

/** Whether a scope of a level may keep what a plan makes, and is alone with that. */
export function isWithin({ within }: Plan, level: Level): boolean {
  return within === undefined || within === level;
}

/** Whether some of a plan lives in a scope that is not open around one of a level. */
export function lacksScopeFor({ within }: Plan, level: Level): boolean {
  if (within === undefined || level === 'call') return false;
  return level === 'container' || within === 'call';
}

/** What is thrown where {@link lacksScopeFor} says so. */
export function outsideOf({ scopes, steps, target, root }: Plan, level: Level): OutsideScopeError {
  const isInNone = level === 'container' && scopes.has('request');
  const missing = isInNone ? 'request' : 'call';
  const step = steps.find(({ node }) => node.scope === missing) ?? root;
  const path = step === root ? [target.label] : [target.label, step.node.label];
  return new OutsideScopeError(step.node.label, missing, path);
}

/** What reads from a request was asked for in a scope that is of none. */
export function onlyInRequest(token: Token, { steps }: Plan): ScopeValueError {
  const wants = (index: number) => steps.find(({ needs }) => needs.includes(index));
  const given = steps.find(({ node }) => node.kind === 'given' && node.token === token);
  const reader = given === undefined ? undefined : wants(given.index);
  const isRead = reader?.node.kind === 'input';
  const owner = isRead ? reader.node.owner : (reader?.node.label ?? tokenName(token));
  const what = isRead ? `reads ${reader.node.label}` : `asks for ${tokenName(token)}`;
  return new ScopeValueError(
    `${owner} ${what}, which only a request has, and this scope is not that of one.`,
    `Let a request ask for it (in tests app.inject), or override ${owner}.`,
  );
}

/** What the request keeps needs a value that only a call in it was given. */
export function onlyInCall(token: Token, { steps }: Plan): ScopeValueError {
  const given = steps.find(({ node, owner }) => owner === 'request' && isOf(node, token));
  const reader = steps.find(({ needs }) => given !== undefined && needs.includes(given.index));
  const owner = reader?.node.label ?? tokenName(token);
  return new ScopeValueError(
    `${owner} is kept by the request, and needs "${tokenName(token)}", which only a call in it was given.`,
    `Give it to the request: container.createScope([value(${tokenName(token)}, …)]), or give ${owner} the scope call.`,
  );
}

function isOf(node: Node, token: Token): boolean {
  return node.kind === 'given' && node.token === token;
}
