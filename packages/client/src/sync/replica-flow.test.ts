import { installCapture } from '@alcove/core/change/install-capture';
import type { WelcomeMessage } from '@alcove/core/protocol/server-message';
import { roomDdl } from '@alcove/core/schema/ddl';
import type { Database } from '@alcove/core/sqlite/database';
import initSqlJs from 'sql.js';
import { expect, it } from 'vitest';
import { FakeRuntime } from '../../../../test/fake/fake-runtime.ts';
import { tasksRoom } from '../../../../test/fake/tasks-room.ts';
import { Outbox } from '../outbox/outbox.ts';
import { RestoreReplica } from '../replica/restore-replica.ts';
import { openSqljsDatabase } from '../replica/sqljs-database.ts';
import { SiblingMutations } from '../tabs/sibling-mutations.ts';
import { ReplicaFlow } from './replica-flow.ts';

const sqlJs = await initSqlJs();
const { model } = tasksRoom;

const run = { room: tasksRoom, runtime: new FakeRuntime(), limits: { rowsMax: 10, statementsMax: 10, timeBudgetMs: 10 } };
const position = { historyId: 'history', version: 3, hash: 'hash', view: 'all', schemaId: model.schemaId };

/** A flow, and what it has shown. Every wish for a turn is granted at once. */
function openFlow(): { readonly flow: ReplicaFlow; readonly shown: readonly Database[] } {
  const shown: Database[] = [];
  const flow: ReplicaFlow = new ReplicaFlow({
    ...run,
    outbox: new Outbox({ outboxMutationsMax: 10, outboxBytesMax: 1_000, pushWindowMutationsMax: 10 }),
    siblings: new SiblingMutations(),
    fetchImage: null,
    imageStallMs: 1_000,
    shownBefore: null,
    openDatabase: (image) => openSqljsDatabase(sqlJs, image ?? undefined),
    send: () => false,
    breakOff: () => undefined,
    wake: () => flow.rebase(),
    onChanges: () => undefined,
    onShown: (database) => void shown.push(database),
    onSettled: () => undefined,
    onProgress: () => undefined,
    onSnapshot: (database) => database,
  });
  return { flow, shown };
}

/** An empty room, as a disk has it. */
function keptReplica(): RestoreReplica {
  const made = openSqljsDatabase(sqlJs);
  for (const sql of roomDdl(model, { serverOnly: false })) made.exec(sql);
  installCapture(made, model);
  const image = { position, bytes: made.exportImage(), sha256: '' };
  return new RestoreReplica({ image, tail: [], tailBytes: 0 }, run, (bytes) => openSqljsDatabase(sqlJs, bytes));
}

it('[ST-20] what was kept is shown once, also where a turn is granted the moment it is wished for', () => {
  const { flow, shown } = openFlow();
  flow.restore(keptReplica());
  flow.rebase();
  flow.rebase();
  expect(shown).toHaveLength(1);
  expect(shown[0]?.prepare('SELECT count(*) FROM lists').get()).toEqual([0]);
  expect(flow.position?.version).toBe(3);
  flow.close();
});

it.each([
  ['all', 1],
  ['others', 0],
])('[ST-35] what comes late from the disk is shown where the room has said that this reader may see %s: %i times', (view, times) => {
  const { flow, shown } = openFlow();
  const welcome = { hydration: view === 'all' ? 'floor' : 'view', image: null, view, version: 5, schema: model.schemaId };
  flow.welcome(welcome as WelcomeMessage); // the part of it that is looked at
  flow.restore(keptReplica());
  expect(shown).toHaveLength(times);
  flow.rehydrate({ type: 'rehydrate', reason: 'view', view: 'nothing', image: null });
  flow.restore(keptReplica());
  expect(shown).toHaveLength(times);
  flow.close();
});
