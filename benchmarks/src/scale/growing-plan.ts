/** One handler with ever more steps. */
import { Container, provide, token, type Provider } from '@turno/core';
import { timeOf } from './growing-graph.js';

const scope = 'request';

/** @returns microseconds of processor time for each step of a request with that many steps. */
export async function perStep(steps: number, milliseconds: number): Promise<number> {
  const tokens = Array.from({ length: steps }, (_, index) => token<number>(`Step${index}`));
  const providers: Provider[] = tokens.map((made, index) => {
    const deps = index === 0 ? [] : [tokens[index - 1]!];
    return provide(made, { scope, deps }, async (before = 0) => before + 1);
  });
  const container = await Container.create({ providers });
  const request = await timeOf(async () => {
    const opened = container.createScope();
    const made = await opened.resolve(tokens.at(-1)!);
    await opened.dispose();
    if (made !== steps) throw new Error(`The handler has made ${made}, not ${steps}.`);
  }, milliseconds);
  await container.dispose();
  return request / steps;
}
