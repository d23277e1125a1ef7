import { Inject, Injectable, offloaded, type Offloaded } from '@turno/core';
import { BackgroundTasks, Controller, Path, Post } from '@turno/http-adapter';

export const sent: string[] = [];

async function notify(name: string): Promise<void> {
  sent.push(`${name}: your burger is ready`);
}

@Injectable()
export class Receipts {
  print(name: string) {
    if (name === '') throw new Error('A receipt needs a name.');
  }
}

@Controller('/pickups')
export class Pickups {
  @Post('/:name', { status: 202 })
  async ready(
    @Path('name') name: string,
    tasks: BackgroundTasks,
    @Inject(offloaded(Receipts)) receipts: Offloaded<Receipts>,
  ) {
    tasks.add(notify, name); // an async function: on the event loop
    tasks.add(receipts.print, name); // a method without async: in a thread
    return { accepted: name };
  }
}
