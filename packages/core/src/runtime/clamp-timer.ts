import type { Timer } from './runtime.ts';

/** The longest delay platform timers take: a longer one overflows to 1 ms. */
export const TIMER_DELAY_MS_MAX = 2 ** 31 - 1;

/**
 * Sets a timer of any length on a platform whose timers are bounded, by setting shorter ones in a row. NaN and negative delays count as 0, Infinity never fires.
 *
 * @param set The platform's timer; only called with delays from 0 to `TIMER_DELAY_MS_MAX`.
 */
export function clampTimer(set: (delayMs: number, fn: () => void) => Timer, delayMs: number, fn: () => void): Timer {
  let leftMs = delayMs > 0 ? delayMs : 0;
  let timer: Timer;
  const arm = (): void => {
    const partMs = Math.min(leftMs, TIMER_DELAY_MS_MAX);
    leftMs -= partMs;
    timer = set(partMs, leftMs > 0 ? arm : fn);
  };
  arm();
  return { cancel: () => timer.cancel() };
}
