import { installCapture } from '@alcove/core/change/install-capture';
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

it('[ST-20] what was kept is shown once, also where a turn is granted the moment it is wished for', () => {
  const run = { room: tasksRoom, runtime: new FakeRuntime(), limits: { rowsMax: 10, statementsMax: 10, timeBudgetMs: 10 } };
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
  const made = openSqljsDatabase(sqlJs);
  for (const sql of roomDdl(model, { serverOnly: false })) made.exec(sql);
  installCapture(made, model);
  const position = { historyId: 'history', version: 3, hash: 'hash', view: 'all', schemaId: model.schemaId };
  const image = { position, bytes: made.exportImage(), sha256: '' };
  flow.restore(new RestoreReplica({ image, tail: [], tailBytes: 0 }, run, (bytes) => openSqljsDatabase(sqlJs, bytes)));
  flow.rebase();
  flow.rebase();
  expect(shown).toHaveLength(1);
  expect(shown[0]?.prepare('SELECT count(*) FROM lists').get()).toEqual([0]);
  expect(flow.position?.version).toBe(3);
  flow.close();
});
