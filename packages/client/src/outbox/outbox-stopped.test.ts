import type { Mutation } from '@alcove/core/mutation/mutation';
import type { MutationResult } from '@alcove/core/protocol/server-message';
import { describe, expect, it } from 'vitest';
import { Outbox } from './outbox.ts';

const limits = { outboxMutationsMax: 1_000, outboxBytesMax: 10_000, pushWindowMutationsMax: 10 };
const push = { mutationsMax: 4, bytesMax: 100, batchBytesMax: 100 };
const mutation = (mutationId: number): Mutation => ({ clientId: 'a', mutationId, name: 'add', args: null, seed: 's', nowMs: 1 });
const answered = (mutationId: number): MutationResult => ({ clientId: 'a', mutationId, status: 'applied', version: 49 });
const FORGOTTEN = { clients: [{ clientId: 'a', lastMutationId: 0, state: 'unknown' as const }], historyId: 'h', version: 50 };

function filled(count: number): Outbox {
  const outbox = new Outbox(limits);
  for (let id = 1; id <= count; id++) outbox.add(mutation(id), 1);
  return outbox;
}

const settledIds = (outbox: Outbox, version: number): number[] => outbox.settle(version).map((entry) => entry.mutation.mutationId);

describe('a client that is stopped', () => {
  it('[OB-19] what the room had answered of a client settles before its stop is told, and is not told with it', () => {
    const outbox = filled(3);
    outbox.nextPush(push, 0);
    outbox.takeResults([answered(1), answered(2)]);
    outbox.connectionLost();
    outbox.welcome(FORGOTTEN, false);
    expect(outbox.takeStopped()).toEqual([]);
    outbox.assertRoomFor(mutation(4), 1);
    outbox.add(mutation(4), 1);
    expect(outbox.nextPush(push, 0)).toBeNull();
    expect(settledIds(outbox, 50)).toEqual([1, 2]);
    expect(outbox.takeStopped()).toMatchObject([{ clientId: 'a', mutations: [mutation(3), mutation(4)] }]);
    expect(outbox.takeStopped()).toEqual([]);
    outbox.takeResults([answered(3), answered(4)]);
    expect(settledIds(outbox, 50)).toEqual([]);
    expect(outbox.discard('a')).toEqual([mutation(3), mutation(4)]);
  });

  it('[OB-19] a stop waits no longer for what was answered than its session lasts', () => {
    const outbox = filled(2);
    outbox.nextPush(push, 0);
    outbox.takeResults([answered(1)]);
    outbox.connectionLost();
    outbox.welcome(FORGOTTEN, false);
    outbox.connectionLost();
    expect(outbox.takeStopped()).toMatchObject([{ mutations: [mutation(1), mutation(2)] }]);
    expect(settledIds(outbox, 50)).toEqual([]);
  });
});
