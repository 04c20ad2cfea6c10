import { expect, it } from 'vitest';
import { KNOWN_MAX, type KnownTrip, tripsFrom, withTrip } from './known-trips.ts';

const trip = (id: string, openedMs = 1): KnownTrip => ({ id, title: id, openedMs });

it('has each trip once, the newest first, and not too many', () => {
  expect(withTrip([trip('a'), trip('b')], trip('b', 2)).map(({ id }) => id)).toEqual(['b', 'a']);
  const many = Array.from({ length: KNOWN_MAX }, (_, i) => trip(`t${i}`));
  expect(withTrip(many, trip('new'))).toHaveLength(KNOWN_MAX);
});

it('takes from storage what are trips, and nothing else', () => {
  const kept = trip('japan');
  const wrong = [null, 7, {}, { id: 'a/b', title: 'x', openedMs: 1 }, { id: 'a', title: 1, openedMs: 1 }, { id: 'a', title: 'x' }];
  expect(tripsFrom(JSON.stringify([...wrong, kept]))).toEqual([kept]);
  for (const text of [null, '', '{', '7', 'null']) expect(tripsFrom(text)).toEqual([]);
});
