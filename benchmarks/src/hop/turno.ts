/** turno: each hop and each chain is resolved in a scope of its own. */
import { Container, provide, token, value } from '@turno/core';
import { step, type Threads } from './threads.js';

const scope = 'request';
const Start = token<number>('Start');
const Step1 = token<number>('Step1');
const Step2 = token<number>('Step2');
const Step3 = token<number>('Step3');
const Step4 = token<number>('Step4');
const Step5 = token<number>('Step5');
const Step6 = token<number>('Step6');

const providers = [
  provide(Step1, { scope, deps: [Start] }, step),
  provide(Step2, { scope, deps: [Step1] }, step),
  provide(Step3, { scope, deps: [Step2] }, step),
  provide(Step4, { scope, deps: [Step3] }, step),
  provide(Step5, { scope, deps: [Step4] }, step),
  provide(Step6, { scope, deps: [Step5] }, step),
];

export async function open(size: number): Promise<Threads> {
  const container = await Container.create({
    providers,
    scopeValues: [Start],
    threads: { size },
  });
  const resolve = (wanted: typeof Start) => async (number: number) => {
    const opened = container.createScope([value(Start, number)]);
    const made = await opened.resolve(wanted);
    await opened.dispose();
    return made;
  };
  return { hop: resolve(Step1), chain: resolve(Step6) };
}
