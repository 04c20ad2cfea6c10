import { expect, it } from 'vitest';
import { clientOf, mutationOf } from '../../../../test/contract/storage-samples.ts';
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
