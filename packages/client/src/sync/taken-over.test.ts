import type { Mutation } from '@alcove/core/mutation/mutation';
import { expect, it } from 'vitest';
import { nameUnder } from '../outbox/client-names.ts';
import { Outbox } from '../outbox/outbox.ts';
import type { StoredOutbox } from '../storage/storage.ts';
import { TakenOver } from './taken-over.ts';

const HISTORY = 'history2-0123456789';
const RENAMED = nameUnder(HISTORY, 'a');

const mutationOf = (clientId: string, mutationId: number): Mutation => ({
  clientId,
  mutationId,
  name: 'addStop',
  args: null,
  seed: '',
  nowMs: 0,
});

/** A client's row with what is pending of it. */
function diskOf(clientId: string, confirmed: number, lastMutationId: number): StoredOutbox {
  const row = { clientId, lastMutationId, confirmed, confirmedAt: null, welcomed: 1, seenAtMs: 0 };
  const ids = Array.from({ length: lastMutationId - confirmed }, (_, index) => confirmed + index + 1);
  return { clients: [row], mutations: ids.map((id) => ({ ...mutationOf(clientId, id), schemaId: 's' })) };
}

/** An engine that took this client over, with mutations 6 to 8 pending. */
function heirOf(clientId: string) {
  const outbox = new Outbox({ outboxMutationsMax: 100, outboxBytesMax: 1_000, pushWindowMutationsMax: 10 });
  outbox.addClient({ clientId, confirmed: 5, welcomed: 1 });
  for (const id of [6, 7, 8]) outbox.add(mutationOf(clientId, id), 1);
  const told: string[] = [];
  const takenOver = new TakenOver({
    outbox,
    onLate: (client, mutations) => told.push(`late ${client.clientId} ${mutations.map(({ mutationId }) => mutationId).join(' ')}`),
    onDone: (clients) => told.push(`done ${clients.map((client) => `${client.clientId} ${client.lastMutationId}`).join(', ')}`),
  });
  takenOver.add(['a']);
  const saw = (disk: StoredOutbox): string[] => {
    takenOver.saw(disk);
    return told.splice(0);
  };
  return { outbox, saw };
}

it('[TB-22] a newer name that comes to the disk late is left there until the client goes by it here, too; what is more of it is taken over then', () => {
  const { outbox, saw } = heirOf('a');
  expect(outbox.has(RENAMED)).toBe(true);
  expect(saw(diskOf(RENAMED, 0, 4))).toEqual([]);
  const room = { clients: [{ clientId: 'a', lastMutationId: 3, state: 'known' as const }], historyId: HISTORY, version: 9 };
  expect(outbox.welcome(room, true).map(({ to }) => to)).toEqual([RENAMED]);
  expect(saw(diskOf(RENAMED, 0, 4))).toEqual([`late ${RENAMED} 4`]);
});

it('[TB-22] or until all of the client has ended here', () => {
  const { outbox, saw } = heirOf('a');
  outbox.takeResults([{ clientId: 'a', mutationId: 8, status: 'duplicate', version: 4 }]);
  expect(outbox.settle(4)).toHaveLength(3);
  expect(saw(diskOf(RENAMED, 0, 3))).toEqual([`done ${RENAMED} 3`]);
});

it('[TB-22] an older name leaves the disk: all of it has gone on', () => {
  const { outbox, saw } = heirOf(RENAMED);
  expect([outbox.has('a'), outbox.has('b')]).toEqual([true, false]);
  expect(saw(diskOf('a', 5, 8))).toEqual(['done a 8']);
});
