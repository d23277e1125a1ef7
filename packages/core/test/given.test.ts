/** What scopes are given: to whom it goes, and what those get that were given nothing. */
import { describe, expect, it } from '@jest/globals';
import {
  Container,
  declareHandler,
  declareParameter,
  handlerToken,
  optional,
  provide,
  token,
  value,
} from '@turno/core';

const Given = token<string>('Given');
const ForRequest = token<string>('ForRequest');
const ForCall = token<string>('ForCall');

const forRequest = provide(
  ForRequest,
  { scope: 'request', deps: [Given] },
  async (given) => `request with ${given}`,
);
const forCall = provide(
  ForCall,
  { scope: 'call', deps: [Given, ForRequest] },
  async (given, made) => `call with ${given}, ${made}`,
);

describe.each([0, 300])('a value that a call was given (after %i)', (times) => {
  const start = async () => {
    const container = await Container.create({
      scopeValues: [Given],
      providers: [forRequest, forCall],
    });
    for (let time = 0; time < times; time++) {
      await container.run(
        (scope) => scope.run((call) => call.resolve(ForCall), [value(Given, 'b')]),
        [value(Given, 'a')],
      );
    }
    return container;
  };

  it('goes to what the call keeps, not to what the request does, which outlives it', async () => {
    await using container = await start();
    await using scope = container.createScope([value(Given, 'request’s')]);
    const made = scope.run((call) => call.resolve(ForCall), [value(Given, 'call’s')]);
    expect(await made).toBe('call with call’s, request with request’s');
    expect(await scope.resolve(ForRequest)).toBe('request with request’s');
  });

  it('is refused for what the request keeps, where that was given none', async () => {
    await using container = await start();
    await using scope = container.createScope();
    const failed = scope.run((call) => call.resolve(ForCall), [value(Given, 'call’s')]);
    await expect(failed).rejects.toMatchObject({
      code: 'TURNO_SCOPE_VALUE',
      message:
        'provide(ForRequest) is kept by the request, and needs "Given", which only a call in it was given. Give it to the request: container.createScope([value(Given, …)]), or give provide(ForRequest) the scope call.',
    });
    const own = scope.run((call) => call.resolve(Given), [value(Given, 'call’s')]);
    expect(await own).toBe('call’s');
  });
});

describe('a value that a scope was not given', () => {
  const Asking = token<readonly unknown[]>('Asking');

  it('is undefined where it is optional, and an error for all others', async () => {
    const asking = provide(
      Asking,
      { scope: 'request', deps: [optional(Given)] },
      async (...given) => given,
    );
    const container = await Container.create({
      scopeValues: [Given],
      providers: [asking, forRequest],
    });
    expect(await container.run((scope) => scope.resolve(Asking))).toEqual([undefined]);
    const given = [value(Given, 'given')];
    expect(await container.run((scope) => scope.resolve(Asking), given)).toEqual(['given']);
    await expect(container.run((scope) => scope.resolve(ForRequest))).rejects.toMatchObject({
      code: 'TURNO_SCOPE_VALUE',
    });
    await container.dispose();
  });
});

it('values with `many` are refused for scopes, which have but one of each', async () => {
  await using container = await Container.create({ scopeValues: [Given] });
  expect(() => container.createScope([value(Given, 'one', { many: true })])).toThrow(
    'The scope was given a value for "Given" with `many`, and has but one of each. Give it an array of them, without `many`.',
  );
});

it('a parameter that is read from it gets what its consumer is given', async () => {
  const Message = token<{ readonly text: string }>('Message');
  class Chat {
    async answer(text: string): Promise<string> {
      return text;
    }
  }
  declareParameter(Chat.prototype, 'answer', 0, {
    from: Message,
    name: 'the text',
    reader: () => (from) => from.text,
  });
  declareHandler(Chat.prototype, 'answer', {});
  await using container = await Container.create({ providers: [Chat], scopeValues: [Message] });
  for (const given of [[], [value(Message, { text: 'of the connection' })]]) {
    await using scope = container.createScope(given);
    const answer = scope.run(
      (call) => call.resolve(handlerToken(Chat, 'answer')),
      [value(Message, { text: 'of the message' })],
    );
    expect(await answer).toBe('of the message');
  }
});
