import type { Server as HttpServer } from 'node:http';
import type { AnyRoom } from '@alcove/core/schema/define-room';
import type { RoomListOptions } from '../../room/room-directory.ts';
import type { RoomStats } from '../../room/room.ts';
import type { RoomHandle } from './room-handle.ts';

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
  /** Lets nobody in any more, writes what is unwritten, tells everybody to come again elsewhere, closes the files. Within `limits.drainTimeoutMs`. Idempotent. */
  close(): Promise<void>;
}

/** The rooms on disk. @throws AlcoveError `room_unknown` for a name that is none of the server's, `room_id_invalid`; what is wrong with a room's file. */
export interface ServerRooms {
  /** Ids in the order of their characters, 100 by default. */
  list(name: string, options?: RoomListOptions): Promise<readonly string[]>;
  /** Makes a room, seeded as a join would. @throws AlcoveError `room_exists` */
  create(name: string, id: string): Promise<void>;
  /** Ends its sessions and removes its files. False where there was none. */
  delete(name: string, id: string): Promise<boolean>;
  /** Opens a room that is there, if it is not open, and says how it is at this moment. */
  open(name: string, id: string): Promise<RoomStats>;
}
