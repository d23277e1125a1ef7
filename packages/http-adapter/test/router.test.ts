import { Router, type Match } from '../src/router.js';

function routerOf(...routes: readonly string[]): Router<string> {
  const router = new Router<string>();
  for (const route of routes) {
    const [method, path] = route.split(' ');
    router.add(method as 'GET', path as string, route);
  }
  return router;
}

function find(router: Router<string>, method: string, target: string): Match<string> {
  const found = router.find(method, target);
  if (typeof found !== 'object') throw new Error(`${method} ${target}: ${String(found)}`);
  return found;
}

describe('a route is found', () => {
  const router = routerOf(
    'GET /',
    'GET /burgers',
    'POST /burgers',
    'GET /burgers/special',
    'GET /burgers/:id',
    'GET /files/*',
    'GET /sizes/:size(\\d+)',
    'GET /menu/:page?',
  );

  it.each([
    ['GET', '/', 'GET /'],
    ['GET', '/burgers', 'GET /burgers'],
    ['GET', '/burgers/', 'GET /burgers'],
    ['POST', '/burgers', 'POST /burgers'],
    ['HEAD', '/burgers', 'GET /burgers'],
    ['GET', '/burgers?size=2', 'GET /burgers'],
    ['GET', 'http://example.com/burgers?size=2', 'GET /burgers'],
    ['GET', 'HTTP://example.com', 'GET /'],
    ['GET', '/%62urgers', 'GET /burgers'],
    ['GET', '/menu', 'GET /menu/:page?'],
  ])('%s %s', (method, target, route) => {
    expect(find(router, method, target).route).toBe(route);
  });

  it.each<[string, string, Record<string, string>]>([
    ['a parameter', '/burgers/7', { id: '7' }],
    ['a parameter, decoded once', '/burgers/a%2Fb%2520c', { id: 'a/b%20c' }],
    ['a parameter in UTF-8', '/burgers/caf%C3%A9', { id: 'café' }],
    ['a parameter like a name of Object', '/burgers/__proto__', { id: '__proto__' }],
    ['a static part before a parameter', '/burgers/special', {}],
    ['a pattern', '/sizes/12', { size: '12' }],
    ['a wildcard', '/files/a/b.txt', { '*': 'a/b.txt' }],
    ['an optional parameter', '/menu/2', { page: '2' }],
  ])('with %s', (_what, target, params) => {
    expect({ ...find(router, 'GET', target).params }).toEqual(params);
  });

  it('with the query as it came', () => {
    expect(find(router, 'GET', '/burgers?a=%zz&a=+').search).toBe('a=%zz&a=+');
    expect(find(router, 'GET', '/burgers').search).toBe('');
  });
});

describe('nothing is found', () => {
  const router = routerOf(
    'GET /burgers/:id/buns',
    'GET /sizes/:size(\\d+)',
    'POST /orders',
    'GET /files/*',
  );

  it.each([
    ['another path', 'GET', '/fries'],
    ['other letters', 'POST', '/ORDERS'],
    ['another method', 'GET', '/orders'],
    ['no method at all', 'BREW', '/orders'],
    ['an empty parameter', 'GET', '/burgers//buns'],
    ['a parameter that its pattern does not match', 'GET', '/sizes/large'],
    ['a slash that is encoded', 'GET', '/burgers%2F7%2Fbuns'],
    ['no rest for a wildcard', 'GET', '/files/'],
    ['nor the slash before it', 'GET', '/files'],
  ])('for %s', (_what, method, target) => {
    expect(router.find(method, target)).toBeUndefined();
  });

  it('and the methods that there are instead are known', () => {
    const methods = routerOf('GET /burgers', 'POST /burgers', 'DELETE /burgers/:id');
    expect(methods.allowed('/burgers')).toEqual(['GET', 'HEAD', 'POST', 'OPTIONS']);
    expect(methods.allowed('/burgers/7')).toEqual(['DELETE', 'OPTIONS']);
    expect(methods.allowed('/fries')).toEqual([]);
  });
});

describe('a target is refused', () => {
  const router = routerOf('GET /', 'GET /burgers/:id', 'GET /*');

  it.each(['/%', '/burgers/%zz', '/burgers/%C3', '*', 'burgers', '/#a', 'ftp://example.com/'])(
    '%s with 400',
    (target) => {
      expect(router.find('GET', target)).toBe(400);
      if (target !== '*') expect(router.allowed(target)).toBe(400);
    },
  );

  it('with 414 when a parameter is too long', () => {
    const parameters = routerOf('GET /burgers/:id');
    expect(find(parameters, 'GET', `/burgers/${'a'.repeat(1024)}`).params.id).toHaveLength(1024);
    expect(parameters.find('GET', `/burgers/${'a'.repeat(1025)}`)).toBe(414);
  });
});

describe('adding a route', () => {
  it('tells the names of its parameters', () => {
    const router = new Router<string>();
    expect(router.add('GET', '/a/:b/c/:d?', 'x')).toEqual({ params: ['b', 'd'] });
    expect(router.add('GET', '/files/*', 'x')).toEqual({ params: ['*'] });
    expect(router.add('GET', '/:year(\\d{4})-:month(\\d\\d)', 'x')).toEqual({
      params: ['year', 'month'],
    });
    expect(router.add('GET', '/none', 'x')).toEqual({ params: [] });
  });

  it.each([
    ['/a', '/a'],
    ['/a/:b', '/a/:c'],
    ['/a', '/a/:b?'],
    ['/a/:b', '/a/:b?'],
    ['/a/:b(\\d+)', '/a/:c(\\d+)'],
    ['/*', '/*'],
  ])('finds that %s and %s are the same', (first, second) => {
    const router = new Router<string>();
    router.add('GET', first, 'first');
    expect(router.add('GET', second, 'second')).toEqual({ conflict: 'first' });
    expect(router.add('POST', second, 'second').conflict).toBeUndefined();
  });

  it.each(['/*/a', '/:a('])('refuses %s', (path) => {
    expect(() => new Router<string>().add('GET', path, 'x')).toThrow();
  });
});
