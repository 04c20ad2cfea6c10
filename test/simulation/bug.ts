import type { Runtime } from '@alcove/core/runtime/runtime';
import type { Database } from '@alcove/core/sqlite/database';
import type { Socket } from '../../packages/client/src/connection/socket.ts';
import type { DeviceKeeping } from '../../packages/client/src/page/forget-places.ts';
import type { Gatekeeper } from '../../packages/server/src/access/front.ts';
import type { PageLocks } from '../../packages/client/src/page/room-locks.ts';
import type { EngineStorage } from '../../packages/client/src/sync/engine-storage.ts';
import type { Replica } from '../../packages/server/src/read/replica.ts';
import type { Prng } from '../fake/prng.ts';
import type { Frame } from './network/link.ts';
import type { MirrorSteps } from './reads/mirror-database.ts';

/**
 * A deliberate bug: what the product's code does is changed on its way through a border, so that the product itself holds no switches. Every part is optional. The simulation
 * must notice each of them; see bugs.ts.
 */
export interface Bug {
  readonly name: string;
  readonly what: string;
  /** The host says `durable` before the disk has it. */
  readonly tellsEarly?: boolean;
  /** Something happens to the room's file between two starts. */
  atRestart?(database: Database, random: Prng): void;
  roomDatabase?(database: Database, random: Prng): Database;
  /** Instead of sending a frame of the room. Answers undefined where it is sent as it is. */
  send?(sending: Sending, send: (frame: Frame) => void): 'done' | undefined;
  gatekeeper?(gatekeeper: Gatekeeper): Gatekeeper;
  /** A tab's database. */
  tabDatabase?(database: Database, random: Prng): Database;
  /** It takes tabs that keep their rooms. */
  readonly needsStorage?: boolean;
  /** It takes rules, or claims that change. */
  readonly needsAccess?: boolean;
  /** It takes reads on the server. */
  readonly needsReads?: boolean;
  /** It takes tabs at followers. */
  readonly needsRelay?: boolean;
  /** It takes a room whose whole folder is put back. */
  readonly needsRestores?: boolean;
  /** A replica as a server's router holds it. */
  replica?(replica: Replica, random: Prng): Replica;
  /** The file of a follower. */
  followerDatabase?(database: Database, random: Prng): Database;
  /** How a mirror writes a batch, in which transactions; what it answers with is written in another one, later. */
  mirrorOrder?(steps: MirrorSteps, transaction: (run: () => void) => void): (() => void) | null;
  /** A worker that takes the place of another does not know what that one showed. */
  readonly forgetsShown?: boolean;
  engineStorage?(storage: EngineStorage, random: Prng): EngineStorage;
  pageLocks?(locks: PageLocks): PageLocks;
  /** What a page does with the disk itself. */
  device?(device: DeviceKeeping): DeviceKeeping;
  /** Puts a mistake into the product's own code, which no border shows; what it answers with takes it out again. */
  put?(): () => void;
  /** A tab's socket. */
  socket?(socket: Socket, connecting: Connecting): Socket;
}

export interface Sending {
  readonly connectionId: string;
  readonly frame: Frame;
  readonly random: Prng;
  readonly runtime: Runtime;
}

export interface Connecting {
  /** Name of the engine's worker. */
  readonly worker: string;
  readonly random: Prng;
  readonly runtime: Runtime;
}
