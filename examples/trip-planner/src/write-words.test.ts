import { expect, it } from 'vitest';
import { mayBeRetried, textOfCall, wordsForCall } from './write-words.ts';

const NAMES: Readonly<Record<string, string>> = { 'stops s': 'Kyoto', 'notes n': 'Kyoto', 'items i': 'Kayak' };
const known = {
  nameOf: (kind: string, id: string) => NAMES[`${kind} ${id}`] ?? null,
  cityName: (id: unknown) => (id === 7 ? 'Osaka' : null),
};

it.each([
  ['addStop', { id: 'x', cityId: 7 }, 'Add Osaka'],
  ['restoreStop', { id: 's', cityId: 7 }, 'Bring back Osaka'],
  ['moveStop', { id: 's' }, 'Move Kyoto'],
  ['changeNights', { id: 's', by: 1 }, '1 night more in Kyoto'],
  ['changeNights', { id: 's', by: -2 }, '2 nights fewer in Kyoto'],
  ['addNote', { id: 'x', stopId: 's', body: 'Tea' }, 'Note on Kyoto'],
  ['addNote', { id: 'x', stopId: 'never seen', body: 'Tea' }, 'Note on a stop'],
  ['editNote', { id: 'n', body: 'Tea' }, 'Change of a note on Kyoto'],
  ['keepNote', { id: 'n', isPrivate: true }, 'Make a note on Kyoto private'],
  ['keepNote', { id: 'n', isPrivate: false }, 'Share a note on Kyoto'],
  ['addItem', { id: 'x', label: 'Tent' }, 'Pack Tent'],
  ['toggleItem', { id: 'i', packed: true }, 'Tick Kayak'],
  ['removeItem', { id: 'i' }, 'Remove Kayak from the packing list'],
  ['somethingElse', null, 'somethingElse'],
])('%s with %j is “%s”', (name, args, words) => {
  expect(wordsForCall({ name, args }, known)).toBe(words);
});

it('keeps what somebody wrote', () => {
  expect(textOfCall({ name: 'addNote', args: { body: 'Tea at four' } })).toBe('Tea at four');
  expect(textOfCall({ name: 'removeStop', args: { id: 's' } })).toBe('');
});

it('offers to try again only what can succeed', () => {
  const there = (kind: string, id: string) => kind === 'stops' && id === 's';
  expect(mayBeRetried({ name: 'addNote', args: { stopId: 's' } }, 'forbidden', there)).toBe(true);
  expect(mayBeRetried({ name: 'addNote', args: { stopId: 'gone' } }, 'forbidden', there)).toBe(false);
  expect(mayBeRetried({ name: 'moveStop', args: { id: 'gone' } }, 'forbidden', there)).toBe(false);
  expect(mayBeRetried({ name: 'editNote', args: { id: 'gone' } }, 'forbidden', there)).toBe(false);
  expect(mayBeRetried({ name: 'editNote', args: { id: 'n' } }, 'forbidden', () => true)).toBe(false);
  expect(mayBeRetried({ name: 'editNote', args: { id: 'n' } }, 'room_full', () => true)).toBe(true);
  expect(mayBeRetried({ name: 'addStop', args: { id: 'new' } }, 'forbidden', there)).toBe(true);
  expect(mayBeRetried({ name: 'addStop', args: { id: 'new' } }, 'history_lost', there)).toBe(true);
  for (const code of ['arguments_invalid', 'forgotten', 'closed'])
    expect(mayBeRetried({ name: 'addStop', args: { id: 'new' } }, code, there)).toBe(false);
});
