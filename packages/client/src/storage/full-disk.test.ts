import { describe, expect, it } from 'vitest';
import { FullDisk } from './full-disk.ts';

const MINUTE = 60_000;

describe('a disk that was full', () => {
  it('[ST-63] is spared images for five minutes, twice as long each time it still is, four hours at most', () => {
    const full = new FullDisk();
    expect(full.hasRoom(0)).toBe(true);
    const pauses: number[] = [];
    let nowMs = 0;
    for (let time = 0; time < 9; time += 1) {
      full.refused(1_000, nowMs);
      const fromMs = nowMs;
      while (!full.hasRoom(nowMs)) nowMs += MINUTE;
      pauses.push((nowMs - fromMs) / MINUTE);
    }
    expect(pauses).toEqual([5, 10, 20, 40, 80, 160, 240, 240, 240]);
  });

  it('[ST-63] may take a smaller one meanwhile, and none after something else did not fit', () => {
    const full = new FullDisk();
    full.refused(1_000, 0);
    expect([full.mayFit(1_000, 1), full.mayFit(999, 1)]).toEqual([false, true]);
    full.refused(999, 2);
    expect([full.mayFit(999, 3), full.mayFit(998, 3)]).toEqual([false, true]);
    full.refused(0, 4);
    expect([full.mayFit(1, 5), full.mayFit(1, 5 * MINUTE)]).toEqual([false, true]);
  });

  it('[ST-63] that had room for a while begins again with five minutes', () => {
    const full = new FullDisk();
    full.refused(1_000, 0);
    full.refused(1_000, 5 * MINUTE);
    full.refused(1_000, 30 * MINUTE);
    expect([full.hasRoom(34 * MINUTE), full.hasRoom(35 * MINUTE)]).toEqual([false, true]);
  });
});
