import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@alcove/client/node';
import { counter, defineRoom, mutator, value } from '@alcove/core';
import { AlcoveError } from '@alcove/core/error';
import { type AlcoveServer, createFollower, createServer, type FollowerOptions, type ServerOptions } from '@alcove/server/node';
import { eq, sql } from 'drizzle-orm';
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import * as v from 'valibot';
import { CollectingLogger } from '../fake/collecting-logger.ts';

export const stops = sqliteTable('stops', { id: text().primaryKey(), city: text().notNull(), count: integer().notNull().default(0) });

/** A room with something of everything that goes over a follower. */
export const trip = defineRoom({
  name: 'trip',
  schema: { stops },
  mutators: {
    add: mutator(v.object({ id: v.string(), city: v.string() }), (tx, stop, ctx) => {
      if (stop.city === 'Atlantis' && ctx.isServer) throw new AlcoveError('forbidden', 'there is no such city');
      tx.insert(stops).values(stop).run();
    }),
    fill: mutator(v.object({ prefix: v.string(), count: v.number() }), (tx, { prefix, count }) => {
      for (let at = 0; at < count; at += 1)
        tx.insert(stops)
          .values({ id: `${prefix}${at}`, city: `city ${at} of ${prefix}` })
          .run();
    }),
    bump: mutator(v.object({ id: v.string() }), (tx, { id }) => {
      tx.update(stops)
        .set({ count: sql`${stops.count} + 1` })
        .where(eq(stops.id, id))
        .run();
    }),
  },
  queries: {},
  presence: v.object({ name: v.string() }),
  cursor: v.object({ x: v.number(), y: v.number() }),
  values: { budget: value(v.number(), { intervalMs: 50 }), likes: counter({ intervalMs: 50 }) },
  ephemeral: { typing: v.boolean() },
});

export const token = 'a-follower-token-of-this-test';
export { eventually as until } from '../fake/eventually.ts';

type Trip = readonly [typeof trip];
type Follower = Awaited<ReturnType<typeof createFollower<Trip>>>;

/** A primary, followers of it, and clients; all gone when the test ends. */
export class RelayWorld {
  readonly log = new CollectingLogger();
  readonly #ends: (() => void | Promise<void>)[] = [];
  readonly #directories: string[] = [];

  directory(): string {
    const directory = mkdtempSync(join(tmpdir(), 'alcove-relay-'));
    this.#directories.push(directory);
    return directory;
  }

  async primary(options: Partial<ServerOptions<Trip>> = {}): Promise<AlcoveServer<Trip>> {
    const dataDir = options.dataDir ?? this.directory();
    // A busy machine must not turn a long mutation into a rejected one.
    const limits = { mutatorTimeBudgetMs: 60_000, ...options.limits };
    const common = { rooms: [trip], port: 0, signals: false, log: this.log, followers: { token } } as const;
    const server = await createServer({ ...common, ...options, dataDir, limits });
    this.#ends.push(() => server.close());
    return server;
  }

  async follower(from: string, options: Partial<FollowerOptions<Trip>> = {}): Promise<Follower> {
    const dataDir = options.dataDir ?? this.directory();
    const follower = await createFollower({ rooms: [trip], from, token, port: 0, readers: 1, log: this.log, ...options, dataDir });
    this.#ends.push(() => follower.close());
    return follower;
  }

  client(url: string, more: { auth?: () => string } = {}): ReturnType<typeof createClient> {
    const client = createClient({ url, rooms: [trip], ...more });
    this.#ends.push(() => client.close());
    return client;
  }

  onEnd(end: () => void | Promise<void>): void {
    this.#ends.push(end);
  }

  async end(): Promise<void> {
    for (const end of this.#ends.splice(0).reverse()) await end();
    for (const directory of this.#directories.splice(0)) rmSync(directory, { recursive: true, force: true });
  }
}
