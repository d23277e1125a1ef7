import { Controller, Get, Path } from '@turno/http-adapter';

@Controller('/lines')
class Lines {
  @Get('/:line') // /shops/:shop/orders/:order/lines/:line
  async one(@Path('shop') shop: string, @Path('order') order: number, @Path('line') line: number) {
    return { shop, order, line };
  }
}

@Controller('/orders/:order', { controllers: [Lines] })
class Orders {
  @Get() // /shops/:shop/orders/:order
  async one(@Path('order') order: number) {
    return { order };
  }
}

@Controller('/shops/:shop', { controllers: [Orders] })
export class Shops {}
