import { describe, expect, it } from 'vitest';
import { NOW, opened, run, SOCKET, step, token, welcome } from '../../../../test/fake/connection-steps.ts';
import { initialConnection, wakeAtMs } from './connection-state.ts';
import type { ConnectionState } from './connection-state.ts';
import { lifeOf } from './token-renewal.ts';

const liveFor = (expiresInMs: number | null): ConnectionState =>
  run(initialConnection, { type: 'start' }, token(), opened(), welcome(SOCKET, expiresInMs));
/** When the app is asked from here on, as long as nothing is heard but pongs. */
const askedAtMs = (from: ConnectionState, untilMs: number): number[] => {
  const asked: number[] = [];
  let state = from;
  for (let atMs = wakeAtMs(state); atMs !== null && atMs <= NOW + untilMs; atMs = wakeAtMs(state)) {
    const after = step(state, { type: 'timer' }, atMs);
    if (after.effects.some(({ type }) => type === 'askToken')) asked.push(atMs - NOW);
    state = step(after.state, { type: 'heard', socketId: SOCKET }, atMs).state;
  }
  return asked;
};

describe('a token that runs out', () => {
  it.each([
    [3_600_000, 3_540_000],
    [300_000, 270_000],
    [20_000, 15_000],
    [6_000, 3_000],
  ])('[CN-48] that is good for %i ms is asked for again after %i ms', (expiresInMs, askedMs) => {
    expect(askedAtMs(liveFor(expiresInMs), expiresInMs)[0]).toBe(askedMs);
  });

  it('[CN-48] is asked for again after half of what is left, ever more often, and no more in its last second', () => {
    expect(askedAtMs(liveFor(300_000), 400_000)).toEqual([270_000, 285_000, 292_500, 296_250, 298_125, 299_062.5]);
  });

  it('[CN-48] has a new end where the room accepted the next one, and none where that one has none', () => {
    const renewed = (expiresInMs: number | null) => run(liveFor(20_000), { type: 'renewed', socketId: SOCKET, expiresInMs });
    expect(askedAtMs(renewed(300_000), 280_000)).toEqual([270_000]);
    expect(askedAtMs(renewed(null), 1_000_000)).toEqual([]);
    expect(askedAtMs(liveFor(null), 1_000_000)).toEqual([]);
  });

  it('[CN-48] is not asked for by all pages at once, and never after its end', () => {
    const asks = [0, 0.25, 0.5, 0.999].map((random) => lifeOf(3_600_000, 0, random)?.askAtMs ?? 0);
    expect(new Set(asks).size).toBe(4);
    expect(asks.every((askMs) => askMs > 3_500_000 && askMs < 3_600_000)).toBe(true);
    for (const expiresInMs of [0, 1, 999]) expect(lifeOf(expiresInMs, 0, 0.5)?.askAtMs).toBeNull();
  });
});
