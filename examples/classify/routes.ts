/** The HTTP interface, and the page. What needs the model is not async, so it runs in a thread. */
import { join } from 'node:path';
import { threadId } from 'node:worker_threads';
import { Body, Controller, file, Get, Path, Post, Query } from '@turno/http-adapter';
import { z } from 'zod';
import { digits, type Example } from './digits.js';
import { Drawing } from './drawing.js';
import { Model } from './model.js';

const Single = z.strictObject({ drawing: Drawing });
const Batch = z.strictObject({ drawings: z.array(Drawing).min(1).max(250) });

@Controller('/digits')
export class Digits {
  /** Which digit is it? */
  @Post()
  one(@Body(Single) { drawing }: z.infer<typeof Single>, model: Model) {
    return { digit: model.digitOf(drawing), thread: threadId };
  }

  /** Up to 250 at once. When the client goes away, the thread stops and is there for others. */
  @Post('/batch')
  batch(@Body(Batch) { drawings }: z.infer<typeof Batch>, model: Model, signal: AbortSignal) {
    const found: number[] = [];
    for (const drawing of drawings) {
      signal.throwIfAborted();
      found.push(model.digitOf(drawing));
    }
    return { digits: found, thread: threadId };
  }

  /** Drawings to try it with, so many of each digit. Another seed makes others. */
  @Get('/examples')
  examples(
    @Query('each', z.coerce.number().int().min(1).max(25).default(1)) each: number,
    @Query('seed', { default: 3 }) seed: number,
  ): { examples: readonly Example[] } {
    return { examples: digits(each, seed) };
  }
}

const root = join(import.meta.dirname, 'page');

@Controller()
export class Site {
  @Get('/health')
  async health(): Promise<{ status: 'ok' }> {
    return { status: 'ok' };
  }

  @Get('/') async page() {
    return file('index.html', { root });
  }

  @Get('/page/:name') async part(@Path('name') name: string) {
    return file(name, { root });
  }
}
