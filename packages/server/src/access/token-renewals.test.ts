import { describe, expect, it } from 'vitest';
import { settlePromises } from '../../../../test/fake/virtual-time.ts';
import { TokenRenewals } from './token-renewals.ts';

/** Verifications by hand. */
const desk = () => {
  const begun: string[] = [];
  const ends: ((goesOn: boolean) => void)[] = [];
  const renewals = new TokenRenewals((token) => {
    begun.push(token);
    return new Promise((resolve) => ends.push(resolve));
  });
  const end = async (goesOn: boolean): Promise<void> => {
    ends.shift()?.(goesOn);
    await settlePromises();
  };
  return { begun, ends, renewals, end };
};

describe('fresh tokens of a session', () => {
  it('[AC-7] are verified one at a time, and of those that wait the newest alone', async () => {
    const { begun, renewals, end } = desk();
    for (const token of ['1', '2', '3', '4']) renewals.add(token);
    expect(begun).toEqual(['1']);
    await end(true);
    expect(begun).toEqual(['1', '4']);
    renewals.add('5');
    await end(true);
    expect(begun).toEqual(['1', '4', '5']);
    await end(true);
    renewals.add('6');
    expect(begun).toEqual(['1', '4', '5', '6']);
  });

  it('[AC-7] end with the session', async () => {
    const { begun, renewals, end } = desk();
    for (const token of ['1', '2']) renewals.add(token);
    await end(false);
    renewals.add('3');
    await settlePromises();
    expect(begun).toEqual(['1']);
  });
});
