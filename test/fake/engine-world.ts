import { roomDdl } from '@alcove/core/schema/ddl';
import type { Database } from '@alcove/core/sqlite/database';
import { createHash } from 'node:crypto';
import initSqlJs from 'sql.js';
import { openSqljsDatabase, type SqljsDatabase } from '../../packages/client/src/replica/sqljs-database.ts';
import { createSyncEngine } from '../../packages/client/src/sync/sync-engine.ts';
import type { SyncEngineOptions } from '../../packages/client/src/sync/engine-interface.ts';
import { EnginePage } from './engine-page.ts';
import { FakeRuntime } from './fake-runtime.ts';
import { InProcessRoom, type InProcessRoomOptions } from './in-process-room.ts';
import { tasksRoom } from './tasks-room.ts';
import { VirtualTime } from './virtual-time.ts';

const sqlJs = await initSqlJs();

/** One room, several tabs, one time line. */
export class EngineWorld {
  readonly time = new VirtualTime();
  /** The room's. */
  readonly runtime = new FakeRuntime({ seed: 'room', time: this.time });
  readonly database: SqljsDatabase;
  readonly server: InProcessRoom;
  readonly pages: EnginePage[] = [];

  /** `backup`: what the room's database begins as. */
  constructor(options: Partial<InProcessRoomOptions> = {}, backup?: Uint8Array) {
    this.database = openSqljsDatabase(sqlJs, backup);
    this.server = new InProcessRoom({
      room: tasksRoom,
      database: this.database,
      runtime: this.runtime,
      ...options,
    });
  }

  tab(clientId: string, options: Partial<SyncEngineOptions> & { start?: boolean } = {}): EnginePage {
    const runtime = new FakeRuntime({ seed: clientId, time: this.time });
    const page = new EnginePage(runtime, clientId);
    const engine = createSyncEngine({
      runtime,
      room: tasksRoom,
      roomId: 'r1',
      clientId,
      groupId: `group-${clientId}`,
      url: 'ws://room',
      token: () => null,
      openDatabase: (image) => openSqljsDatabase(sqlJs, image ?? undefined),
      openSocket: this.server.openSocket,
      fetchImage: null,
      onNotices: (notices) => page.take(notices),
      ...options,
    });
    page.attach(engine);
    this.pages.push(page);
    if (options.start !== false) engine.start();
    return page;
  }

  /** Time until `holds`; fails after a virtual minute. */
  async until(holds: () => boolean, what: string, withinMs = 60_000): Promise<void> {
    for (let spent = 0; !holds(); spent += 10) {
      if (spent >= withinMs) throw new TypeError(`not within ${withinMs} ms: ${what}`);
      await this.time.advanceAsync(10);
    }
  }

  quiet(): Promise<void> {
    const isQuiet = (): boolean =>
      this.pages.every(({ status }) => status.connection === 'closed' || (status.replica === 'current' && status.pending === 0));
    return this.until(isQuiet, 'everything is settled everywhere');
  }

  close(): void {
    for (const page of this.pages) page.engine.close();
  }
}

/** The room's tables as an image, as hosts build it: row by row into a fresh file. */
export function imageOf(database: Database): { bytes: Uint8Array; sha256: string } {
  const fresh = openSqljsDatabase(sqlJs);
  for (const sql of roomDdl(tasksRoom.model, { serverOnly: false })) fresh.exec(sql);
  for (const { name, columns } of tasksRoom.model.tables) {
    const names = columns.filter((column) => column.generated === null).map((column) => column.name);
    const insert = fresh.prepare(`INSERT INTO ${name} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`);
    for (const row of database.prepare(`SELECT ${names.join(', ')} FROM ${name}`).all()) insert.run(row);
  }
  const bytes = fresh.exportImage();
  fresh.close();
  return { bytes, sha256: createHash('sha256').update(bytes).digest('hex') };
}
