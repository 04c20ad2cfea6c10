import { fc } from '../../../../test/fake/properties.ts';
import { describe, expect, it } from 'vitest';
import { seeded } from './seeded.ts';

const draw = (seed: string, count: number) => {
  const source = seeded(seed);
  return Array.from({ length: count }, () => [source.random(), source.id()]);
};

describe('seeded', () => {
  it('[MU-3] gives the same numbers and ids for the same seed, for ever', () => {
    // Written down once: an outbox may outlive the version that minted it.
    const source = seeded('AAAAAAAAAAAAAAAAAAAAAA');
    expect([source.random(), source.random(), source.id(), source.id()]).toMatchInlineSnapshot(`
      [
        0.8171305716183984,
        0.518442040017376,
        "rwa-V0EvB0PZuk_-hQS5qQ",
        "ysEVhQMu_t5w8I_Y1hJLJQ",
      ]
    `);
  });

  it('[MU-3] numbers and ids do not shift each other', () => {
    const plain = seeded('s');
    const mixed = seeded('s');
    const ids = [plain.id(), plain.id()];
    mixed.random();
    expect([mixed.id(), mixed.id()]).toEqual(ids);
  });

  it('gives other sequences for other seeds', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.string({ minLength: 1 }), (one, other) => {
        fc.pre(one !== other);
        expect(draw(one, 2)).not.toEqual(draw(other, 2));
      }),
    );
  });

  it('numbers are uniform in [0, 1), ids are 22 characters of base64url and do not repeat', () => {
    const draws = draw('uniform', 20_000);
    const numbers = draws.map(([number]) => Number(number));
    expect(numbers.every((number) => number >= 0 && number < 1)).toBe(true);
    const buckets = Array.from({ length: 10 }, (_, bucket) => numbers.filter((number) => Math.floor(number * 10) === bucket).length);
    // 2,000 expected in each; 5 standard deviations are 212.
    for (const bucket of buckets) expect(Math.abs(bucket - 2_000)).toBeLessThan(212);
    expect(draws.every(([, id]) => /^[A-Za-z0-9_-]{22}$/.test(String(id)))).toBe(true);
    expect(new Set(draws.map(([, id]) => id)).size).toBe(draws.length);
  });
});
