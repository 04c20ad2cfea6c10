import { expect, it } from 'vitest';
import { PageEphemerals, PageStates } from './page-states.ts';

it('forgets keys of others that nobody here looks at, and keeps those that were handed out', () => {
  const sent: unknown[] = [];
  const ephemerals = new PageEphemerals((...said) => void sent.push(said));
  const held = ephemerals.of('typing', 'mine');
  const say = (key: string, state: boolean | null, reset = false): void =>
    ephemerals.hear({ type: 'ephemeral', reset, entries: [{ sessionId: 's', userId: null, name: 'typing', key, state }] });
  for (let key = 0; key < 100; key++) {
    say(`k${key}`, true);
    if (key > 0) say(`k${key}`, null);
  }
  expect(ephemerals.size).toBe(2);
  expect(ephemerals.of('typing', 'k0').others.getSnapshot()).toMatchObject([{ sessionId: 's', state: true }]);
  say('mine', true, true);
  expect(held.others.getSnapshot()).toHaveLength(1);
  say('mine', null);
  expect(ephemerals.of('typing', 'mine')).toBe(held);
  expect(ephemerals.of('typing', 'k0').others.getSnapshot()).toEqual([]);
  say('mine', true);
  expect(held.others.getSnapshot()).toHaveLength(1);
});

it('[EP-21] a refusal that comes late takes nothing back of what was set after it', () => {
  const sent: [state: unknown, change: number][] = [];
  const states = new PageStates<string>((...said) => void sent.push(said));
  states.set('bad');
  states.set('good');
  states.refused(1);
  expect(states.mine.getSnapshot()).toBe('good');
  // Another engine hears it under the same number, and may refuse that.
  states.attach();
  expect(sent).toEqual([
    ['bad', 1],
    ['good', 2],
    ['good', 2],
  ]);
  states.refused(2);
  expect(states.mine.getSnapshot()).toBeNull();
});
