import { expect, test } from 'vitest';
import { fleet } from '../../../../test/fake/routed-reads.ts';
import { type SlowRead, SlowReads } from './slow-reads.ts';

const read = (given: Partial<SlowRead>): SlowRead => ({
  replica: 'a',
  room: { name: 'trip', id: 'r1' },
  tookMs: 500,
  timedOut: false,
  sql: 'SELECT 1',
  atMs: 0,
  ...given,
});

test('[RD-93] the slowest reads of the last ten minutes are kept, few, without parameters', () => {
  const slow = new SlowReads();
  slow.add(read({ tookMs: 99 }));
  expect(slow.list(0)).toEqual([]);
  slow.add(read({ tookMs: 50, timedOut: true }));
  for (let at = 0; at < 30; at++) slow.add(read({ tookMs: 100 + at, atMs: 1_000 }));
  slow.add(read({ tookMs: 5_000.4, sql: 'x'.repeat(1_000), atMs: 2_000 }));
  const kept = slow.list(2_000);
  expect(kept.length).toBe(20);
  expect(kept.slice(0, 2).map(({ tookMs, sql }) => [tookMs, sql.length])).toEqual([
    [5_000, 200],
    [129, 8],
  ]);
  expect(slow.list(601_500).map(({ tookMs }) => tookMs)).toEqual([5_000]);
  expect(slow.list(602_000)).toEqual([]);
});

test('[RD-93] a router tells of them, with who answered', async () => {
  const { reads, a, b } = await fleet();
  a.readMs = b.readMs = 400;
  await reads.answerers(2, { sql: 'SELECT slow' });
  a.readMs = b.readMs = 1;
  await reads.answerers(2);
  const told = reads.router.snapshot().slowReads;
  expect(told.length).toBe(2);
  expect(told.map(({ replica }) => String(replica)).sort()).toEqual(['a', 'b']);
  expect(told[0]).toMatchObject({ sql: 'SELECT slow', timedOut: false, room: { name: 'trip', id: 'r1' } });
});
