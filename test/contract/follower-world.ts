import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BookmarkParts } from '@alcove/core/protocol/bookmark';
import { silentLogger } from '@alcove/core/runtime/logger';
import { type AlcoveFollower, type AlcoveServer, createFollower, createServer } from '@alcove/server/node';
import { sql } from 'drizzle-orm';
import { vi } from 'vitest';
import { RemoteReplica } from '../../packages/server/src/host/node/remote-replica.ts';
import { readRoom } from './read-room.ts';
import { sightOf } from './reader-pool-world.ts';
import type { ReplicaRoom, ReplicaWorld } from './replica-reads.ts';

const token = 'a-follower-token-of-this-suite';

/** A real server, a real follower of it, and the replica by which the one reads from the other. */
export class FollowerWorld implements ReplicaWorld {
  readonly replica: RemoteReplica;
  readonly sight = sightOf;
  readonly #directory: string;
  readonly #primary: AlcoveServer<readonly [typeof readRoom]>;
  readonly #follower: AlcoveFollower<readonly [typeof readRoom]>;
  #made = 0;

  static async open(): Promise<FollowerWorld> {
    const directory = mkdtempSync(join(tmpdir(), 'alcove-followed-'));
    const common = { rooms: [readRoom], port: 0, host: '127.0.0.1', log: silentLogger, limits: { readQueueMax: 100 } } as const;
    const primary = await createServer({
      ...common,
      dataDir: join(directory, 'primary'),
      followers: { token },
      signals: false,
      readers: 0,
    });
    const follower = await createFollower({ ...common, dataDir: join(directory, 'follower'), from: primary.url, token, readers: 2 });
    return new FollowerWorld(directory, primary, follower);
  }

  private constructor(
    directory: string,
    primary: AlcoveServer<readonly [typeof readRoom]>,
    follower: AlcoveFollower<readonly [typeof readRoom]>,
  ) {
    this.#directory = directory;
    this.#primary = primary;
    this.#follower = follower;
    this.replica = new RemoteReplica({ id: 'follower', url: follower.url, token });
  }

  async makeRoom(): Promise<ReplicaRoom> {
    this.#made += 1;
    const id = `r${this.#made}`;
    await this.#primary.rooms.create('read', id);
    const { historyId } = await this.#primary.rooms.open('read', id);
    await this.#isFollowed(id);
    const mutate = async (name: keyof typeof readRoom.mutators, args: unknown): Promise<BookmarkParts> => {
      const call = this.#primary.room(readRoom, id).mutate[name] as (given: unknown) => Promise<{ readonly version: number }>; // the suite's arguments fit
      const { version } = await call(args);
      return { historyId, version };
    };
    return { address: { name: 'read', id }, mutate };
  }

  /** It hears of a room within ten seconds, or when it is asked for it. */
  async #isFollowed(id: string): Promise<void> {
    const read = (): Promise<unknown> => this.#follower.room(readRoom, id).sql(sql`SELECT 1`, { at: 'any' });
    await vi.waitFor(read, { timeout: 30_000, interval: 100 });
  }

  readonly sqlOf = (text: string): string => text;

  async close(): Promise<void> {
    await this.replica.close();
    await this.#follower.close();
    await this.#primary.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
