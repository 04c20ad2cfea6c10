import { createRequire } from 'node:module';
import { connect } from 'node:net';
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
const CANCEL_CODE = 80_877_102;
const CANCEL_TIMEOUT_MS = 1_000;
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
    this.#pool.on('release', (_, client) => {
      client.off('error', ignore);
      this.#lent.delete(client);
    });
  }

  /** To be given back by `release`; with `true` where its state is not known. @throws what pg throws */
  async take(): Promise<PoolClient> {
    if (this.#closing !== null) throw new AlcoveError('closed', 'the replica is closed');
    const client = await this.#pool.connect();
    // While it is in use its end is told to what runs on it.
    client.on('error', ignore);
    return client;
  }

  /** As pg's own pool does it: given back by the client's own `release`. @throws what pg throws */
  async lend(): Promise<PoolClient> {
    const client = await this.#pool.connect();
    this.#lent.add(client);
    // pg ends the process over a connection that breaks while nobody runs anything on it.
    client.on('error', ignore);
    return client;
  }

  release(client: PoolClient, isBroken: boolean): void {
    client.release(isBroken);
    if (isBroken) client.on('error', ignore); // what it still has to say is of no interest
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

/**
 * Asks the server to end what the client's session runs. It may come too late and end what runs next, so that a client must not be used again unless what was to end has ended by it.
 * Nothing is heard of a request that does not get through.
 */
export function cancelRunning(client: PoolClient): void {
  // pg keeps what the server told of the session in fields that its types leave out.
  const { processID, secretKey } = client as unknown as { readonly processID: number | null; readonly secretKey: number | null };
  if (processID === null || secretKey === null) return;
  const request = Buffer.alloc(16);
  for (const [index, word] of [16, CANCEL_CODE, processID].entries()) request.writeInt32BE(word, index * 4);
  request.writeInt32BE(secretKey, 12);
  const socket = client.host.startsWith('/') ? connect(`${client.host}/.s.PGSQL.${client.port}`) : connect(client.port, client.host);
  socket.setTimeout(CANCEL_TIMEOUT_MS, () => socket.destroy());
  socket.on('error', ignore);
  socket.on('connect', () => socket.end(request));
  socket.resume();
}

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
