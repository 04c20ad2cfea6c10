import type { Server as HttpServer } from 'node:http';
import type { AnyRoom } from '@alcove/core/schema/define-room';
import type { Claims } from '@alcove/core/schema/define-mutator';
import type { SessionFacts, SessionFilter } from '../../access/session-filter.ts';
import type { RoomListOptions } from '../../room/room-directory.ts';
import type { RoomStats } from '../../room/room.ts';
import type { ReplicaPools } from '../postgres/replica-pools.ts';
import type { RoomHandle } from './room-handle.ts';
import type { ServerMetrics } from './server-metrics.ts';
import type { ServerMirror } from './server-mirror.ts';

/** A running server; `createServer` makes it. */
export interface AlcoveServer<Rooms extends readonly AnyRoom[] = readonly AnyRoom[]> {
  /** Address of the socket for clients, e.g. `ws://127.0.0.1:8787/sync`. Without a port of its own: of the first server it was attached to, once that listens. */
  readonly url: string;
  /**
   * Lives inside an HTTP server of the app's: takes `path` (default: the one it was created with) and what is under it before the app's listeners, whenever they
   * were added, and leaves everything else to them. `close` detaches; the HTTP server stays the app's.
   */
  attach(server: HttpServer, options?: { readonly path?: string }): void;
  /**
   * A room for the server's own code, opened when it is used. By its definition it has that one's types; by name those of the server's only room, or what all
   * of its rooms have in common. @throws AlcoveError `room_unknown`, `room_id_invalid`
   */
  room<Room extends Rooms[number]>(definition: Room, id: string): RoomHandle<Room>;
  room(name: string, id: string): RoomHandle<Rooms[number]>;
  /** List, make, delete and look at rooms. */
  readonly rooms: ServerRooms;
  /** See and end the sessions of users. */
  readonly sessions: ServerSessions;
  /** The copy of the rooms in PostgreSQL, if the server has one. */
  readonly mirror: ServerMirror;
  /** Pools over the app's own PostgreSQL (option `databases`): reads from standbys, writes to the primary. @throws AlcoveError `option_invalid` where the server has none */
  readonly replicas: ReplicaPools;
  /** What this process does and which limits were met, at this moment. Costs little; for a page of figures that is fetched now and then. */
  metrics(): ServerMetrics;
  /** Lets nobody in any more, writes what is unwritten, tells everybody to come again elsewhere, closes the files. Within `limits.drainTimeoutMs`. Idempotent. */
  close(): Promise<void>;
}

/** The rooms on disk. @throws AlcoveError `room_unknown` for a name that is none of the server's, `room_id_invalid`; what is wrong with a room's file. */
export interface ServerRooms {
  /**
   * Ids in the order of their characters, 100 by default. With `user` those alone that `authorize` lets these claims see (`{ kind: 'list' }`, asked for each room):
   * as many as `limit`, where there are so many; who may see few of many rooms has `authorize` asked for all of them.
   */
  list(name: string, options?: RoomListOptions & OnBehalf): Promise<readonly string[]>;
  /**
   * Makes a room, seeded as a join would. With `user` only where `authorize` lets these claims make it (`{ kind: 'create' }`).
   * @throws AlcoveError `forbidden`, `room_exists`
   */
  create(name: string, id: string, options?: OnBehalf): Promise<void>;
  /** Ends its sessions and removes its files. False where there was none. */
  delete(name: string, id: string): Promise<boolean>;
  /** Opens a room that is there, if it is not open, and says how it is at this moment. */
  open(name: string, id: string): Promise<RoomStats>;
}

/** A call of the server's own code for a user, whose rights count. */
export interface OnBehalf {
  /** Claims as `authenticate` gives them; null: nobody's. Absent: the server's own call, for which no rights are asked. */
  readonly user?: Claims | null;
}

/** The sessions on this server. @throws AlcoveError `option_invalid` for a filter that names nothing, or has something undefined in it. */
export interface ServerSessions {
  list(filter: SessionFilter): Promise<readonly SessionFacts[]>;
  /**
   * Ends sessions, at once: a token was withdrawn, somebody was thrown out. What they pushed and was not run yet does not run; it stays pending in the tab. Who is just
   * being let in, and turns out to be one of them, is turned away. Resolves with how many there were.
   *
   * @param code `unauthenticated` (default): the client asks `auth` for a fresh token and comes again. `forbidden`: it stops. Neither keeps anybody out: that
   *   is for `authenticate` and `authorize` to do, before this is called.
   */
  end(filter: SessionFilter, code?: 'unauthenticated' | 'forbidden'): Promise<number>;
}
