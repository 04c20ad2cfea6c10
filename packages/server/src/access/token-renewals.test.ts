import { describe, expect, it } from 'vitest';
import { FakeRuntime } from '../../../../test/fake/fake-runtime.ts';
import { settlePromises } from '../../../../test/fake/virtual-time.ts';
import { RENEWAL_ATTEMPTS_MAX, TokenRenewals } from './token-renewals.ts';
import type { Renewal } from './token-renewals.ts';

const DONE: Renewal = { kind: 'done' };
const LATER: Renewal = { kind: 'later', retryAfterMs: undefined };

/** Verifications by hand. */
const desk = () => {
  const runtime = new FakeRuntime();
  const begun: string[] = [];
  const ends: ((renewal: Renewal) => void)[] = [];
  const renewals = new TokenRenewals((token) => {
    begun.push(token);
    return new Promise((resolve) => ends.push(resolve));
  }, runtime);
  const end = async (renewal: Renewal): Promise<void> => {
    ends.shift()?.(renewal);
    await settlePromises();
  };
  const wait = async (ms: number): Promise<void> => {
    runtime.advance(ms);
    await settlePromises();
  };
  return { runtime, begun, ends, renewals, end, wait };
};

describe('fresh tokens of a session', () => {
  it('[AC-7] are verified one at a time, and of those that wait the newest alone', async () => {
    const { begun, renewals, end } = desk();
    for (const token of ['1', '2', '3', '4']) renewals.add(token);
    expect(begun).toEqual(['1']);
    await end(DONE);
    expect(begun).toEqual(['1', '4']);
    renewals.add('5');
    await end(DONE);
    expect(begun).toEqual(['1', '4', '5']);
    await end(DONE);
    renewals.add('6');
    expect(begun).toEqual(['1', '4', '5', '6']);
  });

  it('[AC-7] end with the session', async () => {
    const { begun, renewals, end } = desk();
    for (const token of ['1', '2']) renewals.add(token);
    await end({ kind: 'over' });
    renewals.add('3');
    await settlePromises();
    expect(begun).toEqual(['1']);
  });

  it('[AC-14] are looked at again after a while where they cannot be verified now, not before what the verifier asked for', async () => {
    const { begun, renewals, end, wait } = desk();
    renewals.add('1');
    await end({ kind: 'later', retryAfterMs: 70_000 });
    await wait(69_999);
    expect(begun).toEqual(['1']);
    await wait(1);
    expect(begun).toEqual(['1', '1']);
    await end(DONE);
    await wait(600_000);
    expect(begun).toEqual(['1', '1']);
  });

  it('[AC-14] and of those that come meanwhile the newest is, at the same moment', async () => {
    const { begun, renewals, end, wait } = desk();
    renewals.add('1');
    await end({ kind: 'later', retryAfterMs: 70_000 });
    for (const token of ['2', '3']) renewals.add(token);
    expect(begun).toEqual(['1']);
    await wait(70_000);
    expect(begun).toEqual(['1', '3']);
  });

  it('[AC-14] so many times at most; the next token is tried anew', async () => {
    const { begun, renewals, end, wait } = desk();
    renewals.add('1');
    for (let attempt = 1; attempt <= RENEWAL_ATTEMPTS_MAX; attempt += 1) {
      expect(begun).toHaveLength(attempt);
      await end(LATER);
      await wait(60_000);
    }
    await wait(3_600_000);
    expect(begun).toHaveLength(RENEWAL_ATTEMPTS_MAX);
    renewals.add('2');
    expect(begun.at(-1)).toBe('2');
  });

  it('[AC-14] leave no timer behind when the connection is gone', async () => {
    const { runtime, begun, renewals, end, wait } = desk();
    renewals.add('1');
    await end(LATER);
    renewals.end();
    await wait(3_600_000);
    expect(begun).toEqual(['1']);
    expect(runtime.time.pendingTimers).toBe(0);
  });
});
