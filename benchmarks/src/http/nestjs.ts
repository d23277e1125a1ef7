/** NestJS on Fastify: `/items/:id` with a singleton, `/scoped/:id` with a provider of scope request. */
import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import { Controller, Get, Injectable, Module, Param, ParseIntPipe, Scope } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { heavyOf, itemOf, loadItem } from './item.js';
import { serving, type Server } from './server.js';

@Injectable()
class Items {
  load(id: number) {
    return loadItem(id);
  }
}

@Injectable({ scope: Scope.REQUEST })
class ScopedItems {
  load(id: number) {
    return loadItem(id);
  }
}

@Controller()
class ItemController {
  constructor(private readonly items: Items) {}

  @Get('/items/:id') async item(@Param('id', ParseIntPipe) id: number) {
    return this.items.load(id);
  }

  @Get('/hop/:id') hop(@Param('id', ParseIntPipe) id: number) {
    return itemOf(id);
  }

  @Get('/heavy/:times') heavy(@Param('times', ParseIntPipe) times: number) {
    return heavyOf(times);
  }
}

@Controller()
class ScopedController {
  constructor(private readonly items: ScopedItems) {}

  @Get('/scoped/:id') async item(@Param('id', ParseIntPipe) id: number) {
    return this.items.load(id);
  }
}

@Module({ providers: [Items, ScopedItems], controllers: [ItemController, ScopedController] })
class AppModule {}

export async function start(): Promise<Server> {
  const app = await NestFactory.create<NestFastifyApplication>(AppModule, new FastifyAdapter(), {
    logger: false,
  });
  await app.listen(0, '127.0.0.1');
  return serving((app.getHttpServer().address() as AddressInfo).port);
}
