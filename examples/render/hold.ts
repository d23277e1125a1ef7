/** For the tests: a handler that keeps a thread of the studio until it is let go. */
import { Inject, token } from '@turno/core';
import { Controller, Get } from '@turno/http-adapter';
import { render } from './studio.js';

/** Shared memory: 0 holds, 1 lets go. */
export const Latch = token<Int32Array>('Latch');

@Controller('/hold')
export class Hold {
  @Get('/', { threads: render }) hold(@Inject(Latch) latch: Int32Array) {
    Atomics.wait(latch, 0, 0);
    return 'let go';
  }
}
