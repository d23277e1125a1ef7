import { Body, Controller, Get, Header, Post, Query } from '@turno/http-adapter';
import { z } from 'zod';

const Order = z.object({ burgers: z.number().int().min(1).max(20), name: z.string() });

@Controller('/orders')
export class Orders {
  @Get()
  async list(
    @Query('page', { default: 1 }) page: number, // ?page=x: 422
    @Query('open', { optional: true, type: Boolean }) open: boolean | undefined, // true, false, 1 or 0
    @Query('sort', z.enum(['name', 'date']).default('date')) sort: 'name' | 'date',
    @Header('accept-language', { optional: true }) language?: string,
  ) {
    return { page, open, sort, language };
  }

  @Post('/', { status: 201 })
  async add(@Body(Order) order: z.infer<typeof Order>) {
    return { ordered: order.burgers, for: order.name };
  }
}
