import { describe, expect, test } from 'vitest';
import { fleet } from '../../../../test/fake/routed-reads.ts';
import { PartlyTold, wholeOf } from './partly-told.ts';

describe('[RD-96] why nobody can be asked', () => {
  test('is told in full to whoever runs the server, and by its kind to everybody else', async () => {
    const { reads, a, b, own } = await fleet();
    for (const replica of [a, b, own]) if (replica !== null) replica.fault = 'down';
    reads.router.enable('b', false);
    const { error } = await reads.readNow();
    expect(error).toBeInstanceOf(PartlyTold);
    expect((error as PartlyTold).toBody().message).toMatch(
      /^no replica can be asked: a \((?:tried|down)\), b \(disabled\), primary \(tried\)$/,
    );
    const whole = wholeOf(error);
    expect(whole).toMatchObject({
      code: 'replica_unavailable',
      message: expect.stringMatching(/^no replica can be asked: a \(\w+: a is down\), b \(disabled\), primary \(tried: primary is down\)$/),
      hint: expect.stringContaining('can be reached'),
      retryAfterMs: expect.any(Number),
      cause: { code: 'replica_unavailable' },
    });
    expect(wholeOf(error, 'Look there.')).toMatchObject({ hint: 'Look there.' });
    await reads.look();
    expect(wholeOf((await reads.readNow()).error)).toMatchObject({
      message: 'no replica can be asked: a (down: a is down), b (disabled), primary (down: primary is down)',
    });
  });

  test('whatever else is thrown stays as it is', () => {
    const other = new Error('other');
    expect(wholeOf(other)).toBe(other);
  });
});
