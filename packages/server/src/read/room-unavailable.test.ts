import { AlcoveError } from '@alcove/core/error';
import { expect, test } from 'vitest';
import { fleet } from '../../../../test/fake/routed-reads.ts';
import { RoomUnavailable } from './room-unavailable.ts';

const LACKING = 'SELECT 2';
const failuresOf = async (error: AlcoveError, count: number) => {
  const world = await fleet({ strategy: 'round-robin' });
  const { a, reads } = world;
  const answer = a.read.bind(a);
  let failures = 0;
  a.read = (request, signal) => {
    if (request.sql !== LACKING) return answer(request, signal);
    failures += 1;
    return Promise.reject(error);
  };
  const checksBefore = a.checks;
  for (let index = 0; index < count; index++) expect((await reads.readNow({ sql: LACKING })).code).toBe(null);
  return { ...world, failures, checks: a.checks - checksBefore };
};
const breakers = (replica: object | undefined) => JSON.stringify(replica);

test('[RD-39] a room that a replica does not have is read elsewhere, and other rooms there as before', async () => {
  const { a, reads, of, failures, checks } = await failuresOf(new RoomUnavailable('it is not followed here'), 20);
  expect(failures).toBeGreaterThanOrEqual(10);
  expect(checks).toBe(0);
  expect(breakers(of('a'))).not.toContain('open');
  expect(of('a')).toMatchObject({ isUp: true });
  const before = a.reads;
  expect(await reads.answerers(4)).toEqual(expect.arrayContaining(['a', 'b']));
  expect(a.reads).toBeGreaterThan(before);
});

test('[RD-39] nor is it held against a replica that it has too much to do; any other failure is', async () => {
  const busy = await failuresOf(new AlcoveError('replica_unavailable', 'all are busy', { limit: 'readQueueMax' }), 20);
  expect(breakers(busy.of('a'))).not.toContain('open');
  const broken = await failuresOf(new AlcoveError('replica_unavailable', 'it broke'), 20);
  expect(broken.failures).toBe(5);
  expect(breakers(broken.of('a'))).toContain('open');
});
