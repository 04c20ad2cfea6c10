import type { AnyRoom } from '@alcove/core/schema/define-room';
import initSqlJs from 'sql.js';
import { Client } from '../../packages/client/src/client.ts';
import type { PageLocks } from '../../packages/client/src/page/room-locks.ts';
import { openSqljsDatabase } from '../../packages/client/src/replica/sqljs-database.ts';
import type { StoragePlace } from '../../packages/client/src/storage/storage.ts';
import { createSyncEngine } from '../../packages/client/src/sync/sync-engine.ts';
import { ThreadHost } from '../../packages/client/src/worker/thread-host.ts';
import type { EngineWorld } from './engine-world.ts';
import type { FakeBrowser } from './fake-browser.ts';
import { FakeRuntime } from './fake-runtime.ts';
import { OFFLINE } from './kept-tabs.ts';

const sqlJs = await initSqlJs();

export interface WholePageOptions<Room extends AnyRoom> {
  readonly world: EngineWorld;
  readonly browser: FakeBrowser;
  readonly room: Room;
  readonly place: StoragePlace;
  /** Without them a page takes over nothing that others left. */
  readonly locks?: PageLocks;
}

/** A whole page: its client and room, its engine in the same thread, a link that can be cut. */
export function wholePage<Room extends AnyRoom>(seed: string, { world, browser, room, place, locks }: WholePageOptions<Room>) {
  const runtime = new FakeRuntime({ seed, time: world.time });
  const link = { isUp: true };
  const host = new ThreadHost(async (request, handlers) =>
    createSyncEngine({
      ...request,
      runtime,
      room,
      token: handlers.token,
      openDatabase: (image) => openSqljsDatabase(sqlJs, image ?? undefined),
      openSocket: (url, on) => (link.isUp ? world.server.openSocket : OFFLINE.openSocket)(url, on),
      fetchImage: null,
      storage: browser.storageOf(runtime, place),
      onNotices: handlers.onNotices,
    }),
  );
  const { server: url, user } = place;
  const client = new Client({ url, ...(user === null ? {} : { user }) }, { runtime, host, ...(locks === undefined ? {} : { locks }) });
  return { client, room: client.room(room, place.roomId), link, runtime };
}
