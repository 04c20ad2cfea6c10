import { describe, expect, it } from 'vitest';
import { ForkWatch } from './fork-watch.ts';

const at = (version: number, hash = `${version}`) => ({ historyId: 'h', version, hash });
const shownBefore = { historyId: 'h', version: 9, known: { version: 7, hash: '7' } };

describe('[CN-20] whether the room still has what the page showed', () => {
  it('is nobody’s question where hello says all that was shown', () => {
    const watch = new ForkWatch(null);
    expect(watch).toMatchObject({ isKnown: true, isForked: false, forked: null });
    expect(watch.forHello(null)).toBeNull();
    watch.welcomed(false, false);
    watch.shows(null);
    expect(watch).toMatchObject({ isKnown: true, forked: null });
  });

  it('is told with the version that was shown last, each time once', () => {
    const watch = new ForkWatch(null);
    watch.welcomed(false, false);
    watch.shows(null);
    watch.welcomed(true, true);
    expect(watch.isForked).toBe(true);
    watch.shows(at(5));
    expect(watch).toMatchObject({ isForked: false, forked: { times: 1, seenVersion: 5 } });
    watch.welcomed(false, true);
    watch.shows(at(6));
    expect(watch.forked?.times).toBe(1);
    watch.welcomed(true, true);
    watch.shows(at(8));
    expect(watch.forked).toEqual({ times: 2, seenVersion: 8 });
  });

  it('is nothing to tell where nothing was shown', () => {
    const watch = new ForkWatch(null);
    watch.welcomed(true, false);
    watch.shows(null);
    expect(watch).toMatchObject({ isForked: false, forked: null });
  });

  it('is asked about what an earlier engine showed until the room was heard about it and something is shown since', () => {
    const watch = new ForkWatch(shownBefore);
    watch.shows(null); // as the disk has it
    expect(watch.isKnown).toBe(false);
    expect(watch.forHello(at(9))).toEqual(at(7));
    watch.welcomed(false, false);
    expect(watch.forHello(null)).toEqual(at(7));
    watch.welcomed(false, true);
    expect(watch.isKnown).toBe(true);
    expect(watch.forHello(at(9))).toEqual(at(9));
  });

  it('is told with the newest that the room is known to have had, and not asked about again', () => {
    const watch = new ForkWatch(shownBefore);
    watch.shows(null);
    watch.welcomed(true, true);
    expect(watch.forHello(at(9))).toBeNull();
    watch.shows(at(9));
    expect(watch).toMatchObject({ isKnown: true, forked: { times: 1, seenVersion: 7 } });
  });
});
