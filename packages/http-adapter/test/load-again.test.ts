import busboy from 'busboy';
import send from 'send';
import { loadAgain } from '../src/load-again.js';

it('a package that could not be imported is loaded another way, and gives what an import gives', () => {
  expect(loadAgain('send').default).toBe(send);
  expect(loadAgain('busboy').default).toBe(busboy);
  expect(() => loadAgain('no-such-package')).toThrow('no-such-package');
});
