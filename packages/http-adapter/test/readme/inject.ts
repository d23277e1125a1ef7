import assert from 'node:assert/strict';
import { Injectable, value } from '@turno/core';
import { Controller, createApp, Get } from '@turno/http-adapter';

@Injectable()
class Clock {
  now() {
    return Date.now();
  }
}

@Controller()
class Time {
  @Get('/time') async time(clock: Clock) {
    return { now: clock.now() };
  }
}

await using app = await createApp({
  controllers: [Time],
  overrides: [value(Clock, { now: () => 0 })],
  logger: false,
});
const response = await app.inject('/time');
assert.equal(response.statusCode, 200);
assert.deepEqual(response.json(), { now: 0 });
