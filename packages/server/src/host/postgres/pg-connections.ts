import { createRequire } from 'node:module';
import { AlcoveError } from '@alcove/core/error';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { ClientConfig, Pool, PoolClient } from 'pg';
import { sqlStateOf } from './read-failure.ts';

export interface PgConnectionOptions {
  readonly runtime: Runtime;
  /** Of PostgreSQL; user and password in it count unless `user` is given. */
  readonly url: string;
  readonly user?: { readonly user: string; readonly password: string } | undefined;
  /** Connections at once. */
  readonly max: number;
  /** For a free connection, or a new one. */
  readonly connectTimeoutMs: number;
  /** Set for each session; absent: what the server or the role has. */
  readonly statementTimeoutMs?: number;
}

/** Unused connections are given back to the server after it. */
const IDLE_MS = 30_000;
/** A server that is there lets somebody in within it, or says why not. */
const ALIVE_WITHIN_MS = 1_000;
/** Who has borrowed a connection and keeps it holds up no close. */
const GIVEN_BACK_WITHIN_MS = 1_000;
/** One answer holds for all who wonder. */
const ALIVE_FOR_MS = 500;

/** Only servers that name a PostgreSQL load the driver. */
export const loadPg = (): typeof import('pg') => createRequire(import.meta.url)('pg') as typeof import('pg'); // what its types say

/** Connections to one PostgreSQL, and the means to end what runs on one. */
export class PgConnections {
  readonly #pool: Pool;
  readonly #config: ClientConfig;
  readonly #runtime: Runtime;
  #alive: { readonly answer: Promise<boolean>; readonly sinceMs: number } | null = null;
  readonly #lent = new Set<PoolClient>();
  #closing: Promise<void> | null = null;

  constructor({ url, user, max, connectTimeoutMs, statementTimeoutMs, runtime }: PgConnectionOptions) {
    this.#runtime = runtime;
    this.#config = { connectionString: withUser(url, user), application_name: 'alcove' };
    const { Pool } = loadPg();
    this.#pool = new Pool({
      ...this.#config,
      max,
      connectionTimeoutMillis: connectTimeoutMs,
      idleTimeoutMillis: IDLE_MS,
      keepAlive: true,
      ...(statementTimeoutMs === undefined ? {} : { statement_timeout: statementTimeoutMs }),
    });
    // A connection that ended while nobody used it: the pool makes another one, and a read that cannot have one says so.
    this.#pool.on('error', ignore);
    // While it is in use its end is told to what runs on it; pg ends the process over one that breaks while nobody runs anything on it.
    this.#pool.on('connect', (client) => client.on('error', ignore));
    this.#pool.on('release', (_, client) => this.#lent.delete(client));
  }

  /** To be given back by `release`; with `true` where its state is not known. @throws what pg throws */
  async take(): Promise<PoolClient> {
    if (this.#closing !== null) throw new AlcoveError('closed', 'the replica is closed');
    return this.#pool.connect();
  }

  /** As pg's own pool does it: given back by the client's own `release`. @throws what pg throws */
  async lend(): Promise<PoolClient> {
    const client = await this.#pool.connect();
    this.#lent.add(client);
    return client;
  }

  release(client: PoolClient, isBroken: boolean): void {
    client.release(isBroken);
  }

  /** Whether the server lets anybody in just now, or at least says why not: one that stands still does neither. By a connection of its own. */
  isAlive(): Promise<boolean> {
    const nowMs = this.#runtime.monotonicMs();
    if (this.#alive === null || nowMs - this.#alive.sinceMs > ALIVE_FOR_MS) this.#alive = { answer: this.#looksAlive(), sinceMs: nowMs };
    return this.#alive.answer;
  }

  async #looksAlive(): Promise<boolean> {
    const { Client } = loadPg();
    const client = new Client({ ...this.#config, connectionTimeoutMillis: ALIVE_WITHIN_MS });
    client.on('error', ignore);
    try {
      await client.connect();
      void client.end().catch(ignore);
      return true;
    } catch (error) {
      return sqlStateOf(error) !== null;
    }
  }

  /** Ends when all are given back. Those that were lent are cut, and waited for no longer than who has one needs to notice. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#ended(this.#pool.end());
    return this.#closing;
  }

  async #ended(given: Promise<void>): Promise<void> {
    if (this.#lent.size === 0) return given;
    for (const client of this.#lent) cutConnection(client);
    await new Promise<void>((resolve) => {
      const timer = this.#runtime.setTimer(GIVEN_BACK_WITHIN_MS, resolve);
      void given.then(() => {
        timer.cancel();
        resolve();
      });
    });
  }
}

const ignore = (): void => undefined;

/** Cuts the connection. The server notices within `client_connection_check_interval`, also while a statement runs. */
export function cutConnection(client: PoolClient): void {
  client.connection.stream.destroy();
}

function withUser(url: string, user: PgConnectionOptions['user']): string {
  if (user === undefined) return url;
  const parsed = new URL(url);
  parsed.username = encodeURIComponent(user.user);
  parsed.password = encodeURIComponent(user.password);
  return parsed.href;
}
