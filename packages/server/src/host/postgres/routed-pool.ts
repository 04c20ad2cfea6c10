import { EventEmitter } from 'node:events';
import { AlcoveError } from '@alcove/core/error';
import type { Pool, PoolClient, QueryResult } from 'pg';

/** A statement as pg takes it: its text, or an object with it. */
export type PoolStatement = string | { readonly text: string };

export interface RoutedPoolPorts {
  /** Runs one statement where it belongs. @throws what PostgreSQL said; AlcoveError for what the router says */
  query(text: string, run: (client: PoolClient) => Promise<QueryResult>): Promise<QueryResult>;
  /** Of the primary. */
  connect(): Promise<PoolClient>;
}

/**
 * What pg's own Pool is to those who ask it: `query` and `connect`. Each statement by itself may go to another server, so a transaction takes a client from `connect`, which is the primary's. It is
 * ended by closing the pools it is of.
 */
export class RoutedPool extends EventEmitter {
  readonly #ports: RoutedPoolPorts;

  constructor(ports: RoutedPoolPorts) {
    super();
    this.#ports = ports;
  }

  /** As `pool.query` of pg, without callbacks. @throws AlcoveError (as rejection) `sql_refused` for cursors and streams, which need a client of their own */
  async query(statement: PoolStatement, values?: unknown[]): Promise<QueryResult> {
    const text = typeof statement === 'string' ? statement : statement?.text;
    if (typeof text !== 'string' || (typeof statement === 'object' && 'submit' in statement))
      throw new AlcoveError('sql_refused', 'a routed pool takes text, or an object with text', {
        hint: 'Take a client by connect() for cursors and streams.',
      });
    if (typeof values === 'function' || typeof arguments[2] === 'function')
      throw new AlcoveError('sql_refused', 'a routed pool answers by promises, not callbacks');
    return this.#ports.query(text, (client) => ask(client, statement, values));
  }

  connect(): Promise<PoolClient> {
    return this.#ports.connect();
  }

  /** Nothing: the connections are those of the pools that this one is of. */
  async end(): Promise<void> {}
}

/** As `client.query`, whose promises cost it as much as all of the routing does. @throws what pg throws, with the stack of whoever asked, as pg does it */
async function ask(client: PoolClient, statement: PoolStatement, values: unknown[] | undefined): Promise<QueryResult> {
  try {
    return await new Promise((resolve, reject) => {
      const told = (error: Error | null, result: QueryResult): void => (error === null ? resolve(result) : reject(error));
      client.query(statement as string, values as unknown[], told); // text or an object, values or none: pg's own overloads have no word for all of them
    });
  } catch (error) {
    if (error instanceof Error) Error.captureStackTrace(error);
    throw error;
  }
}

/** For who takes pg's Pool: Drizzle asks of it what a RoutedPool has, and its name to have "Pool" in it. */
export const asPool = (pool: RoutedPool): Pool => pool as unknown as Pool;
