import type { ErrorBody } from '@alcove/core/error';
import { describe, expect, it } from 'vitest';
import { body, closed, NOW, opened, run, SOCKET, step, token, told, welcome } from '../../../../test/fake/connection-steps.ts';
import { initialConnection, STABLE_MS, wakeAtMs } from './connection-state.ts';

const greeting = run(initialConnection, { type: 'start' }, token(), opened());
const live = run(greeting, welcome());

describe('a room that the server cannot open', () => {
  /** Each time refused before the welcome, after so many that were lost. */
  function slowWaits(code: ErrorBody['code'], count: number, random: number): number[] {
    const found: number[] = [];
    let state = run(initialConnection, { type: 'start' }, closed(1006));
    let now = wakeAtMs(state) ?? 0;
    for (let i = 0; i < count; i++) {
      state = step(state, { type: 'timer' }, now).state;
      const id = state.past.socketId;
      for (const input of [token(id), opened(id), told(body(code), id)]) state = step(state, input, now).state;
      state = step(state, closed(1011, code, id), now, random).state;
      expect(state).toMatchObject({ phase: 'waiting', error: { code } });
      const wake = wakeAtMs(state) ?? 0;
      found.push(wake - now);
      now = wake;
    }
    return found;
  }

  it.each(['schema_mismatch', 'migration_failed', 'file_damaged', 'file_foreign', 'history_lost'] as const)(
    '[CN-43] is asked for again after about 5 s, then more and more slowly, once a minute at last: %s',
    (code) => {
      expect(slowWaits(code, 6, 0.5)).toEqual([5_000, 10_000, 20_000, 40_000, 60_000, 60_000]);
      expect(slowWaits(code, 1, 0)).toEqual([3_750]);
      expect(slowWaits(code, 5, 0.999_999).at(-1)).toBe(74_999);
    },
  );

  it.each(['visible', 'online'] as const)('[CN-43] is asked for at once when the page is %s', (hint) => {
    const refused = step(run(greeting, told(body('schema_mismatch'))), closed(1011), NOW + 2_000).state;
    expect(wakeAtMs(refused)).toBe(NOW + 7_000);
    const looked = step(refused, { type: 'hint', hint }, NOW + 3_000).state;
    expect(step(looked, { type: 'timer' }, NOW + 3_000).effects).toMatchObject([{ type: 'askToken' }]);
  });

  it('[CN-43] begins with 5 s again after a session that lasted', () => {
    const refused = run(greeting, told(body('schema_mismatch')), closed(1011));
    const again = step(refused, { type: 'timer' }, wakeAtMs(refused) ?? 0).state;
    const id = again.past.socketId;
    const lasted = run(again, token(id), opened(id), welcome(id));
    const ended = step(step(lasted, told(body('file_damaged'), id)).state, closed(1011, '', id), NOW + STABLE_MS).state;
    expect(wakeAtMs(ended)).toBe(NOW + STABLE_MS + 5_000);
  });

  it('[CN-43] what this side finds by itself stops as before', () => {
    expect(step(live, { type: 'broken', socketId: SOCKET, error: body('schema_mismatch') }).state.phase).toBe('failed');
  });
});
