import { fc } from '../../../../test/fake/properties.ts';
import { describe, expect, it } from 'vitest';
import { AlcoveError } from '../error.ts';
import { scanJson } from './scan-json.ts';

function verdict(text: string): string {
  try {
    scanJson(text);
    return 'passes';
  } catch (error) {
    if (error instanceof AlcoveError) return error.code;
    throw error;
  }
}

const nest = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);

const depthOf = (value: unknown): number =>
  typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0;

describe('scanJson', () => {
  it('[PR-6] brackets and quotes inside text are text', () => {
    for (const text of ['['.repeat(500), `"${'['.repeat(500)}`, `\\"{${'{'.repeat(500)}"`, '\\'.repeat(501)])
      expect(verdict(JSON.stringify(text))).toBe('passes');
  });

  it('[PR-6] what follows a text that ends in backslashes or quotes is counted', () => {
    for (const text of ['\\', '\\\\', '"', '\\"', '\\\\"']) {
      expect(verdict(`[${JSON.stringify(text)},${nest(31)}]`)).toBe('passes');
      expect(verdict(`[${JSON.stringify(text)},${nest(32)}]`)).toBe('message_too_deep');
      expect(verdict(`[${JSON.stringify(text)},9007199254740993]`)).toBe('bad_message');
    }
  });

  it('[PR-6] counts levels that are open at once, not brackets', () => {
    expect(verdict(`[${Array.from({ length: 100 }, () => nest(31)).join()}]`)).toBe('passes');
  });

  it('[PR-6] agrees with the parser about any JSON', () => {
    const levels = fc.array(fc.constantFrom('array', 'object'), { maxLength: 45 });
    fc.assert(
      fc.property(levels, fc.jsonValue({ maxDepth: 3, stringUnit: 'binary' }), fc.string(), (kinds, core, text) => {
        const value = kinds.reduce<unknown>(
          (inner, kind) => (kind === 'array' ? [text, inner, [0.5]] : { [text]: inner, ']}': '{[' }),
          core,
        );
        expect(verdict(JSON.stringify(value))).toBe(depthOf(value) > 32 ? 'message_too_deep' : 'passes');
      }),
    );
  });

  it('[PR-7] passes every number JavaScript writes', () => {
    fc.assert(fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (number) => verdict(JSON.stringify(number)) === 'passes'));
    fc.assert(fc.property(fc.bigInt({ min: 0n, max: 10n ** 21n }), (integer) => verdict(String(Number(integer))) === 'passes'));
  });

  it('[PR-7] refuses just those integers that would come out as others', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }), (integer) => {
        const text = String(integer);
        const survives = BigInt(Number(text)) === integer || String(Number(text)) === text;
        expect(verdict(`{"n":${text}}`)).toBe(survives ? 'passes' : 'bad_message');
      }),
      { numRuns: 500 },
    );
  });
});
