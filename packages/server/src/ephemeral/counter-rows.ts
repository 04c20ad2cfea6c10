import type { Database } from '@alcove/core/sqlite/database';

/** A client whose counters are kept, and whom it belongs to. */
export interface CounterOwner {
  readonly clientId: string;
  readonly groupId: string;
  readonly subject: string;
}

/** What of a client's running total is part of the counter's row. */
export interface StoredTotal {
  readonly total: number;
  /** The client's offer that brought it. */
  readonly offer: number;
}

/** `alcove_counters`, see change-log/log-tables.ts. Rows go with their client. */
export class CounterRows {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  get(clientId: string, name: string, key: string): StoredTotal | null {
    const row = this.#database
      .prepare('SELECT total, offer FROM alcove_counters WHERE client_id = ? AND name = ? AND key = ?')
      .get([clientId, name, key]);
    return row === undefined ? null : { total: Number(row[0]), offer: Number(row[1]) };
  }

  put(clientId: string, name: string, key: string, { total, offer }: StoredTotal): void {
    this.#database
      .prepare(
        `INSERT INTO alcove_counters (client_id, name, key, total, offer) VALUES (?, ?, ?, ?, ?)
           ON CONFLICT (client_id, name, key) DO UPDATE SET total = excluded.total, offer = excluded.offer`,
      )
      .run([clientId, name, key, total, offer]);
  }
}
