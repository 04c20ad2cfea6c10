import { AlcoveError } from '@alcove/core/error';
import { expect, test } from 'vitest';
import { ANY_ROUTE } from '../../read/read-route.ts';
import { SEES_ALL } from '../../access/reader-class.ts';
import type { ReadAsked } from '../../room/room-ports.ts';
import { RoomReads } from './room-reads.ts';

const asked = (user: string): ReadAsked => ({
  query: null,
  dialect: 'sqlite',
  sql: 'SELECT 1',
  params: [],
  atLeast: null,
  historyId: 'h',
  route: ANY_ROUTE,
  reader: SEES_ALL,
  claims: null,
  user,
  waitMs: 0,
});

/** Reads whose app takes its time: none is settled before the test says so. */
function slowReads(userReadsMax: number) {
  const running: { readonly user: string; readonly isEnded: () => boolean; readonly settle: () => void }[] = [];
  const answers: string[] = [];
  const reads = new RoomReads(userReadsMax, {
    read: ({ user }, signal) =>
      new Promise((_, reject) => {
        const settle = (): void => reject(new AlcoveError('forbidden', 'no'));
        running.push({ user, isEnded: () => signal.aborted, settle });
      }),
    answer: (connectionId, request) => void answers.push(`${connectionId}/${request}`),
  });
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  return { reads, running, answers, turn };
}

test('[RD-14] what was taken back keeps its place until the app has decided: a user’s further reads wait', async () => {
  const { reads, running, answers, turn } = slowReads(2);
  for (let request = 0; request < 500; request++) {
    reads.begin('a', request, asked('mallory'));
    if (request < 499) reads.end('a', request);
  }
  reads.begin('b', 1, asked('ada'));
  await turn();
  expect(running.map(({ user, isEnded }) => [user, isEnded()])).toEqual([
    ['mallory', true],
    ['mallory', true],
    ['ada', false],
  ]);
  running[0]?.settle();
  await turn();
  expect(running.map(({ user, isEnded }) => [user, isEnded()]).slice(3)).toEqual([['mallory', false]]);
  expect(answers).toEqual([]);
  for (const { settle } of running) settle();
  await turn();
  expect(answers.toSorted()).toEqual(['a/499', 'b/1']);
  expect(running).toHaveLength(4);
});

test('[RD-6] the same number asked anew is answered once, by the later one', async () => {
  const { reads, running, answers, turn } = slowReads(1);
  reads.begin('a', 1, asked('ada'));
  await turn();
  reads.end('a', 1);
  reads.begin('a', 1, asked('ada'));
  running[0]?.settle();
  await turn();
  expect([running.length, answers]).toEqual([2, []]);
  running[1]?.settle();
  await turn();
  expect(answers).toEqual(['a/1']);
});

test('of a room that is closed nothing is begun or answered any more', async () => {
  const { reads, running, answers, turn } = slowReads(1);
  for (const request of [1, 2]) reads.begin('a', request, asked('ada'));
  await turn();
  reads.close();
  running[0]?.settle();
  await turn();
  expect([running.map(({ isEnded }) => isEnded()), answers]).toEqual([[true], []]);
});
