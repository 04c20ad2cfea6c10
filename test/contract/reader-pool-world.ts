import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BookmarkParts } from '@alcove/core/protocol/bookmark';
import { silentLogger } from '@alcove/core/runtime/logger';
import type { Claims } from '@alcove/core/schema/define-mutator';
import type { Database } from '@alcove/core/sqlite/database';
import { classOf } from '../../packages/server/src/access/reader-class.ts';
import { RowRules } from '../../packages/server/src/access/row-rules.ts';
import { createNodeRuntime } from '../../packages/server/src/host/node/node-runtime.ts';
import { openDatabase } from '../../packages/server/src/host/node/open-database.ts';
import { ReaderPool, type ReaderPoolOptions } from '../../packages/server/src/host/node/reader-pool.ts';
import { type ReadSight, readSight } from '../../packages/server/src/read/read-sight.ts';
import { digestTables } from '../../packages/server/src/read/room-digest.ts';
import { DrivenRoom } from '../fake/driven-room.ts';
import { FakeRuntime } from '../fake/fake-runtime.ts';
import { readRoom } from './read-room.ts';
import type { ReplicaRoom, ReplicaWorld } from './replica-reads.ts';

const MB = 1_000_000;

/** Real rooms over real files, and reader processes on them. */
export class ReaderPoolWorld implements ReplicaWorld {
  readonly directory = mkdtempSync(join(tmpdir(), "alcove-readers'-"));
  readonly rules = new RowRules(readRoom, openDatabase(':memory:'));
  readonly replica: ReaderPool;
  readonly #rooms = new Map<string, FileRoom>();

  constructor(options: Partial<ReaderPoolOptions> = {}) {
    this.replica = new ReaderPool({
      runtime: createNodeRuntime({ log: silentLogger }),
      fileOf: ({ id }) => this.#rooms.get(id)?.path ?? null,
      tablesOf: () => digestTables(readRoom.model),
      readersMax: 2,
      queueMax: 100,
      queueTimeoutMs: 15_000,
      idleMs: 60_000,
      valueBytesMax: MB,
      heapBytesMax: 100 * MB,
      ...options,
    });
  }

  async makeRoom(): Promise<FileRoom> {
    const id = `r${this.#rooms.size}`;
    const room = new FileRoom(id, join(this.directory, `${id}.sqlite`), this.rules);
    this.#rooms.set(id, room);
    return room;
  }

  readonly sight = sightOf;

  readonly sqlOf = (text: string): string => text;

  async close(): Promise<void> {
    await this.replica.close();
    for (const room of this.#rooms.values()) room.database.close();
    this.rules.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

const runtime = new FakeRuntime();
export const sightOf = (claims: Claims): ReadSight => readSight(readRoom.model, classOf(readRoom, claims, runtime, new Uint8Array(32)));

/** Rooms of this process so far: each has its own history. */
let made = 0;

export class FileRoom implements ReplicaRoom {
  readonly address: { readonly name: string; readonly id: string };
  readonly path: string;
  readonly #rules: RowRules;
  database: Database;
  #driven: DrivenRoom;

  constructor(id: string, path: string, rules: RowRules) {
    this.address = { name: 'read', id };
    this.path = path;
    this.#rules = rules;
    this.database = openDatabase(path);
    this.#driven = this.#open();
  }

  async mutate(name: string, args: unknown): Promise<BookmarkParts> {
    const done = this.#driven.room.mutate({ name, args, user: null });
    this.#driven.flush();
    const { version } = await done;
    return { historyId: this.historyId, version };
  }

  get historyId(): string {
    return String(this.database.prepare("SELECT value FROM alcove_meta WHERE name = 'historyId'").get()?.[0]);
  }

  remove(): void {
    this.database.close();
    for (const ending of ['', '-wal', '-shm']) rmSync(this.path + ending, { force: true });
  }

  /** Another room at the same path. */
  remake(): void {
    this.remove();
    this.database = openDatabase(this.path);
    this.#driven = this.#open();
  }

  #open(): DrivenRoom {
    made += 1;
    return new DrivenRoom({
      room: readRoom,
      database: this.database,
      runtime: new FakeRuntime({ seed: `room ${made}` }),
      rules: this.#rules,
    });
  }
}
