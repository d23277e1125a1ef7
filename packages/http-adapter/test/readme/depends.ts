import { Injectable, Provides, token } from '@turno/core';
import { Controller, Depends, Get, Header, Unauthorized } from '@turno/http-adapter';

const LoggedIn = token('LoggedIn');

export class Access {
  @Provides(LoggedIn, { scope: 'request' })
  async check(@Header('authorization', { optional: true }) key?: string) {
    if (key !== 'Bearer cheese') throw new Unauthorized('Log in first.');
  }
}

@Injectable({ scope: 'request' })
class Recipe {
  readonly sauce = 'secret'; // made only for those who are logged in
}

@Depends(LoggedIn)
@Controller('/recipes')
export class Recipes {
  @Get() async sauce(recipe: Recipe) {
    return recipe.sauce;
  }
}
