import { assert } from '@alcove/core/error';
import type { Timer } from '@alcove/core/runtime/runtime';
import type { Database } from '@alcove/core/sqlite/database';
import type { ReadAsked } from '../../../packages/server/src/room/room-ports.ts';
import type { Room } from '../../../packages/server/src/room/room.ts';
import type { HostConnection } from '../../../packages/server/src/host/node/host-connection.ts';
import type { Frame, Link } from '../network/link.ts';
import type { Build } from '../world/builds.ts';
import type { SimProcess } from '../world/sim-process.ts';

/** A connection between its first frame and its end. */
export interface Guest {
  readonly connection: HostConnection;
  /** Null: it came through a follower, on the link of that. */
  readonly link: Link | null;
  /** Frames that came while the host found out who it is; null once it joined. */
  waiting: Frame[] | null;
  helloRead: boolean;
}

/** What the host does of the reads of its room's sessions; see RoomPorts. */
export interface HostedReads {
  begin(connectionId: string, request: number, asked: ReadAsked): void;
  end(connectionId: string, request: number): void;
  close(): void;
}

/** One life of the server's process: from opening the room's file to its end. */
export class Life {
  readonly process: SimProcess;
  readonly database: Database;
  readonly build: Build;
  readonly guests = new Map<string, Guest>();
  tick: { readonly atMs: number; readonly timer: Timer } | null = null;
  flushRequested = false;
  securing = false;
  /** Frames that still leave before the process dies in the middle of sending; null: it does not. */
  sendsLeft: number | null = null;
  over = false;
  /** Null only while the room is being opened. */
  opened: Room | null = null;
  /** Null: it answers no reads. */
  reads: HostedReads | null = null;

  constructor(process: SimProcess, database: Database, build: Build) {
    this.process = process;
    this.database = database;
    this.build = build;
  }

  /** Runs something in its process, unless it is over. */
  call(what: () => void): void {
    if (!this.over) this.process.enter(what);
  }

  get room(): Room {
    assert(this.opened !== null, 'the room is open');
    return this.opened;
  }
}
