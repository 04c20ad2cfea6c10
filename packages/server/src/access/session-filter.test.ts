import { describe, expect, it } from 'vitest';
import { AlcoveError } from '@alcove/core/error';
import { checkSessionFilter, fitsFilter, SessionEnds } from './session-filter.ts';

const facts = { user: 'ann', room: 'trip', id: 'japan', session: 's1' };
const refused: unknown = expect.objectContaining({ code: 'option_invalid' });

describe('a filter of sessions', () => {
  it.each([
    [{ user: 'ann' }, true],
    [{ user: 'bob' }, false],
    [{ user: null }, false],
    [{ room: 'trip', id: 'japan' }, true],
    [{ room: 'trip', id: 'peru' }, false],
    [{ id: 'japan' }, true],
    [{ session: 's1', user: 'ann' }, true],
    [{ session: 's2', user: 'ann' }, false],
  ])('[AC-12] %o fits what fits all that it names: %s', (filter, fits) => {
    expect(fitsFilter(filter, facts)).toBe(fits);
  });

  it('[AC-12] of nobody in particular is null, and fits nobody with a name', () => {
    expect(fitsFilter({ user: null }, { ...facts, user: null })).toBe(true);
  });

  it.each([{}, { user: undefined }, { user: 'ann', id: undefined }, { name: 'ann' }, { room: null }, { user: 5 }, 'ann', null])(
    '[AC-12] that would fit everybody by a slip is refused: %o',
    (filter) => {
      expect(() => checkSessionFilter(filter as never)).toThrowError(refused as Error);
    },
  );
});

describe('ends that are ordered while somebody comes in', () => {
  it('[AC-12] count for who began before, and for nobody after', () => {
    const ends = new SessionEnds();
    const error = new AlcoveError('forbidden', 'out');
    const before = ends.begin();
    ends.add({ user: 'ann' }, error);
    const after = ends.begin();
    const arrival = { ...facts, session: null };
    expect(before.refusal(arrival)).toBe(error);
    expect(before.refusal({ ...arrival, user: 'bob' })).toBeNull();
    expect(after.refusal(arrival)).toBeNull();
    before.end();
    after.end();
  });
});
