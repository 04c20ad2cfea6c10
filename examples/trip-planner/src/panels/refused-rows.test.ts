import { expect, it } from 'vitest';
import { rowsWithRefused } from './refused-rows.ts';

const refused = (key: string, position: string) => ({ key, position, cityId: 1, stopId: null, text: '' });
const names = (rows: ReturnType<typeof rowsWithRefused>) => rows.map((row) => (row.kind === 'stop' ? row.index : row.refused.key));

it('puts what was not accepted where it would be, and leaves the stops their numbers', () => {
  const stops = [{ position: 'a0' }, { position: 'a1' }, { position: 'a2' }];
  expect(names(rowsWithRefused(stops, [refused('end', 'a3'), refused('middle', 'a0V'), refused('taken', 'a1')]))).toEqual([
    0,
    'middle',
    1,
    'taken',
    2,
    'end',
  ]);
  expect(names(rowsWithRefused([], [refused('only', 'a0')]))).toEqual(['only']);
  expect(names(rowsWithRefused(stops, []))).toEqual([0, 1, 2]);
});
