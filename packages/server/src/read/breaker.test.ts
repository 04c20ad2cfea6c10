import { fc } from '../../../../test/fake/properties.ts';
import { describe, expect, it, test } from 'vitest';
import {
  afterRead,
  type Breaker,
  BREAKER_SETTINGS,
  breakerAt,
  type BreakerNews,
  CLOSED,
  mayProbe,
  opened,
  probing,
  rampShare,
  shareThrough,
} from './breaker.ts';

const settings = BREAKER_SETTINGS;
const news = (outcome: BreakerNews['outcome'], startedMs = 0, isProbe = false): BreakerNews => ({ outcome, startedMs, isProbe });
const after = (breaker: Breaker, read: BreakerNews, nowMs: number, random = 0): Breaker =>
  afterRead(breaker, read, nowMs, random, settings);
const fail = (breaker: Breaker, timesMs: readonly number[]): Breaker =>
  timesMs.reduce<Breaker>((now, atMs) => after(now, news('bad', atMs), atMs), breaker);

const open: Breaker = { state: 'open', untilMs: 60_000 };
const halfOpen: Breaker = { state: 'half-open', probing: false };
const ramping: Breaker = { state: 'ramping', sinceMs: 1_000 };

test('[RD-26] five failures within ten seconds open it, four do not, nor five over a longer time', () => {
  expect(fail(CLOSED, [0, 1, 2, 3]).state).toBe('closed');
  expect(fail(CLOSED, [0, 1, 2, 3, 9_999])).toEqual({ state: 'open', untilMs: 69_999 });
  expect(fail(CLOSED, [0, 3_000, 6_000, 9_000, 12_000]).state).toBe('closed');
});

describe('a table of states and what happens', () => {
  it.each<[string, Breaker, BreakerNews, Breaker]>([
    ['closed, answered', CLOSED, news('good'), CLOSED],
    ['closed, ended', CLOSED, news('none'), CLOSED],
    ['open, late failure', open, news('bad'), open],
    ['open, late answer', open, news('good'), open],
    ['half-open, failure of a read before', halfOpen, news('bad'), halfOpen],
    ['half-open, answer of a read before', halfOpen, news('good'), halfOpen],
    ['half-open, the probe is answered', probing(), news('good', 0, true), { state: 'ramping', sinceMs: 5_000 }],
    ['half-open, the probe fails', probing(), news('bad', 0, true), { state: 'open', untilMs: 65_000 }],
    ['half-open, nobody waited for the probe', probing(), news('none', 0, true), halfOpen],
    ['half-open with a probe, another read is answered', probing(), news('good'), probing()],
    ['ramping, answered', ramping, news('good', 2_000), ramping],
    ['ramping, a failure of before', ramping, news('bad', 999), ramping],
    ['ramping, a failure', ramping, news('bad', 1_000), { state: 'open', untilMs: 65_000 }],
  ])('%s', (_, before, read, expected) => {
    expect(after(before, read, 5_000)).toEqual(expected);
  });
});

test('[RD-26] open for a minute and up to a quarter longer by chance, then one probe, then by degrees', () => {
  expect(opened(0, 0, settings)).toEqual({ state: 'open', untilMs: 60_000 });
  expect(opened(0, 0.999_999, settings)).toMatchObject({ state: 'open', untilMs: expect.closeTo(75_000, 0) });
  expect(mayProbe(breakerAt(open, 59_999, settings))).toBe(false);
  const tried = breakerAt(open, 60_000, settings);
  expect(mayProbe(tried)).toBe(true);
  expect(shareThrough(tried, 60_000, settings)).toBe(0);
  expect(mayProbe(probing())).toBe(false);
  const back = after(probing(), news('good', 60_000, true), 61_000);
  const shares = [61_000, 71_000, 81_000, 91_000].map((atMs) => shareThrough(breakerAt(back, atMs, settings), atMs, settings));
  expect(shares).toEqual([0.1, 0.25, 0.5, 1]);
  expect(breakerAt(back, 91_000, settings)).toBe(CLOSED);
  expect(rampShare(0, 30_000)).toBe(0.1);
});

test('whatever happens, it holds no more failures than open it, and at most one probe is let through', () => {
  const step = fc.record({ passMs: fc.nat(20_000), bad: fc.boolean(), random: fc.double({ min: 0, max: 0.999, noNaN: true }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      let breaker = CLOSED;
      let nowMs = 0;
      for (const { passMs, bad, random } of steps) {
        nowMs += passMs;
        breaker = breakerAt(breaker, nowMs, settings);
        const isProbe = mayProbe(breaker);
        if (!isProbe && shareThrough(breaker, nowMs, settings) === 0) continue;
        if (isProbe) breaker = probing();
        expect(mayProbe(breaker)).toBe(false);
        breaker = after(breaker, { outcome: bad ? 'bad' : 'good', isProbe, startedMs: nowMs }, nowMs, random);
        if (breaker.state === 'closed') expect(breaker.failedAtMs.length).toBeLessThan(settings.failuresMax);
      }
    }),
    { seed: 40, numRuns: 200 },
  );
});
