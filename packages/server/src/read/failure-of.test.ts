import { AlcoveError, type ErrorCode } from '@alcove/core/error';
import { describe, expect, it, test } from 'vitest';
import { fleet, RoutedReads } from '../../../../test/fake/routed-reads.ts';
import { failureOf } from './failure-of.ts';
import { RoomUnavailable } from './room-unavailable.ts';

describe('[RD-97] what a read fails of', () => {
  it.each<[string, AlcoveError]>([
    ['statement', new AlcoveError('sql_failed', 'no such column: cost')],
    ['statement', new AlcoveError('query_timeout', 'too long')],
    ['elsewhere', new AlcoveError('read_behind', 'at 3')],
    ['elsewhere', new RoomUnavailable('it does not follow the room')],
    ['elsewhere', new AlcoveError('replica_unavailable', 'all are busy', { limit: 'readQueueMax' })],
    ['replica', new AlcoveError('replica_unavailable', 'it has said nothing', { limit: 'failoverTimeoutMs' })],
    ['replica', new AlcoveError('replica_unavailable', 'it refuses connections')],
    ['replica', new AlcoveError('internal', 'a bug')],
    ['replica', new AlcoveError('file_damaged', 'its copy is damaged')],
  ])('is %s: %s', (whose, error) => {
    expect(failureOf(error)).toBe(whose);
  });

  test('counts for the replica where it is the replica’s, and for nobody’s health where it is the text’s', async () => {
    const reads = new RoutedReads();
    reads.add({ id: 'a', refusals: 1 });
    await reads.runtime.advanceAsync(20);
    for (let index = 0; index < 40; index++) await reads.readNow();
    const [a] = reads.router.snapshot().replicas;
    const total = Object.values(a?.statementErrors ?? {}).reduce((sum, count) => sum + count, 0);
    expect([a?.errors, a?.lastError, total]).toEqual([{}, null, 40]);
    expect(Object.keys(a?.statementErrors ?? {}).toSorted()).toEqual<ErrorCode[]>([
      'query_timeout',
      'result_too_large',
      'sql_failed',
      'sql_refused',
    ]);
  });

  test('is passed on where the replica is behind', async () => {
    const { reads, a, of } = await fleet({ strategy: 'round-robin' });
    a.lagMs = 1_000;
    const version = reads.history.write();
    for (let index = 0; index < 4; index++) await reads.readNow({ version, room: `r${index}` });
    expect(of('a')).toMatchObject({ errors: {}, lastError: null, statementErrors: {} });
    expect(of('a')?.passedOn).toBeGreaterThan(0);
    a.fault = 'down';
    await reads.answerers(2);
    expect(of('a')).toMatchObject({ errors: { replica_unavailable: 1 }, lastError: { code: 'replica_unavailable' } });
  });
});
