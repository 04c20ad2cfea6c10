import { describe, expect, it } from 'vitest';
import { errorRateOf, type SyncFigures, syncReport } from './sync-figures.ts';

const figures = (id: string, given: Partial<SyncFigures> = {}): SyncFigures => ({
  room: 'board',
  id,
  state: 'live',
  version: 10,
  primaryVersion: 10,
  lagVersions: 0,
  lagMs: 0,
  lastSyncMs: 1_000,
  ageMs: 5,
  batches: 10,
  rows: 20,
  errors: 0,
  errorRate: 0,
  error: null,
  ...given,
});

describe('sync reports', () => {
  it('[RD-81] lists the worst rooms first, bounded, and adds up all of them', () => {
    const report = syncReport(
      [
        figures('well'),
        figures('also-well'),
        figures('behind', { lagMs: 900, lagVersions: 3, version: 7 }),
        figures('further', { lagMs: 1_000, lagVersions: 1, version: 9 }),
        figures('gone', { state: 'deleted', version: null }),
        figures('new', { state: 'syncing', version: null, batches: 0, rows: 0 }),
        figures('broken', { state: 'failing', errors: 30, errorRate: 0.75, error: { code: 'file_damaged', message: 'x' } }),
      ],
      5,
    );
    expect(report.rooms.map(({ id }) => id)).toEqual(['broken', 'new', 'further', 'behind', 'also-well']);
    expect(report.omitted).toBe(2);
    expect(report.totals).toEqual({
      rooms: 7,
      available: 5,
      healthy: 4,
      batches: 60,
      rows: 120,
      errors: 30,
      errorRate: 1 / 3,
      lagVersions: 3,
      lagMs: 1_000,
    });
  });

  it('[RD-81] adds nothing up to nothing', () => {
    expect(syncReport([])).toEqual({
      totals: { rooms: 0, available: 0, healthy: 0, batches: 0, rows: 0, errors: 0, errorRate: 0, lagVersions: 0, lagMs: 0 },
      rooms: [],
      omitted: 0,
    });
    expect(errorRateOf(0, 0)).toBe(0);
    expect(errorRateOf(3, 1)).toBe(0.25);
  });
});
