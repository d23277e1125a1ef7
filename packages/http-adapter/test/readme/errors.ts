import { Portable } from '@turno/core';
import { Controller, Get, HttpError } from '@turno/http-adapter';

@Portable() // keeps its class on the way out of a thread
export class OutOfBuns extends HttpError {
  constructor(minutes: number) {
    super(503, `New buns come in ${minutes} minutes.`, {
      type: 'https://burgers.example/problems/out-of-buns',
      headers: { 'retry-after': String(minutes * 60) },
      members: { minutes },
    });
  }
}

@Controller('/buns')
export class Buns {
  @Get()
  async take() {
    throw new OutOfBuns(5);
  }
}
