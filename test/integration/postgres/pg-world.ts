import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@alcove/core/runtime/logger';
import type { BookmarkParts } from '@alcove/core/protocol/bookmark';
import type { Claims } from '@alcove/core/schema/define-mutator';
import pg from 'pg';
import { classOf } from '../../../packages/server/src/access/reader-class.ts';
import { RowRules } from '../../../packages/server/src/access/row-rules.ts';
import { createNodeRuntime } from '../../../packages/server/src/host/node/node-runtime.ts';
import { openDatabase } from '../../../packages/server/src/host/node/open-database.ts';
import type { MirrorAccess } from '../../../packages/server/src/host/postgres/mirror-access.ts';
import { PgReplica, type PgReplicaOptions } from '../../../packages/server/src/host/postgres/pg-replica.ts';
import { provision } from '../../../packages/server/src/host/postgres/provision.ts';
import { MirrorNames } from '../../../packages/server/src/mirror/mirror-names.ts';
import { postgresSight } from '../../../packages/server/src/read/postgres-sight.ts';
import type { ReadSight } from '../../../packages/server/src/read/read-sight.ts';
import { readRoom } from '../../contract/read-room.ts';
import { FileRoom } from '../../contract/reader-pool-world.ts';
import type { ReplicaRoom, ReplicaWorld } from '../../contract/replica-contract.ts';
import { FakeRuntime } from '../../fake/fake-runtime.ts';
import type { PgNode } from './pg-node.ts';

const names = new MirrorNames('alcove');
const runtime = createNodeRuntime({ log: silentLogger });
const fake = new FakeRuntime();
/** Of all worlds on one cluster. */
let made = 0;

/** `?` as PostgreSQL numbers them. */
export const numbered = (text: string): string => {
  let count = 0;
  return text.replaceAll('?', () => `$${++count}`);
};

export const postgresSightOf = (claims: Claims): ReadSight =>
  postgresSight(readRoom.model, classOf(readRoom, claims, fake, new Uint8Array(32)), names.schemaOf(readRoom.name));

/** The address of a server of a cluster without user and password, as replicas may be named. */
export const bareUrl = ({ url }: PgNode): string => url.replace(/\/\/[^@]*@/, '//');

/** Rooms in SQLite files; each commit's rows are put into the mirror's tables of a real PostgreSQL, whole, and read from there by a PgReplica of one of its standbys. */
export class PgWorld implements ReplicaWorld {
  readonly replica: PgReplica;
  readonly access: MirrorAccess;
  readonly sight = postgresSightOf;
  readonly sqlOf = numbered;
  readonly #directory = mkdtempSync(join(tmpdir(), 'alcove-pg-rooms-'));
  readonly #rules = new RowRules(readRoom, openDatabase(':memory:'));
  readonly #pool: pg.Pool;
  readonly #rooms: MirroredRoom[] = [];

  static async open(primary: PgNode, read: PgNode, options: Partial<PgReplicaOptions> = {}): Promise<PgWorld> {
    const pool = new pg.Pool({ connectionString: primary.url, max: 2 });
    pool.on('error', () => undefined);
    const { access } = await provision(pool, { prefix: 'alcove', rooms: [readRoom], runtime });
    return new PgWorld(pool, access, read, options);
  }

  private constructor(pool: pg.Pool, access: MirrorAccess, read: PgNode, options: Partial<PgReplicaOptions>) {
    this.#pool = pool;
    this.access = access;
    this.replica = this.reader('standby', read, options);
  }

  /** Another reader of the same mirror. Whoever asks for it closes it. */
  reader(id: string, node: PgNode, options: Partial<PgReplicaOptions> = {}): PgReplica {
    return new PgReplica({
      id,
      url: bareUrl(node),
      runtime,
      access: this.access,
      modelOf: (name) => (name === readRoom.name ? readRoom.model : undefined),
      pool: 50,
      connectTimeoutMs: 2_000,
      statementTimeoutMs: 60_000,
      primary: () => Promise.resolve(null),
      ...options,
    });
  }

  async makeRoom(): Promise<MirroredRoom> {
    made += 1;
    const id = `r${made}`;
    const room = new MirroredRoom(new FileRoom(id, join(this.#directory, `${id}.sqlite`), this.#rules), this.#pool);
    this.#rooms.push(room);
    await room.copy(0);
    return room;
  }

  async close(): Promise<void> {
    await this.replica.close();
    for (const { room } of this.#rooms) room.database.close();
    this.#rules.close();
    await this.#pool.end();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

export class MirroredRoom implements ReplicaRoom {
  readonly room: FileRoom;
  readonly #pool: pg.Pool;

  constructor(room: FileRoom, pool: pg.Pool) {
    this.room = room;
    this.#pool = pool;
  }

  get address() {
    return this.room.address;
  }

  async mutate(name: string, args: unknown): Promise<BookmarkParts> {
    const at = await this.room.mutate(name, args);
    await this.copy(at.version);
    return at;
  }

  /** All rows of the room, in one transaction with its watermark. */
  async copy(version: number): Promise<void> {
    const client = await this.#pool.connect();
    const { name, id } = this.address;
    try {
      await client.query('BEGIN');
      for (const table of readRoom.model.tables.filter(({ serverOnly }) => !serverOnly)) {
        const into = names.tableOf(name, table.name);
        await client.query(`DELETE FROM ${into} WHERE room_id = $1`, [id]);
        const columns = table.columns.map((column) => `"${column.name}"`).join(', ');
        for (const row of this.room.database.prepare(`SELECT ${columns} FROM "${table.name}"`).all()) {
          const values = row.map((cell) => (cell instanceof Uint8Array ? Buffer.from(cell) : cell));
          const places = row.map((_, index) => `$${index + 2}`).join(', ');
          await client.query(`INSERT INTO ${into} (room_id, ${columns}) VALUES ($1, ${places})`, [id, ...values]);
        }
      }
      const mark = [name, id, this.room.historyId, version, readRoom.model.schemaId];
      await client.query(
        `INSERT INTO ${names.watermarks} (room, id, history_id, version, state, schema_id) VALUES ($1, $2, $3, $4, 'live', $5)
          ON CONFLICT (room, id) DO UPDATE SET history_id = $3, version = $4`,
        mark,
      );
      await client.query('COMMIT');
    } finally {
      client.release();
    }
  }
}
