import { expect, it } from 'vitest';
import { marksOf, NO_MARKS } from './write-marks.ts';

const write = (key: number, name: string, args: unknown) => ({ key, name, args });

it('marks the rows that wait, each kind for itself: ids of different tables may be the same', () => {
  const { stops, notes, items } = marksOf(
    [
      write(1, 'changeNights', { id: 'seed-1', by: 1 }),
      write(2, 'toggleItem', { id: 'seed-1', packed: true }),
      write(3, 'addNote', { id: 'n', stopId: 's' }),
    ],
    [],
  );
  expect([...stops.pending]).toEqual(['seed-1']);
  expect([...items.pending]).toEqual(['seed-1']);
  expect([...notes.pending]).toEqual(['n']);
});

it('keeps what was to be added where it would have been, with what was written', () => {
  const marks = marksOf(
    [],
    [
      write(4, 'addStop', { id: 's', cityId: 7, position: 'a4', nights: 1 }),
      write(5, 'addItem', { id: 'i', label: 'Kayak' }),
      write(6, 'addNote', { id: 'n', stopId: 's2', body: 'Long and dear', author: 'Ada' }),
      write(7, 'moveStop', { id: 's3', position: 'a0' }),
    ],
  );
  expect(marks.stops.refusedRows).toEqual([{ key: '4', position: 'a4', cityId: 7, stopId: null, text: '' }]);
  expect(marks.items.refusedRows).toMatchObject([{ key: '5', text: 'Kayak' }]);
  expect(marks.notes.refusedRows).toMatchObject([{ key: '6', stopId: 's2', text: 'Long and dear' }]);
  expect([...marks.stops.refused]).toEqual(['s3']);
});

it('says nothing of writes it does not know, and is the same object while there is nothing', () => {
  expect(marksOf([write(1, 'somethingElse', null)], []).stops.pending.size).toBe(0);
  expect(marksOf([], [])).toBe(NO_MARKS);
});
