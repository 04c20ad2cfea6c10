import type { Mutation } from '@alcove/core/mutation/mutation';
import { expect, it } from 'vitest';
import { FakeRuntime } from '../../../../test/fake/fake-runtime.ts';
import { tasksRoom } from '../../../../test/fake/tasks-room.ts';
import { Outbox } from '../outbox/outbox.ts';
import { ENGINE_LIMITS } from './engine-limits.ts';
import { runOptionsOf } from './run-options.ts';

const mutation = (clientId: string, mutationId: number): Mutation => ({
  clientId,
  mutationId,
  name: 'addList',
  args: null,
  seed: '',
  nowMs: 0,
});

it('[WK-50] skips what is condemned, and nothing else, also under the name it goes by after the room lost a tail', () => {
  const outbox = new Outbox(ENGINE_LIMITS);
  outbox.addClient({ clientId: 'me', confirmed: 5, welcomed: 1 });
  for (const mutationId of [6, 7, 8]) outbox.add(mutation('me', mutationId), 10);
  const condemned = [
    { clientId: 'me', mutationId: 7 },
    { clientId: 'sibling', mutationId: 1 },
  ];
  const { isSkipped } = runOptionsOf({ runtime: new FakeRuntime(), room: tasksRoom, condemned }, ENGINE_LIMITS, outbox);
  const skipped = () => [...outbox.pending(), mutation('sibling', 1), mutation('sibling', 2)].map((one) => isSkipped?.(one));
  expect(skipped()).toEqual([false, true, false, true, false]);
  const welcome = { historyId: 'another history', version: 3, clients: [{ clientId: 'me', lastMutationId: 2, state: 'known' as const }] };
  const rekeyed = outbox.welcome(welcome, true);
  expect(rekeyed).toMatchObject([{ clientId: 'me', offset: 5 }]);
  expect(outbox.pending().every(({ clientId }) => clientId === rekeyed[0]?.to)).toBe(true);
  expect(skipped()).toEqual([false, true, false, true, false]);
});
