import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BookmarkParts } from '@alcove/core/protocol/bookmark';
import { silentLogger } from '@alcove/core/runtime/logger';
import type { Claims } from '@alcove/core/schema/define-mutator';
import { type AlcoveServer, createServer } from '@alcove/server/node';
import { classOf } from '../../../packages/server/src/access/reader-class.ts';
import { createNodeRuntime } from '../../../packages/server/src/host/node/node-runtime.ts';
import { type MirrorAccess, mirrorAccess } from '../../../packages/server/src/host/postgres/mirror-access.ts';
import { PgReplica, type PgReplicaOptions } from '../../../packages/server/src/host/postgres/pg-replica.ts';
import { postgresSight } from '../../../packages/server/src/read/postgres-sight.ts';
import type { ReadSight } from '../../../packages/server/src/read/read-sight.ts';
import { readRoom } from '../../contract/read-room.ts';
import type { ReplicaRoom, ReplicaWorld } from '../../contract/replica-reads.ts';
import { FakeRuntime } from '../../fake/fake-runtime.ts';
import { type PgNode, until } from './pg-node.ts';

const runtime = createNodeRuntime({ log: silentLogger });
const fake = new FakeRuntime();
/** Of all worlds on one cluster: each has a prefix of its own. */
let made = 0;

/** `?` as PostgreSQL numbers them. */
export const numbered = (text: string): string => {
  let count = 0;
  return text.replaceAll('?', () => `$${++count}`);
};

/** The address of a server of a cluster without user and password, as replicas may be named. */
export const bareUrl = ({ url }: PgNode): string => url.replace(/\/\/[^@]*@/, '//');

/** A real server whose rooms are mirrored to a real primary, and the mirror as a PgReplica reads it from a standby. */
export class PgWorld implements ReplicaWorld {
  readonly replica: PgReplica;
  readonly access: MirrorAccess;
  readonly sqlOf = numbered;
  readonly #directory: string;
  readonly #server: AlcoveServer<readonly [typeof readRoom]>;
  #rooms = 0;

  static async open(primary: PgNode, read: PgNode, options: Partial<PgReplicaOptions> = {}): Promise<PgWorld> {
    made += 1;
    const prefix = `world${made}`;
    const directory = mkdtempSync(join(tmpdir(), 'alcove-pg-rooms-'));
    const server = await createServer({
      rooms: [readRoom],
      dataDir: directory,
      signals: false,
      readers: 0,
      log: silentLogger,
      mirror: { url: primary.url, prefix, batchMs: 5, checkIntervalMs: 0 },
    });
    const secret = await secretOf(primary, prefix);
    return new PgWorld(directory, server, mirrorAccess(prefix, secret, runtime), read, options);
  }

  private constructor(
    directory: string,
    server: AlcoveServer<readonly [typeof readRoom]>,
    access: MirrorAccess,
    read: PgNode,
    options: Partial<PgReplicaOptions>,
  ) {
    this.#directory = directory;
    this.#server = server;
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
      pool: 40,
      connectTimeoutMs: 2_000,
      statementTimeoutMs: 60_000,
      primary: () => Promise.resolve(null),
      resync: async ({ name, id: room }) => {
        await this.#server.mirror.resync(name, room);
        await this.#isThere({ name, id: room }); // a standby is a moment behind
      },
      ...options,
    });
  }

  readonly sight = (claims: Claims): ReadSight =>
    postgresSight(readRoom.model, classOf(readRoom, claims, fake, new Uint8Array(32)), `${this.access.prefix}_${readRoom.name}`);

  async makeRoom(): Promise<ReplicaRoom> {
    this.#rooms += 1;
    const id = `r${this.#rooms}`;
    await this.#server.rooms.create('read', id);
    const { historyId } = await this.#server.rooms.open('read', id);
    const address = { name: 'read', id };
    await this.#isThere(address);
    const mutate = async (name: keyof typeof readRoom.mutators, args: unknown): Promise<BookmarkParts> => {
      const call = this.#server.room(readRoom, id).mutate[name] as (given: unknown) => Promise<{ readonly version: number }>; // the suite's arguments fit
      const { version } = await call(args);
      return { historyId, version };
    };
    return { address, mutate };
  }

  #isThere(address: { readonly name: string; readonly id: string }): Promise<void> {
    return until(`the room ${address.id} to be there`, () =>
      this.replica.digest(address, new AbortController().signal).then(
        () => true,
        () => false,
      ),
    );
  }

  async close(): Promise<void> {
    await this.replica.close();
    await this.#server.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

async function secretOf(primary: PgNode, prefix: string): Promise<Uint8Array> {
  let secret: Uint8Array | undefined;
  await until(`the mirror ${prefix} to be made`, async () => {
    secret = await primary.query<{ secret: Uint8Array }>(`SELECT secret FROM ${prefix}.secret`).then(
      ([row]) => row?.secret,
      () => undefined,
    );
    return secret !== undefined;
  });
  return secret ?? new Uint8Array();
}
