import { describe, expect, it } from 'vitest';
import { VirtualTime } from '../../../../test/fake/virtual-time.ts';
import { clampTimer, TIMER_DELAY_MS_MAX } from './clamp-timer.ts';

/** A platform that, like real ones, fires at once what is longer than it can count. */
const platform = (time: VirtualTime) => (delayMs: number, fn: () => void) => {
  expect(delayMs).toBeGreaterThanOrEqual(0);
  return time.setTimer(delayMs > TIMER_DELAY_MS_MAX ? 1 : delayMs, fn);
};

const firesAt = (delayMs: number): number | null => {
  const time = new VirtualTime();
  let firedAtMs: number | null = null;
  clampTimer(platform(time), delayMs, () => {
    expect(firedAtMs).toBeNull();
    firedAtMs = time.nowMs;
  });
  for (let steps = 0; steps < 100 && time.step(); steps++);
  return firedAtMs;
};

describe('clampTimer', () => {
  it.each([0, 1, 1000, TIMER_DELAY_MS_MAX - 1, TIMER_DELAY_MS_MAX, TIMER_DELAY_MS_MAX + 1, 10 * TIMER_DELAY_MS_MAX + 7])(
    'waits %d ms in full',
    (delayMs) => {
      expect(firesAt(delayMs)).toBe(delayMs);
    },
  );

  it('takes NaN and negative delays for 0, and never fires after Infinity', () => {
    expect(firesAt(Number.NaN)).toBe(0);
    expect(firesAt(-5)).toBe(0);
    expect(firesAt(Number.POSITIVE_INFINITY)).toBeNull();
  });

  it('is cancelled in its first part and in a later one', () => {
    const time = new VirtualTime();
    let fired = 0;
    const timer = clampTimer(platform(time), 2 * TIMER_DELAY_MS_MAX, () => fired++);
    time.advance(TIMER_DELAY_MS_MAX + 5);
    timer.cancel();
    expect(time.pendingTimers).toBe(0);
    timer.cancel();
    time.advance(3 * TIMER_DELAY_MS_MAX);
    expect(fired).toBe(0);
  });
});
