import type { ClientMessageInput } from '@alcove/core/protocol/client-message';
import { describe, expect, it } from 'vitest';
import { FakeRuntime } from '../../../../test/fake/fake-runtime.ts';
import { tasksRoom } from '../../../../test/fake/tasks-room.ts';
import { OtherStates } from './other-states.ts';
import { OwnStates } from './own-states.ts';

class Tab {
  readonly runtime = new FakeRuntime();
  readonly sent: ClientMessageInput[] = [];
  answer: 'sent' | 'full' | 'none' = 'sent';
  readonly states = new OwnStates({
    runtime: this.runtime,
    room: tasksRoom,
    presenceIntervalMs: 50,
    cursorIntervalMs: 40,
    ephemeralKeysMax: 3,
    send: (message) => {
      if (this.answer === 'sent') this.sent.push(message);
      return this.answer;
    },
  });

  take(): unknown[] {
    return this.sent.splice(0).map((message) => ('state' in message ? message.state : message));
  }
}

describe('own states', () => {
  it('[EP-17] sends the first at once, then the last of each interval', () => {
    const tab = new Tab();
    for (let x = 0; x < 100; x++) {
      tab.states.setCursor({ x, y: 0 });
      tab.runtime.advance(10);
    }
    tab.runtime.advance(100);
    const sent = tab.take() as { x: number }[];
    expect(sent.length).toBeGreaterThan(20);
    expect(sent.length).toBeLessThan(30);
    expect(sent[0]).toEqual({ x: 0, y: 0 });
    expect(sent.at(-1)).toEqual({ x: 99, y: 0 });
  });

  it('[EP-17] says in a new session what still counts: presence always, the rest while the room would keep it', () => {
    const tab = new Tab();
    tab.answer = 'none';
    tab.states.setPresence({ name: 'Ada' });
    tab.states.setCursor({ x: 1, y: 1 });
    tab.states.setEphemeral('typing', 'a', true);
    tab.runtime.advance(31_000);
    tab.states.setEphemeral('typing', 'b', true);
    tab.answer = 'sent';
    tab.states.welcomed(4_096);
    tab.runtime.advance(1_000);
    expect(tab.take()).toEqual([{ name: 'Ada' }, true]);
  });

  it('a state that was taken back is said once and then forgotten', () => {
    const tab = new Tab();
    tab.states.setPresence({ name: 'Ada' });
    tab.runtime.advance(100);
    tab.states.setPresence(null);
    tab.runtime.advance(100);
    expect(tab.take()).toEqual([{ name: 'Ada' }, null]);
    tab.states.welcomed(4_096);
    tab.runtime.advance(100);
    expect(tab.take()).toEqual([]);
  });

  it('waits while the socket is full, and does not ask without a session', () => {
    const tab = new Tab();
    tab.answer = 'full';
    tab.states.setPresence({ name: 'Ada' });
    tab.runtime.advance(500);
    tab.answer = 'sent';
    tab.runtime.advance(50);
    expect(tab.take()).toEqual([{ name: 'Ada' }]);
    tab.answer = 'none';
    tab.states.setPresence({ name: 'Bea' });
    tab.runtime.advance(100);
    expect(tab.runtime.time.pendingTimers).toBe(0);
  });

  it('[EP-21] what the room refused is not said again', () => {
    const tab = new Tab();
    tab.states.setPresence({ name: 'Ada' });
    tab.runtime.advance(100);
    tab.take();
    tab.states.refused('presence', null, null);
    tab.states.welcomed(4_096);
    tab.runtime.advance(100);
    expect(tab.take()).toEqual([]);
  });

  it.each<[string, (tab: Tab) => void, string]>([
    ['a state the validator refuses', ({ states }) => states.setPresence({ name: 5 }), 'state_invalid'],
    ['a state that is no JSON', ({ states }) => states.setCursor({ x: Number.NaN, y: 0 }), 'state_invalid'],
    ['a state too large', ({ states }) => states.setPresence({ name: 'x'.repeat(5_000) }), 'state_too_large'],
    ['an unknown key', ({ states }) => states.setEphemeral('nonsense', '', true), 'value_unknown'],
    ['a name every object has', ({ states }) => states.setEphemeral('constructor', '', true), 'value_unknown'],
    [
      'more keys than the bound',
      ({ states }) => ['a', 'b', 'c', 'd'].forEach((key) => states.setEphemeral('typing', key, true)),
      'overloaded',
    ],
  ])('refuses %s', (_what, set, code) => {
    const tab = new Tab();
    expect(() => set(tab)).toThrowError(expect.objectContaining({ code }));
  });
});

it('[EP-18] others are kept over a short disconnect and forgotten after a long one', () => {
  const runtime = new FakeRuntime();
  let forgotten = 0;
  const others = new OtherStates(runtime, 10_000, () => {
    forgotten += 1;
  });
  others.welcomed('me');
  const entry = (sessionId: string) => ({ sessionId, userId: null, state: true });
  expect(others.others([entry('me'), entry('you')])).toEqual([entry('you')]);
  others.lost();
  runtime.advance(9_000);
  others.welcomed('me');
  runtime.advance(20_000);
  expect(forgotten).toBe(0);
  others.lost();
  runtime.advance(10_000);
  expect(forgotten).toBe(1);
});
