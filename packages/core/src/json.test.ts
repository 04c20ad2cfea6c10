import { fc } from '../../../test/fake/properties.ts';
import { describe, expect, it } from 'vitest';
import { AlcoveError } from './error.ts';
import { JSON_DEPTH_MAX, jsonFrom } from './json.ts';

const refusal = (value: unknown): string => {
  try {
    jsonFrom(value, 'arguments_invalid', 'arguments of addStop');
  } catch (error) {
    expect(error).toBeInstanceOf(AlcoveError);
    if (error instanceof AlcoveError) return `${error.code}: ${error.message}`;
  }
  return 'taken';
};

const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)]);

/** A member of that name is refused, as the next tests show. */
const isAllowed = (value: unknown): boolean => !JSON.stringify(value).includes('"__proto__"');

describe('jsonFrom', () => {
  it('gives what JSON would give the other side', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }).filter(isAllowed), (value) => {
        const taken = jsonFrom(value, 'arguments_invalid', 'x');
        expect(taken).toStrictEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('copies, so that a later change does not reach the copy', () => {
    const stop = { city: 'Kyoto', tags: ['old'] };
    const taken = jsonFrom(stop, 'arguments_invalid', 'x');
    stop.tags.push('new');
    stop.city = 'Nara';
    expect(taken).toEqual({ city: 'Kyoto', tags: ['old'] });
  });

  it('leaves out undefined members and turns -0 into 0', () => {
    expect(Object.keys(Object(jsonFrom({ a: 1, b: undefined }, 'arguments_invalid', 'x')))).toEqual(['a']);
    expect(Object.is(jsonFrom(-0, 'arguments_invalid', 'x'), 0)).toBe(true);
  });

  it('takes objects without a prototype', () => {
    const bare: Record<string, unknown> = Object.create(null);
    bare['a'] = 1;
    expect(jsonFrom(bare, 'arguments_invalid', 'x')).toEqual({ a: 1 });
  });

  const cyclic: unknown[] = [];
  cyclic.push(cyclic);

  it.each([
    ['NaN', { a: [Number.NaN] }, 'at a[0]: NaN is not in JSON'],
    ['Infinity', Number.POSITIVE_INFINITY, 'arguments of addStop: Infinity is not in JSON'],
    ['a bigint', { a: 1n }, 'at a: a bigint is not in JSON'],
    ['undefined in an array', [1, undefined], 'at [1]: undefined is not in JSON'],
    ['a hole in an array', [1, , 3], 'at [1]: undefined is not in JSON'], // oxlint-disable-line no-sparse-arrays -- the hole is the point
    ['undefined itself', undefined, 'undefined is not in JSON'],
    ['a function', { f: () => 1 }, 'at f: a function is not in JSON'],
    ['a symbol', Symbol('s'), 'a symbol is not in JSON'],
    ['a Date', { at: new Date(0) }, 'at at: a Date is not in JSON'],
    ['a Map', new Map(), 'a Map is not in JSON'],
    ['bytes', { b: new Uint8Array(2) }, 'at b: a Uint8Array is not in JSON'],
    ['half a surrogate pair', { a: '\ud800' }, 'at a: half a surrogate pair is no text'],
    ['half a surrogate pair in a name', { '\udc00': 1 }, 'half a surrogate pair is no text'],
    ['a member __proto__', JSON.parse('{"a":{"__proto__":{"admin":true}}}'), 'at a.__proto__: this member name is not allowed'],
    ['a cycle', cyclic, 'nested more than 24 levels'],
  ])('refuses %s with its path', (_name, value, message) => {
    const said = refusal(value);
    expect(said).toMatch(/^arguments_invalid: arguments of addStop/);
    expect(said).toContain(message);
  });

  it('keeps whole surrogate pairs, NUL, separators and odd member names', () => {
    const value = JSON.parse('{"constructor":1,"toString":2,"prototype":3,"hasOwnProperty":4,"":5,"text":"\\u0000\u2028👩‍👩‍👧"}');
    expect(jsonFrom(value, 'arguments_invalid', 'x')).toStrictEqual(value);
  });

  it(`takes ${JSON_DEPTH_MAX} levels and not one more`, () => {
    expect(refusal(nested(JSON_DEPTH_MAX))).toBe('taken');
    expect(refusal(nested(JSON_DEPTH_MAX + 1))).toContain('nested more than 24 levels');
  });
});
