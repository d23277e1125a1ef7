import { Controller, createParameter, Get, ParameterFault } from '@turno/http-adapter';

const Language = createParameter(({ headers }, known: readonly string[]) => {
  const wanted = headers['accept-language']?.slice(0, 2) ?? 'en';
  if (known.includes(wanted)) return wanted;
  throw new ParameterFault({
    location: 'header',
    path: 'accept-language',
    message: `must be one of ${known.join(', ')}`,
  });
});

@Controller('/greeting')
export class Greeting {
  @Get()
  async greet(@Language(['en', 'eo']) language: string) {
    return { language };
  }
}
