import { AlcoveError } from '@alcove/core/error';
import type { AnyRoom } from '@alcove/core/schema/define-room';
import { DataDir } from './data-dir.ts';
import { lockDataDir } from './data-dir-lock.ts';
import { type FollowerOptions, resolveFollowerOptions } from './follower-options.ts';
import { type FollowedStatus, type FollowerMetrics, NodeFollower } from './node-follower.ts';
import { createNodeRuntime } from './node-runtime.ts';
import { ROOM_ID } from './room-file-name.ts';
import { createServerSql, type ServerSql } from './server-sql.ts';

/** A running follower; `createFollower` makes it. */
export interface AlcoveFollower<Rooms extends readonly AnyRoom[] = readonly AnyRoom[]> {
  /** Where reads are answered, for the `replicas` of a primary. @throws AlcoveError `option_invalid` without a port */
  readonly url: string;
  /** Reads of a followed room; `at: 'latest'` is the newest version that is here. Rules do not apply. */
  room<Room extends Rooms[number]>(definition: Room, id: string): { readonly sql: ServerSql<Room> };
  /** How each room is followed at this moment. */
  status(): readonly FollowedStatus[];
  /** Connections of tabs, sessions among them, and how often limits were met, by name. */
  metrics(): FollowerMetrics;
  /** Idempotent. */
  close(): Promise<void>;
}

/**
 * Starts a server that keeps copies of a primary's rooms in step and answers reads of them. It goes on from its disk after a stop, and reads while the primary is away.
 * @throws AlcoveError `option_invalid`, `data_dir_unwritable`, `data_dir_locked`, `port_in_use`, `sql_unavailable`; nothing is left running then.
 */
export const createFollower = async <const Rooms extends readonly AnyRoom[]>(
  options: FollowerOptions<Rooms>,
): Promise<AlcoveFollower<Rooms>> => {
  const resolved = resolveFollowerOptions(options);
  const dataDir = new DataDir(resolved.dataDir);
  dataDir.prepare([...resolved.rooms.keys()]);
  const lock = lockDataDir(dataDir.path);
  dataDir.clean();
  const follower = new NodeFollower(resolved, dataDir, createNodeRuntime({ log: resolved.log }));
  let closing: Promise<void> | null = null;
  const close = (): Promise<void> => {
    closing ??= follower.close().finally(() => lock.release());
    return closing;
  };
  try {
    await follower.start();
  } catch (error) {
    await close();
    throw error;
  }
  return {
    get url() {
      return follower.url;
    },
    room: (definition, id) => {
      if (resolved.rooms.get(definition.name) !== definition || !ROOM_ID.test(id))
        throw new AlcoveError('room_unknown', `this follower has no room ${definition.name}/${JSON.stringify(id)}`);
      return { sql: createServerSql(definition, (read) => follower.own(definition, { name: definition.name, id }, read)) };
    },
    status: () => follower.status,
    metrics: () => follower.metrics,
    close,
  };
};
