import { describe, expect, it } from 'vitest';
import { roomsThatMet } from './server-metrics.ts';

const room = (id: string, limitsMet: Record<string, number>) => ({ address: { name: 'trip', id }, limitsMet });

describe('roomsThatMet', () => {
  it('[HO-36] names the rooms that met most limits, those first, 20 at most, and none that met none', () => {
    const quiet = [room('quiet', {}), room('some', { sessionsMax: 2, stateBytesMax: 1 })];
    const many = Array.from({ length: 30 }, (_, at) => room(`r${at}`, { stateBytesMax: at + 10 }));
    expect(roomsThatMet(quiet)).toEqual([{ room: 'trip', id: 'some', limitsMet: { sessionsMax: 2, stateBytesMax: 1 } }]);
    expect(roomsThatMet([...quiet, ...many]).map(({ id }) => id)).toEqual(Array.from({ length: 20 }, (_, at) => `r${29 - at}`));
  });
});
