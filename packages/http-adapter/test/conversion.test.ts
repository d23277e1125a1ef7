import fc from 'fast-check';
import { conversionTo } from '../src/conversion.js';

const toNumber = conversionTo(Number) as (text: string) => unknown;
const toBoolean = conversionTo(Boolean) as (text: string) => unknown;
const toBigInt = conversionTo(BigInt) as (text: string) => unknown;

describe('a text becomes a number', () => {
  it.each([
    ['0', 0],
    ['7', 7],
    ['-3', -3],
    ['2.50', 2.5],
    ['1e3', 1000],
    ['1.5E-2', 0.015],
    ['9007199254740991', 9007199254740991],
  ])('%j is %p', (text, value) => {
    expect(toNumber(text)).toBe(value);
  });

  it.each([
    '',
    ' ',
    ' 1',
    '1 ',
    '+1',
    '01',
    '.5',
    '5.',
    '0x10',
    '0b1',
    '1_000',
    '1,5',
    'NaN',
    'Infinity',
    '-Infinity',
    '1e999',
    'true',
    'null',
    '١',
    '1\n',
  ])('%j is none', (text) => {
    expect(() => toNumber(text)).toThrow('must be a number');
  });

  it.each([
    '9007199254740993',
    '-9007199254740993',
    '9007199254740993.0',
    '9007199254740993e0',
    '9.007199254740993e15',
    '1e300',
  ])('a whole number is refused where it would be rounded: %s', (text) => {
    expect(() => toNumber(text)).toThrow('must be a number of at most 2^53 - 1');
  });

  it('all numbers that JSON writes are read back', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const text = JSON.stringify(value);
        fc.pre(!Number.isInteger(value) || Number.isSafeInteger(value));
        expect(toNumber(text)).toBe(JSON.parse(text));
      }),
    );
  });

  it('whatever is accepted is what JSON says it is', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...Array.from('0123456789-+.eE x')) }),
        (text) => {
          let value: unknown;
          try {
            value = toNumber(text);
          } catch {
            return;
          }
          expect(value).toBe(JSON.parse(text));
        },
      ),
    );
  });
});

describe('a text becomes a boolean', () => {
  it.each([
    ['true', true],
    ['1', true],
    ['false', false],
    ['0', false],
  ])('%j is %p', (text, value) => {
    expect(toBoolean(text)).toBe(value);
  });

  it.each(['', 'TRUE', 'yes', 'on', '2', ' true'])('%j is none', (text) => {
    expect(() => toBoolean(text)).toThrow('must be true or false');
  });
});

describe('a text becomes a bigint', () => {
  it.each([
    ['0', 0n],
    ['-9007199254740993', -9007199254740993n],
  ])('%j is %p', (text, value) => {
    expect(toBigInt(text)).toBe(value);
  });

  it.each(['', '1.0', '0x10', '1n', ' 1', '01', '1e3'])('%j is none', (text) => {
    expect(() => toBigInt(text)).toThrow('must be a whole number');
  });
});

it('a text stays as it is', () => {
  expect(conversionTo(String)?.(' 1 ')).toBe(' 1 ');
});

it.each([Object, Array, Date, Map, undefined])('nothing converts to %p', (type) => {
  expect(conversionTo(type)).toBeUndefined();
});
