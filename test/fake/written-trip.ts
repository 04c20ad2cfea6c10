import type { Database } from '@alcove/core/sqlite/database';
import { openDatabase } from '../../packages/server/src/host/node/open-database.ts';
import type { RoomOptions } from '../../packages/server/src/room/room-options.ts';
import { DrivenRoom } from './driven-room.ts';
import { tripRoom } from './trip-room.ts';

type Limits = RoomOptions['limits'] & object;
/** Where a replica stands. */
export type Resume = { historyId: string; version: number; hash: string; view: string };

/** A trip's room in memory in which somebody, `w`, writes. */
export class WrittenTrip {
  database: Database = openDatabase(':memory:');
  driven: DrivenRoom = this.open();
  /** Mutations of `w` so far. */
  pushed = 0;

  constructor() {
    this.driven.join('w');
  }

  /** The room as another host would open it. */
  open(limits?: Limits): DrivenRoom {
    return new DrivenRoom({ room: tripRoom, database: this.database, ...(limits === undefined ? {} : { options: { limits } }) });
  }

  /** Opens it anew, with these limits. */
  bounded(limits: Limits): void {
    this.driven = this.open(limits);
    this.driven.join('w');
  }

  /** One version; what `w` hears of it is taken. */
  commit(name = 'addStop', args: unknown = stop(`s${this.pushed + 1}`)): void {
    this.pushed += 1;
    this.driven.push('w', this.pushed, name, args);
    this.driven.take('w');
  }

  commits(count: number): void {
    for (let index = 0; index < count; index++) this.commit();
  }

  /** Where a replica that has everything stands. */
  point(): Resume {
    const { historyId, version, hash } = this.driven.room.head;
    return { historyId, version, hash: hash ?? '', view: `all.${tripRoom.model.schemaId.slice(0, 32)}` };
  }

  close(): void {
    this.database.close();
  }
}

export const stop = (id: string): object => ({ id, city: `city ${id}` });
