import { insertRows } from '@alcove/core/change/apply';
import { applyWireChanges, rowsFromWire } from '@alcove/core/change/wire';
import { assert } from '@alcove/core/error';
import type { CommitMessage, ServerMessage, ServerMessageOf } from '@alcove/core/protocol/server-message';
import { roomDdl } from '@alcove/core/schema/ddl';
import type { Database } from '@alcove/core/sqlite/database';
import { openDatabase } from '../../packages/server/src/host/node/open-database.ts';
import { tripRoom } from './trip-room.ts';

/** A replica in the plainest form: applies what it is sent, and refuses what does not follow. */
export class PlainReplica {
  readonly database = openDatabase(':memory:');
  version = -1;
  hash = '';
  chunks = 0;
  expectedRows = 0;

  constructor() {
    this.database.setForeignKeys(false);
    for (const sql of roomDdl(tripRoom.model, { serverOnly: false })) this.database.exec(sql);
  }

  take(messages: readonly ServerMessage[]): void {
    for (const message of messages) {
      if (message.type === 'snapshotBegin') this.#begin(message);
      else if (message.type === 'snapshotRows') {
        assert(message.index === this.chunks, `chunk ${message.index} came for ${this.chunks}`);
        this.chunks += 1;
        insertRows(this.database, tripRoom.model, rowsFromWire(tripRoom.model, message.rows));
      } else if (message.type === 'snapshotEnd') {
        assert(
          message.chunks === this.chunks && message.rows === this.expectedRows,
          `the snapshot ends with ${message.rows} of ${this.expectedRows} rows`,
        );
      } else if (message.type === 'commit') this.#apply(message);
    }
  }

  rows(): unknown[] {
    return rowsOf(this.database);
  }

  #begin({ version, hash, tables }: ServerMessageOf<'snapshotBegin'>): void {
    for (const { table } of tables) this.database.exec(`DELETE FROM ${table}`);
    this.chunks = 0;
    this.expectedRows = tables.reduce((sum, { rows }) => sum + rows, 0);
    this.version = version;
    this.hash = hash;
  }

  #apply({ from, to, changes, hash }: CommitMessage): void {
    if (to <= this.version) return;
    assert(from <= this.version, `a commit from ${from} came at version ${this.version}`);
    applyWireChanges(this.database, tripRoom.model, changes);
    this.version = to;
    this.hash = hash;
  }
}

/** All rows that replicas of `tripRoom` hold. */
export const rowsOf = (database: Database): unknown[] =>
  ['stops', 'notes', 'alcove_values'].map((table) => database.prepare(`SELECT * FROM ${table} ORDER BY 1, 2`).all());
