import { AlcoveError } from '@alcove/core/error';
import pg, { type Pool, type PoolClient, type QueryResult } from 'pg';
import type { PgStatement } from '../../mirror/watermark.ts';
import { inTransaction } from './in-transaction.ts';

export interface MirrorConnectionOptions {
  readonly url: string;
  readonly prefix: string;
  /** Transactions at once. */
  readonly connections: number;
}

/** Runs a statement within a transaction. */
export type RunStatement = (statement: PgStatement) => Promise<QueryResult<Record<string, unknown>>>;

const CONNECT_TIMEOUT_MS = 5_000;
/** A statement moves some hundred rows. */
const STATEMENT_TIMEOUT_MS = 30_000;
/** Where PostgreSQL says nothing at all, not even that the statement took too long. */
const ANSWER_TIMEOUT_MS = STATEMENT_TIMEOUT_MS + 5_000;
/** Who has opened a transaction and gone is not waited for by those who want its rows. */
const IDLE_IN_TRANSACTION_MS = 60_000;

/**
 * A mirror's connections, from the first to the loss of any of them: then a new one is made of scratch. One connection holds a lock as long as it lives, so that nobody else writes under the prefix.
 */
export class MirrorConnection {
  readonly pool: Pool;
  readonly #lost: (cause: unknown) => void;
  #lock: PoolClient | null = null;

  private constructor(pool: Pool, lost: (cause: unknown) => void) {
    this.pool = pool;
    this.#lost = lost;
    pool.on('error', (error) => this.#lost(error));
    // One that is in use says so by itself: the pool listens to those that are not.
    pool.on('connect', (client) => client.on('error', (error) => this.#lost(error)));
  }

  /**
   * @param lost Called where a connection that nobody uses just now ends; perhaps more than once.
   * @throws AlcoveError `option_invalid` where somebody else writes under the prefix; what connecting fails with is thrown as it is
   */
  static async open(options: MirrorConnectionOptions, lost: (cause: unknown) => void): Promise<MirrorConnection> {
    const connection = new MirrorConnection(poolOf(options), lost);
    try {
      await connection.#takeLock(options.prefix);
      return connection;
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  /** All or nothing. Where COMMIT itself fails nobody knows which: whoever goes on reads the watermark again. */
  async transaction<Result>(run: (statement: RunStatement) => Promise<Result>, begin?: string): Promise<Result> {
    const work = (client: PoolClient): Promise<Result> =>
      run(({ text, values }) => client.query<Record<string, unknown>>(text, [...values]));
    return inTransaction(await this.pool.connect(), work, begin);
  }

  /** Ends all, whatever they do. */
  async close(): Promise<void> {
    this.#lock?.release(true);
    this.#lock = null;
    await this.pool.end().catch(() => undefined); // a connection that failed is closed as well
  }

  async #takeLock(prefix: string): Promise<void> {
    const client = await this.pool.connect();
    this.#lock = client;
    client.on('end', () => this.#lost(new AlcoveError('connection_lost', 'PostgreSQL ended the connection that holds the mirror’s lock')));
    const { rows } = await client.query<{ taken: boolean }>('SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS taken', [
      `${prefix} mirror`,
    ]);
    if (rows[0]?.taken === true) return;
    throw new AlcoveError('option_invalid', `mirror.prefix: another mirror writes under the prefix ${prefix} in this database`, {
      hint: 'Give each server a prefix of its own. After a crash PostgreSQL may take a while to notice that the other is gone; it is tried again by itself.',
    });
  }
}

const poolOf = ({ url, prefix, connections }: MirrorConnectionOptions): Pool =>
  new pg.Pool({
    connectionString: url,
    max: connections + 3, // one holds the lock, one compares, one sees to the rest
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    query_timeout: ANSWER_TIMEOUT_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    keepAlive: true,
    idleTimeoutMillis: 0,
    application_name: `mirror ${prefix}`,
  });
