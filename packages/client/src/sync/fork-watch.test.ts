import { describe, expect, it } from 'vitest';
import type { ShownVersion } from './engine-interface.ts';
import { ForkWatch } from './fork-watch.ts';

const at = (version: number, hash = `${version}`) => ({ historyId: 'h', version, hash });
const shownBefore = { historyId: 'h', version: 9, known: { version: 7, hash: '7' } };
const [resume, fork, first] = [{ hydration: 'resume' }, { hydration: 'fork' }, { hydration: 'first' }] as const;

describe('[CN-20] whether the room still has what the page showed', () => {
  it('is nobody’s question where nothing was shown, and told where the room says so, each time once, with what was shown last', () => {
    const watch = new ForkWatch(null);
    expect(watch.ask(null, true)).toBeNull();
    watch.welcomed(fork);
    watch.shows(null, false);
    expect(watch).toMatchObject({ isKnown: true, isForked: false, forked: null });
    expect(watch.ask(at(3), true)).toBeNull();
    watch.welcomed(fork);
    expect(watch.isForked).toBe(true);
    watch.shows(at(5), false);
    expect(watch).toMatchObject({ isForked: false, forked: { times: 1, seenVersion: 5 } });
    watch.ask(at(6), true);
    watch.welcomed(resume);
    watch.shows(at(6), false);
    expect(watch.forked?.times).toBe(1);
    watch.ask(at(8), true);
    watch.welcomed(fork);
    watch.shows(at(8), false);
    expect(watch.forked).toEqual({ times: 2, seenVersion: 8 });
  });

  it('is taken back where the room has what is shown after all', () => {
    const watch = new ForkWatch(null);
    watch.ask(at(3), true);
    watch.welcomed(fork);
    watch.ask(at(3), true);
    watch.welcomed(resume);
    expect(watch.isForked).toBe(false);
    watch.shows(at(4), false);
    expect(watch.forked).toBeNull();
  });

  it('is asked of what is shown where hello resumes from what is not shown yet', () => {
    const watch = new ForkWatch(null);
    expect(watch.ask(at(5), false)).toEqual(at(5));
    watch.welcomed({ ...resume, shownLost: true });
    watch.shows(at(5), false);
    expect(watch.forked).toEqual({ times: 1, seenVersion: 5 });
    // What was to be shown next is lost, what is shown is not.
    watch.ask(at(6), false);
    watch.welcomed(fork);
    expect(watch.isForked).toBe(true);
    watch.shows(at(6), false);
    expect(watch.forked?.times).toBe(1);
  });

  it('is asked of what an earlier engine showed until something follows on it', () => {
    const watch = new ForkWatch(shownBefore);
    expect(watch.ask(null, true)).toEqual(at(7));
    watch.welcomed(first);
    expect(watch.isKnown).toBe(false);
    expect(watch.ask(at(9), false)).toEqual(at(7));
    watch.welcomed(resume);
    watch.shows(null, false);
    expect(watch).toMatchObject({ isKnown: true, forked: null });
  });

  it.each([
    ['both are there', resume, null],
    ['the one before is lost', { ...resume, shownLost: true }, 7],
    ['what was kept is lost', fork, 9],
    ['both are lost', { ...fork, shownLost: true }, 9],
  ])('is known of it and of what was kept, which this engine shows: %s', (_, welcome, seenVersion) => {
    const watch = new ForkWatch(shownBefore);
    watch.shows(null, true);
    expect(watch.isKnown).toBe(false);
    expect(watch.ask(at(9), true)).toEqual(at(7));
    watch.welcomed(welcome);
    // What is shown already is the room's as it went on, or what takes its place is.
    expect(watch.isKnown).toBe(welcome.hydration === 'resume');
    if (welcome.hydration === 'fork') watch.shows(at(9), false);
    expect(watch).toMatchObject({ isKnown: true, forked: seenVersion === null ? null : { times: 1, seenVersion } });
  });

  it('is not answered by what the disk says too late for hello', () => {
    const watch = new ForkWatch(shownBefore);
    watch.ask(null, true);
    watch.welcomed({ ...first, shownLost: true });
    watch.shows(null, true);
    expect(watch.isForked).toBe(true);
    watch.shows(at(9), false);
    expect(watch.forked).toEqual({ times: 1, seenVersion: 7 });
    const fresh = new ForkWatch(null);
    fresh.ask(null, true);
    fresh.welcomed(first);
    fresh.shows(null, true);
    fresh.shows(at(9), false);
    // The next hello asks.
    expect(fresh.ask(at(4), true)).toEqual(at(9));
  });

  it('takes nothing from a page of a build that did not say what was known', () => {
    expect(new ForkWatch({ historyId: 'h', version: 3 } as ShownVersion).ask(null, true)).toBeNull();
  });
});
