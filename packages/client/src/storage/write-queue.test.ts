import { expect, it } from 'vitest';
import { clientOf, mutationOf } from '../../../../test/contract/storage-samples.ts';
import type { Advance, StoredRejection } from './storage.ts';
import { NO_PATIENCE, WriteQueue } from './write-queue.ts';

it('[ST-17] what failed under a name that its client lost meanwhile is not tried again under it', () => {
  const queue = new WriteQueue();
  queue.enqueue(clientOf('old'), mutationOf('old', 1), 0);
  const failing = queue.next(0, NO_PATIENCE);
  queue.rename([{ client: clientOf('new'), mutations: [mutationOf('new', 1)] }], [clientOf('old')]);
  if (failing !== null) queue.failed(failing);
  const written: unknown[] = [];
  for (let work = queue.next(0, NO_PATIENCE); work !== null; work = queue.next(0, NO_PATIENCE)) {
    written.push(work.type);
    queue.done();
  }
  expect(written).toEqual(['rename']);
});

it('[ST-17] counters that failed to be written do not bring back a client that goes by another name since', () => {
  const queue = new WriteQueue();
  queue.advance({ historyId: 'h', commits: [], clients: [clientOf('old'), clientOf('other')], rejections: [] }, 0);
  const failing = queue.next(0, NO_PATIENCE);
  queue.rename([{ client: clientOf('new'), mutations: [] }], [clientOf('old')]);
  if (failing !== null) queue.failed(failing);
  expect(queue.next(0, NO_PATIENCE)).toMatchObject({ type: 'rename' });
  queue.done();
  expect(queue.next(0, NO_PATIENCE)).toMatchObject({ type: 'advance', advance: { clients: [{ clientId: 'other' }] } });
});

it('[ST-77] what follows on mutations that were decided before they were written says that those ended, behind what of them was rejected', () => {
  const queue = new WriteQueue();
  const written = (): unknown[] => {
    const done: unknown[] = [];
    for (let work = queue.next(0, NO_PATIENCE); work !== null; work = queue.next(0, NO_PATIENCE)) {
      const { confirmed = 0 } = work.type === 'enqueue' ? work.client : {};
      done.push(work.type === 'enqueue' ? work.mutations.map(({ mutationId }) => `${mutationId} behind ${confirmed}`) : work.type);
      queue.done();
    }
    return done;
  };
  const rejectionOf = (id: number): StoredRejection => ({
    key: `a ${id}`,
    mutation: mutationOf('a', id),
    error: { code: 'forbidden', message: 'not that' },
    atMs: 1,
  });
  const endedAt = (confirmed: number, ...rejections: StoredRejection[]): Advance => ({
    historyId: 'h',
    commits: [],
    clients: [clientOf('a', { lastMutationId: confirmed, confirmed, confirmedAt: { historyId: 'h', version: 7 } })],
    rejections,
  });
  queue.enqueue(clientOf('a'), mutationOf('a', 3), 0);
  queue.advance(endedAt(3), 0);
  queue.enqueue(clientOf('a'), mutationOf('a', 4), 0);
  expect(written()).toEqual([['4 behind 3'], 'advance']);
  // Of what was on the disk when it ended the disk lacks nothing.
  queue.advance(endedAt(4), 0);
  queue.enqueue(clientOf('a'), mutationOf('a', 5), 0);
  expect(written()).toEqual([['5 behind 0'], 'advance']);
  queue.enqueue(clientOf('a'), mutationOf('a', 6), 0);
  queue.advance(endedAt(6, rejectionOf(6)), 0);
  queue.enqueue(clientOf('a'), mutationOf('a', 7), 0);
  expect(written()).toEqual(['advance', ['7 behind 0']]);
});

it('[ST-4] a client that is given up goes with what is listed of it, also where that has to be written once more', () => {
  const queue = new WriteQueue();
  const rejection: StoredRejection = {
    key: 'a 1',
    mutation: mutationOf('a', 1),
    error: { code: 'client_unknown', message: 'gone' },
    atMs: 1,
  };
  queue.advance({ historyId: '', commits: [], clients: [clientOf('a')], rejections: [rejection] }, 0);
  queue.removeClients([{ clientId: 'a', lastMutationId: 1 }], 0);
  const together = { type: 'advance', advance: { clients: [], rejections: [rejection] }, removed: [{ clientId: 'a', lastMutationId: 1 }] };
  const failing = queue.next(0, NO_PATIENCE);
  expect(failing).toMatchObject(together);
  if (failing !== null) queue.failed(failing);
  expect(queue.next(0, NO_PATIENCE)).toMatchObject(together);
  queue.done();
  expect(queue.isEmpty).toBe(true);
});
