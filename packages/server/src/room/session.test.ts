import { describe, expect, it } from 'vitest';
import type { SessionEvent, SessionState } from './session.ts';
import { nextSession } from './session.ts';

const bounds = { subscriberBacklogBytesMax: 1_000, subscriberBacklogBytesHard: 5_000, subscriberBacklogMsMax: 3_000 };
const behind = (over: Partial<SessionState & { phase: 'behind' }> = {}): SessionState => ({
  phase: 'behind',
  sent: 3,
  stuckSinceMs: null,
  bufferedBytes: 0,
  ...over,
});
const committed = (version: number, bufferedBytes = 0): SessionEvent => ({ type: 'committed', version, bufferedBytes, nowMs: 10 });
const polled = (bufferedBytes: number, nowMs = 100): SessionEvent => ({ type: 'polled', bufferedBytes, nowMs });

const STATES: Record<SessionState['phase'], SessionState> = {
  image: { phase: 'image' },
  rows: { phase: 'rows' },
  behind: behind(),
  live: { phase: 'live', sent: 3 },
  ended: { phase: 'ended' },
};

/** For every state and event: the phase after it, and the effects. */
const TABLE: [keyof typeof STATES, SessionEvent, SessionState['phase'], string[]][] = [
  ...(['image', 'rows', 'behind', 'live'] as const).flatMap(
    (phase): [keyof typeof STATES, SessionEvent, SessionState['phase'], string[]][] => [
      [phase, { type: 'stream', sent: 5, head: 5 }, 'live', []],
      [phase, { type: 'stream', sent: 4, head: 5 }, 'behind', ['poll']],
      [phase, { type: 'hydrate', by: 'image' }, 'image', []],
      [phase, { type: 'hydrate', by: 'rows' }, 'rows', []],
      [phase, { type: 'end' }, 'ended', []],
    ],
  ),
  ...(['image', 'rows'] as const).flatMap((phase): [keyof typeof STATES, SessionEvent, SessionState['phase'], string[]][] => [
    [phase, committed(4), phase, []],
    [phase, polled(0), phase, []],
    [phase, { type: 'rangeSent', to: 4, head: 5 }, phase, []],
  ]),
  ['live', committed(4), 'live', ['sendCommit']],
  ['live', committed(4, 1_000), 'live', ['sendCommit']],
  ['live', committed(4, 1_001), 'behind', ['poll']],
  ['live', polled(9_999), 'live', []],
  ['live', { type: 'rangeSent', to: 4, head: 5 }, 'live', []],
  ['behind', committed(4), 'behind', []],
  ['behind', polled(0), 'behind', ['sendRange']],
  ['behind', polled(500), 'behind', ['sendRange']],
  ['behind', polled(501), 'behind', ['poll']],
  ['behind', polled(5_001), 'ended', ['closeForBacklog']],
  ['behind', { type: 'rangeSent', to: 4, head: 5 }, 'behind', ['poll']],
  ['behind', { type: 'rangeSent', to: 5, head: 5 }, 'live', []],
  ...(
    [
      { type: 'stream', sent: 1, head: 1 },
      { type: 'hydrate', by: 'rows' },
      committed(4),
      polled(0),
      { type: 'rangeSent', to: 4, head: 5 },
      { type: 'end' },
    ] as SessionEvent[]
  ).map((event): [keyof typeof STATES, SessionEvent, SessionState['phase'], string[]] => ['ended', event, 'ended', []]),
];

describe('where a session stands', () => {
  it.each(TABLE)('%s after %o is %s', (phase, event, after, effects) => {
    const step = nextSession(STATES[phase], event, bounds);
    expect(step.state.phase).toBe(after);
    expect(step.effects.map((effect) => effect.do)).toEqual(effects);
  });

  it('remembers what was told when it falls behind', () => {
    expect(nextSession(STATES.live, committed(4, 2_000), bounds).state).toMatchObject({ sent: 3 });
    expect(nextSession(behind({ sent: 3 }), polled(0), bounds).effects).toEqual([{ do: 'sendRange', sent: 3 }]);
  });

  it('[CS-7] gives up on a socket that stands still, never on one that drains', () => {
    let state: SessionState = behind({ stuckSinceMs: 0, bufferedBytes: 2_000 });
    for (let nowMs = 1_000; nowMs <= 20_000; nowMs += 1_000) {
      const step = nextSession(state, polled(2_000 - nowMs / 1_000, nowMs), bounds);
      state = step.state;
      expect(step.effects).toEqual([{ do: 'poll' }]);
    }
    expect(nextSession(state, polled(1_980, 22_999), bounds).state.phase).toBe('behind');
    expect(nextSession(state, polled(1_980, 23_000), bounds).effects).toEqual([{ do: 'closeForBacklog', limit: 'subscriberBacklogMsMax' }]);
  });
});
