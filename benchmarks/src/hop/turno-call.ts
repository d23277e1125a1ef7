/** turno, called from async code: a method of an offloaded object. */
import { Container, Inject, Injectable, offloaded, type Offloaded } from '@turno/core';
import { chainOf, step, type Threads } from './threads.js';

@Injectable()
export class Steps {
  step(number: number): number {
    return step(number);
  }
}

@Injectable()
class Caller {
  constructor(@Inject(offloaded(Steps)) readonly steps: Offloaded<Steps>) {}
}

export async function open(size: number): Promise<Threads> {
  const container = await Container.create({ providers: [Caller], threads: { size } });
  const { steps } = await container.resolve(Caller);
  const hop = (number: number): Promise<number> => steps.step(number);
  return { hop, chain: chainOf(hop) };
}
