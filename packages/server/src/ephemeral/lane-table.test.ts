import { describe, expect, it } from 'vitest';
import { Prng } from '../../../../test/fake/prng.ts';
import { LaneTable, NOTHING_SEEN } from './lane-table.ts';
import type { Delta } from './lane-table.ts';

type Entry = { key: string; value: number | null };

/** What a reader holds after a delta. */
function apply(held: Map<string, number>, delta: Delta<Entry>): void {
  if (delta.reset) held.clear();
  for (const { key, value } of delta.entries) {
    if (value === null) held.delete(key);
    else held.set(key, value);
  }
}

describe('lane table', () => {
  it('[EP-4] brings every reader to the present state from whatever change it saw last', () => {
    for (let seed = 0; seed < 50; seed++) {
      const prng = new Prng(seed);
      const table = new LaneTable<Entry>(prng.int(1, 5));
      const truth = new Map<string, number>();
      const readers = Array.from({ length: 4 }, () => ({ seen: NOTHING_SEEN, held: new Map<string, number>() }));
      for (let step = 0; step < 100; step++) {
        const key = `k${prng.int(0, 9)}`;
        if (prng.chance(0.6)) {
          table.put(key, { key, value: step });
          truth.set(key, step);
        } else {
          table.remove(key, { key, value: null });
          truth.delete(key);
        }
        for (const reader of readers) {
          if (!prng.chance(0.2)) continue;
          // One entry at a time now and then, and not always to the end.
          const bytesMax = prng.chance(0.5) ? 1 : 1_000;
          while (reader.seen.change < table.change && !prng.chance(0.1)) {
            const delta = table.since(reader.seen, bytesMax);
            apply(reader.held, delta);
            reader.seen = delta.seen;
          }
          if (reader.seen.change === table.change) expect(reader.held, `seed ${seed} step ${step}`).toEqual(truth);
        }
        if (prng.chance(0.1)) table.settle(Math.min(...readers.map(({ seen }) => seen.start)));
      }
    }
  });

  it('tells each entry once, in its last state', () => {
    const table = new LaneTable<Entry>(10);
    for (let value = 0; value < 5; value++) table.put('a', { key: 'a', value });
    table.remove('never', { key: 'never', value: null });
    const all = table.since(NOTHING_SEEN);
    expect(all).toMatchObject({ reset: true, entries: [{ key: 'a', value: 4 }] });
    expect(table.since(all.seen)).toMatchObject({ reset: false, entries: [] });
    table.put('a', { key: 'a', value: 5 });
    expect(table.since(all.seen)).toMatchObject({ reset: false, entries: [{ key: 'a', value: 5 }] });
  });
});
