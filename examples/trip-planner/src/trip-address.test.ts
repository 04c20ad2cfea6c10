import { expect, it } from 'vitest';
import { freshTripId, pathOfTrip, placeOf, titleOfTrip, tripIdOf } from './trip-address.ts';

it('finds the trip that an address names, and none in any other address', () => {
  expect(tripIdOf('/trip/japan-2027')).toBe('japan-2027');
  expect(tripIdOf('/trip/japan-2027/')).toBe('japan-2027');
  for (const path of ['/', '/trip/', '/trip', '/trip/a/b', '/trip/..', '/trip/%2e', `/trip/${'a'.repeat(129)}`])
    expect(tripIdOf(path)).toBeNull();
});

it('makes fresh trips that have an address, and never the same twice', () => {
  const ids = Array.from({ length: 100 }, () => freshTripId('Japan'));
  expect(new Set(ids).size).toBe(100);
  for (const id of ids) expect(tripIdOf(pathOfTrip(id))).toBe(id);
});

it('tells the start, trips and nonsense apart', () => {
  expect(placeOf('/')).toEqual({ kind: 'start' });
  expect(placeOf('/trip/japan')).toEqual({ kind: 'trip', id: 'japan' });
  for (const path of ['/nonsense', '/trip', '/trip/a/b', '/trips/a']) expect(placeOf(path)).toEqual({ kind: 'nowhere' });
});

it('puts of a name into the address what fits there', () => {
  expect(freshTripId('Sommer in Österreich & Tirol!')).toMatch(/^sommer-in-osterreich-tirol-[0-9a-z]{10}$/);
  for (const name of ['رحلة إلى المغرب', '日本', '  ', '…']) expect(freshTripId(name)).toMatch(/^trip-[0-9a-z]{10}$/);
  const long = freshTripId('x'.repeat(200));
  expect(tripIdOf(pathOfTrip(long))).toBe(long);
});

it('calls a trip by the words of its id', () => {
  expect(titleOfTrip('japan-2027')).toBe('Japan 2027');
  expect(titleOfTrip('japan-7k2m9qxw4p')).toBe('Japan');
  expect(titleOfTrip('new_york.winter')).toBe('New york winter');
  expect(titleOfTrip('~')).toBe('~');
});
