import { describe, expect, it } from 'vitest';
import { body, closed, NOW, opened, run, SOCKET, step, times, token, told, welcome } from '../../../../test/fake/connection-steps.ts';
import { FAULTS_MAX } from './connection-end.ts';
import {
  type ConnectionInput,
  type ConnectionState,
  HINT_SPACING_MS,
  initialConnection,
  nextConnection,
  PROBE_MS,
  STABLE_MS,
  type Step,
  wakeAtMs,
} from './connection-state.ts';

const types = (result: Step): string[] => result.effects.map((effect) => effect.type);

const asking = run(initialConnection, { type: 'start' });
const opening = run(asking, token());
const greeting = run(opening, opened());
const live = run(greeting, welcome());
const waiting = run(live, closed(1006));
const needsAuth: ConnectionState = { phase: 'needsAuth', past: { ...live.past, authRefusals: 2 }, error: body('unauthenticated') };
const failed: ConnectionState = { phase: 'failed', past: live.past, error: body('room_unknown') };
const forbidden: ConnectionState = { phase: 'failed', past: live.past, error: body('forbidden') };
const ended = run(live, { type: 'close' });

const states = { idle: initialConnection, asking, opening, greeting, live, waiting, needsAuth, failed, forbidden, closed: ended };
type Name = keyof typeof states;

// Each line: an input, and for the states where it does something the phase it leads to and the effects. Every other state must stay as it is.
const table: readonly (readonly [
  string,
  (state: ConnectionState) => ConnectionInput,
  Partial<Record<Name, readonly [ConnectionState['phase'], ...string[]]>>,
])[] = [
  [
    'start',
    () => ({ type: 'start' }),
    {
      idle: ['connecting', 'askToken'],
      needsAuth: ['connecting', 'askToken'],
      failed: ['connecting', 'askToken'],
      forbidden: ['connecting', 'askToken'],
    },
  ],
  ['token', (s) => token(s.past.socketId), { asking: ['connecting', 'open'], live: ['live', 'auth'] }],
  ['no token', (s) => ({ type: 'token', socketId: s.past.socketId, token: null }), { asking: ['connecting', 'open'] }],
  ['token failed', (s) => ({ type: 'tokenFailed', socketId: s.past.socketId, error: body('connection_lost') }), { asking: ['waiting'] }],
  ['opened', (s) => opened(s.past.socketId), { opening: ['connecting', 'hello'] }],
  ['welcome', (s) => welcome(s.past.socketId), { greeting: ['live'] }],
  ['renewed', (s) => ({ type: 'renewed', socketId: s.past.socketId, expiresInMs: 1_000 }), { live: ['live'] }],
  ['heard', (s) => ({ type: 'heard', socketId: s.past.socketId }), { live: ['live'] }],
  ['coming', (s) => ({ type: 'coming', socketId: s.past.socketId, bytes: 1_000_000 }), { live: ['live'] }],
  ['leaving', (s) => ({ type: 'leaving', socketId: s.past.socketId }), { live: ['live'] }],
  [
    'told',
    (s) => told(body('draining'), s.past.socketId),
    { asking: ['connecting'], opening: ['connecting'], greeting: ['connecting'], live: ['live'] },
  ],
  [
    'close 1006',
    (s) => closed(1006, '', s.past.socketId),
    { asking: ['waiting'], opening: ['waiting'], greeting: ['waiting'], live: ['waiting', 'lost'] },
  ],
  [
    'unopened',
    (s) => ({ type: 'unopened', socketId: s.past.socketId, error: body('connection_lost') }),
    { asking: ['waiting'], opening: ['waiting'], greeting: ['waiting'] },
  ],
  [
    'close 4404',
    (s) => closed(4404, '', s.past.socketId),
    { asking: ['failed'], opening: ['failed'], greeting: ['failed'], live: ['failed', 'lost'] },
  ],
  [
    'close 4409',
    (s) => closed(4409, '', s.past.socketId),
    { asking: ['waiting'], opening: ['waiting'], greeting: ['waiting'], live: ['waiting', 'lost'] },
  ],
  [
    'broken',
    (s) => ({ type: 'broken', socketId: s.past.socketId, error: body('connection_lost') }),
    {
      asking: ['waiting'],
      opening: ['waiting', 'closeSocket'],
      greeting: ['waiting', 'closeSocket'],
      live: ['waiting', 'closeSocket', 'lost'],
    },
  ],
  [
    'broken for good',
    (s) => ({ type: 'broken', socketId: s.past.socketId, error: body('update_needed') }),
    {
      asking: ['failed'],
      opening: ['failed', 'closeSocket'],
      greeting: ['failed', 'closeSocket'],
      live: ['failed', 'closeSocket', 'lost'],
    },
  ],
  ['online', () => ({ type: 'hint', hint: 'online' }), { live: ['live', 'ping'], waiting: ['waiting'] }],
  ['visible', () => ({ type: 'hint', hint: 'visible' }), { live: ['live', 'ping'], waiting: ['waiting'] }],
  ['offline', () => ({ type: 'hint', hint: 'offline' }), { live: ['live', 'ping'] }],
  [
    'authChanged',
    () => ({ type: 'hint', hint: 'authChanged' }),
    {
      asking: ['connecting'],
      opening: ['connecting'],
      greeting: ['connecting'],
      live: ['live', 'askToken'],
      needsAuth: ['connecting', 'askToken'],
      forbidden: ['connecting', 'askToken'],
    },
  ],
  ['timer too early', () => ({ type: 'timer' }), {}],
  [
    'close',
    () => ({ type: 'close' }),
    {
      idle: ['closed'],
      asking: ['closed'],
      opening: ['closed', 'closeSocket'],
      greeting: ['closed', 'closeSocket'],
      live: ['closed', 'closeSocket'],
      waiting: ['closed'],
      needsAuth: ['closed'],
      failed: ['closed'],
      forbidden: ['closed'],
    },
  ],
];

it.each([
  ['is asked for', asking, [token(), opened(), welcome()]],
  ['has gone with the hello', greeting, [welcome()]],
])('[CN-50] a token that changes while the one before %s is told as soon as the session lives', (_, state, inputs) => {
  const changed = run(state, { type: 'hint', hint: 'authChanged' });
  const before = run(changed, ...inputs.slice(0, -1));
  expect(types(step(before, welcome()))).toEqual(['askToken']);
  expect(types(step(run(state, ...inputs.slice(0, -1)), welcome()))).toEqual([]);
});

const cases = table.flatMap(([name, input, expected]) =>
  Object.entries(states).map(([at, state]) => ({ name, at, state, input: input(state), expected: expected[at as Name] })),
);

describe('every input in every state', () => {
  it.each(cases)('$name in $at', ({ state, input, expected }) => {
    const result = step(state, input);
    if (expected === undefined) {
      expect(types(result)).toEqual([]);
      expect(result.state).toEqual(state);
      return;
    }
    expect([result.state.phase, ...types(result)]).toEqual(expected);
  });

  it.each(Object.entries(states))('[CN-1] nothing an older socket says moves %s', (_name, state) => {
    const older = state.past.socketId - 1;
    const late: ConnectionInput[] = [
      token(older),
      opened(older),
      welcome(older),
      closed(4404, '', older),
      { type: 'unopened', socketId: older, error: body('connection_lost') },
      told(body('draining'), older),
      { type: 'heard', socketId: older },
      { type: 'broken', socketId: older, error: body('internal') },
    ];
    for (const input of late) expect(step(state, input)).toEqual({ state, effects: [] });
  });
});

describe('time', () => {
  it('gives up an attempt that brings no welcome', () => {
    for (const state of [asking, opening, greeting]) {
      expect(wakeAtMs(state)).toBe(NOW + times.connectTimeoutMs);
      expect(step(state, { type: 'timer' }, NOW + times.connectTimeoutMs).state.phase).toBe('waiting');
    }
  });

  it('[CN-2] pings every interval and ends a session that stays silent for the idle timeout', () => {
    const pinged = step(live, { type: 'timer' }, NOW + 15_000);
    expect(types(pinged)).toEqual(['ping']);
    const again = step(pinged.state, { type: 'timer' }, NOW + 30_000);
    expect(types(again)).toEqual(['ping']);
    expect(wakeAtMs(again.state)).toBe(NOW + 40_000);
    const dead = step(again.state, { type: 'timer' }, NOW + 40_000);
    expect(types(dead)).toEqual(['closeSocket', 'lost']);
    expect(dead.state).toMatchObject({ phase: 'waiting', error: { code: 'heartbeat_missed' } });
  });

  it('[CN-2] any message proves life', () => {
    const pinged = step(live, { type: 'timer' }, NOW + 15_000).state;
    const heard = step(pinged, { type: 'heard', socketId: SOCKET }, NOW + 16_000).state;
    expect(wakeAtMs(heard)).toBe(NOW + 30_000);
    expect(step(heard, { type: 'timer' }, NOW + 40_000).state.phase).toBe('live');
  });

  it('[CN-21] a hidden page pings half as often as the room bears, and still hears of a dead connection in time', () => {
    const hidden = (state: ConnectionState, nowMs: number) =>
      nextConnection(state, { type: 'timer' }, { nowMs, random: 0.5, isHidden: true }, times);
    const pinged = hidden(live, NOW + 15_000);
    expect(types(pinged)).toEqual(['ping']);
    expect(wakeAtMs(pinged.state)).toBe(NOW + 35_000);
    const heard = step(pinged.state, { type: 'heard', socketId: SOCKET }, NOW + 15_100).state;
    expect(wakeAtMs(heard)).toBe(NOW + 35_000);
    const again = hidden(heard, NOW + 35_000);
    expect(wakeAtMs(again.state)).toBe(NOW + 55_000);
    expect(hidden(again.state, NOW + 55_100).state).toMatchObject({ phase: 'waiting', error: { code: 'heartbeat_missed' } });
  });

  it('[CN-18] an announced frame is waited for as its size allows, by pings and probes alike; then patience ends', () => {
    const bytes = 16_384 * 300;
    const coming = step(live, { type: 'coming', socketId: SOCKET, bytes }).state;
    const pinged = step(coming, { type: 'timer' }, NOW + 15_000).state;
    const later = step(pinged, { type: 'timer' }, NOW + 339_000);
    expect(later.state.phase).toBe('live');
    expect(step(later.state, { type: 'timer' }, NOW + 340_000).state.phase).toBe('waiting');
    const probed = step(coming, { type: 'hint', hint: 'online' }, NOW + 1_000).state;
    expect(step(probed, { type: 'timer' }, NOW + 300_000).state.phase).toBe('live');
    const heard = step(pinged, { type: 'heard', socketId: SOCKET }, NOW + 200_000).state;
    const silent = step(heard, { type: 'timer' }, NOW + 230_000).state;
    expect(step(silent, { type: 'timer' }, NOW + 240_000).state).toMatchObject({ phase: 'waiting', error: { code: 'heartbeat_missed' } });
  });

  it('[CN-3] a timer that fires hours late asks before it declares death', () => {
    const late = NOW + 8 * 3_600_000;
    const woken = step(live, { type: 'timer' }, late);
    expect(types(woken)).toEqual(['ping']);
    expect(wakeAtMs(woken.state)).toBe(late + PROBE_MS);
    expect(step(woken.state, { type: 'timer' }, late + PROBE_MS).state.phase).toBe('waiting');
  });

  it('[CN-3] a hint probes a live session with a short deadline, which a second hint cannot move', () => {
    const probed = step(live, { type: 'hint', hint: 'visible' });
    const again = step(probed.state, { type: 'hint', hint: 'online' }, NOW + 1_000);
    expect(wakeAtMs(again.state)).toBe(NOW + PROBE_MS);
    expect(step(again.state, { type: 'timer' }, NOW + PROBE_MS).state).toMatchObject({
      phase: 'waiting',
      error: { code: 'heartbeat_missed' },
    });
  });
});

/** Fails `count` sessions in a row, each `livedMs` after its welcome, and tells the waits. */
function waits(count: number, livedMs: number, random: number): number[] {
  const found: number[] = [];
  let state = run(initialConnection, { type: 'start' });
  let now = NOW;
  for (let i = 0; i < count; i++) {
    const id = state.past.socketId;
    for (const input of [token(id), opened(id), welcome(id)]) state = step(state, input, now).state;
    now += livedMs;
    state = step(state, closed(1006, '', id), now, random).state;
    const wake = wakeAtMs(state) ?? 0;
    found.push(wake - now);
    now = wake;
    state = step(state, { type: 'timer' }, now).state;
  }
  return found;
}

describe('backoff', () => {
  it('[CN-4] doubles up to its bound while connections do not last, with full jitter', () => {
    expect(waits(8, 10, 0.999_999)).toEqual([249, 499, 999, 1_999, 3_999, 7_999, 14_999, 14_999]);
    expect(waits(3, 10, 0)).toEqual([0, 0, 0]);
  });

  it('[CN-4] starts anew after a connection that lasted', () => {
    expect(waits(3, STABLE_MS, 0.999_999)).toEqual([249, 249, 249]);
  });

  it('[CN-5] never undercuts retryAfterMs, neither by jitter nor by a hint', () => {
    const drained = run(live, told(body('draining', 4_000)));
    const after = step(drained, closed(1012), NOW, 0).state;
    expect(after).toMatchObject({ phase: 'waiting', error: { code: 'draining' } });
    expect(wakeAtMs(after)).toBe(NOW + 4_000);
    expect(wakeAtMs(step(after, { type: 'hint', hint: 'online' }, NOW + 10).state)).toBe(NOW + 4_000);
  });

  it('[CN-6] a hint ends the wait, but never makes attempts come closer than their spacing', () => {
    const late = step(live, closed(1006), NOW + 60_000, 0.999).state;
    expect(wakeAtMs(step(late, { type: 'hint', hint: 'online' }, NOW + 60_001).state)).toBe(NOW + 60_001);
    const soon = step(live, closed(1006), NOW + 10, 0.999).state;
    expect(wakeAtMs(soon)).toBe(NOW + 10 + 249);
    const slow = { ...soon, retryAtMs: NOW + 20_000 } as ConnectionState; // only the waiting state has the field
    expect(wakeAtMs(step(slow, { type: 'hint', hint: 'visible' }, NOW + 20).state)).toBe(NOW + HINT_SPACING_MS);
  });
});

describe('why it ended', () => {
  it('[CN-7] tries one fresh token, then waits for the app', () => {
    const refused = step(greeting, closed(4401));
    expect(refused.state.phase).toBe('waiting');
    const second = step(refused.state, { type: 'timer' }, wakeAtMs(refused.state) ?? 0).state;
    const id = second.past.socketId;
    const again = run(second, token(id), opened(id), told(body('unauthenticated'), id));
    expect(step(again, closed(4401, '', id)).state).toMatchObject({ phase: 'needsAuth', error: { code: 'unauthenticated' } });
  });

  it.each([
    ['is garbled', 4400],
    ['is replaced, by a hello of its own that came late', 4409],
  ])('[CN-8] goes on after a session that %s, and stops when that happens again and again', (_, closeCode) => {
    let state: ConnectionState = live;
    for (let fault = 1; fault <= FAULTS_MAX; fault++) {
      state = step(state, closed(closeCode, '', state.past.socketId)).state;
      expect(state.phase).toBe('waiting');
      state = step(state, { type: 'timer' }, NOW + 1_000_000).state;
    }
    expect(step(state, closed(closeCode, '', state.past.socketId)).state.phase).toBe('failed');
  });

  it.each([
    [1000, 'retry'],
    [1001, 'retry'],
    [1005, 'retry'],
    [1006, 'retry'],
    [1011, 'retry'],
    [1012, 'retry'],
    [1013, 'retry'],
    [4408, 'retry'],
    [4413, 'retry'],
    [4427, 'retry'],
    [4429, 'retry'],
    [4999, 'retry'],
    [4403, 'failed'],
    [4404, 'failed'],
    [4409, 'retry'],
    [4426, 'failed'],
  ])('[CN-9] close code %i alone: %s', (code, then) => {
    expect(step(live, closed(code)).state.phase).toBe(then === 'retry' ? 'waiting' : 'failed');
  });

  it('[CN-9] the error message before a close explains it, also where the close frame never came', () => {
    const heard = run(live, told(body('history_lost')));
    expect(step(heard, closed(1011)).state).toMatchObject({ phase: 'waiting', error: { code: 'history_lost' } });
    expect(step(heard, closed(1006)).state).toMatchObject({ phase: 'waiting', error: { code: 'history_lost' } });
    expect(step(heard, closed(1012)).state).toMatchObject({ phase: 'waiting', error: { code: 'draining' } });
  });

  it('[CN-9] an error message explains no loss that came after other messages', () => {
    const refused = run(live, told(body('forbidden')), { type: 'heard', socketId: SOCKET });
    expect(step(refused, closed(1006)).state).toMatchObject({ phase: 'waiting', error: { code: 'connection_lost' } });
  });

  it('[CN-9] a code named by the close reason counts where it fits', () => {
    expect(step(live, closed(4408, 'hello_timeout: no hello within 10000 ms')).state).toMatchObject({ error: { code: 'hello_timeout' } });
    expect(step(live, closed(4408, 'room_unknown')).state).toMatchObject({ error: { code: 'idle_timeout' } });
  });
});
