import type { ErrorCode } from '@alcove/core/error';
import { isErrorCode } from '@alcove/core/error';
import type { Database, Row } from '@alcove/core/sqlite/database';
import type { MetaTable } from '../change-log/room-meta.ts';

/** What a room remembers of a client, from its first push until `bye` or long silence. */
export interface ClientRow {
  readonly clientId: string;
  /** The client group it belongs to for good; only sessions of the group push for it. */
  readonly groupId: string;
  /** Who it belongs to, see `subjectOf`. */
  readonly subject: string;
  /** Highest mutationId handled, applied or finally rejected. 0: none, the row is there for its counters. */
  readonly lastMutationId: number;
  readonly lastVersion: number;
  /** Version that stored it; its first welcome was at a lower one. */
  readonly firstVersion: number;
}

export interface Rejection {
  readonly mutationId: number;
  readonly version: number;
  readonly code: ErrorCode;
  readonly message: string;
}

/** How many rows of a kind are kept, and how long after their last sign of life. */
export interface Retention {
  readonly rowsMax: number;
  readonly ageMsMax: number;
}

/** How much older than the last sign of life the stored one may be: a thirtieth of what it is kept, a day by default. */
export const slackMs = ({ ageMsMax }: Retention): number => ageMsMax / 30;

/** Group and subject of the rows that stand for idempotency keys; no session has it. */
export const SERVER_GROUP = '$server';

/** The client that an idempotency key of the server's own calls is kept as. */
export const keyClientId = (idempotencyKey: string): string => `$key:${idempotencyKey}`;

/** Which rows of `alcove_clients`, in the words of its partial indexes. */
const KINDS = { clients: `group_id <> '${SERVER_GROUP}'`, keys: `group_id = '${SERVER_GROUP}'` } as const;

/** Rows forgotten in one transaction; the rest at the next housekeeping. */
const FORGET_ROWS_MAX = 1_000;

interface SilentRow {
  readonly clientId: string;
  readonly groupId: string;
  readonly firstVersion: number;
  readonly seenMs: number;
}

const CLIENT = 'client_id, group_id, subject, last_mutation_id, last_version, first_version';

/**
 * `alcove_clients`, `alcove_rejections` and `alcove_counters`. Writes belong inside the transaction whose effects they name; nothing is cached, so
 * a transaction that fails leaves nothing to undo.
 */
export class ClientRows {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  get(clientId: string): ClientRow | null {
    const row = this.#database.prepare(`SELECT ${CLIENT} FROM alcove_clients WHERE client_id = ?`).get([clientId]);
    return row === undefined ? null : clientOf(row);
  }

  /** Subject the group is bound to; null: no client of it was stored yet. */
  subjectOfGroup(groupId: string): string | null {
    const row = this.#database.prepare('SELECT subject FROM alcove_clients WHERE group_id = ? LIMIT 1').get([groupId]);
    return row === undefined ? null : String(row[0]);
  }

  idsOfGroup(groupId: string): string[] {
    return this.#database
      .prepare('SELECT client_id FROM alcove_clients WHERE group_id = ?')
      .all([groupId])
      .map(([id]) => String(id));
  }

  #count(kind: keyof typeof KINDS): number {
    return Number(this.#database.prepare(`SELECT count(*) FROM alcove_clients WHERE ${KINDS[kind]}`).get()?.[0] ?? 0);
  }

  put(client: ClientRow, seenMs: number): void {
    this.#database
      .prepare(
        `INSERT INTO alcove_clients (${CLIENT}, seen_ms) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (client_id) DO UPDATE SET
           last_mutation_id = excluded.last_mutation_id, last_version = excluded.last_version, seen_ms = excluded.seen_ms`,
      )
      .run([client.clientId, client.groupId, client.subject, client.lastMutationId, client.lastVersion, client.firstVersion, seenMs]);
  }

  /** A client of the group gave a sign of life. Written only where the one known is older by more than `slack`: while it is there most calls write nothing. */
  touch({ clientId, groupId }: { readonly clientId: string; readonly groupId: string }, seenMs: number, slack: number): void {
    this.#database
      .prepare('UPDATE alcove_clients SET seen_ms = ? WHERE client_id = ? AND group_id = ? AND seen_ms < ?')
      .run([seenMs, clientId, groupId, seenMs - slack]);
  }

  /** Removes all that is known of a client that ended with nothing pending. */
  remove(clientId: string): void {
    for (const table of ['alcove_clients', 'alcove_rejections', 'alcove_counters']) {
      this.#database.prepare(`DELETE FROM ${table} WHERE client_id = ?`).run([clientId]);
    }
  }

  /** Keeps a final rejection until `heard`. */
  reject(clientId: string, rejection: Rejection): void {
    this.#database
      .prepare('INSERT OR REPLACE INTO alcove_rejections (client_id, mutation_id, version, code, message) VALUES (?, ?, ?, ?, ?)')
      .run([clientId, rejection.mutationId, rejection.version, rejection.code, rejection.message]);
  }

  rejectionCount(clientId: string): number {
    return Number(this.#database.prepare('SELECT count(*) FROM alcove_rejections WHERE client_id = ?').get([clientId])?.[0] ?? 0);
  }

  rejection(clientId: string, mutationId: number): Rejection | null {
    const row = this.#database
      .prepare('SELECT mutation_id, version, code, message FROM alcove_rejections WHERE client_id = ? AND mutation_id = ?')
      .get([clientId, mutationId]);
    return row === undefined ? null : rejectionOf(row);
  }

  /** All that the client has not said to have heard, by mutationId. */
  rejections(clientId: string): Rejection[] {
    return this.#database
      .prepare('SELECT mutation_id, version, code, message FROM alcove_rejections WHERE client_id = ? ORDER BY mutation_id')
      .all([clientId])
      .map(rejectionOf);
  }

  heard(clientId: string, upTo: number): void {
    this.#database.prepare('DELETE FROM alcove_rejections WHERE client_id = ? AND mutation_id <= ?').run([clientId, upTo]);
  }

  /**
   * Forgets clients that were silent for too long and, past the bound in rows, the longest silent of all; those that `isLive` has stay, however many they
   * are. Opens a transaction where there is something to forget. Raises `forgottenVersion` to where the forgotten may have been welcomed first.
   *
   * @returns how many were forgotten, and the new `forgottenVersion`.
   */
  forget(
    retention: Retention,
    nowMs: number,
    isLive: (client: { readonly clientId: string; readonly groupId: string }) => boolean,
    meta: MetaTable,
  ): { count: number; forgottenVersion: number } {
    const before = meta.read().forgottenVersion;
    const silent = this.#longestSilent('clients', retention, nowMs, isLive);
    if (silent.length === 0) return { count: 0, forgottenVersion: before };
    const forgottenVersion = silent.reduce((highest, { firstVersion }) => Math.max(highest, firstVersion - 1), before);
    this.#database.transaction(() => {
      for (const { clientId } of silent) this.remove(clientId);
      meta.write({ forgottenVersion });
    });
    return { count: silent.length, forgottenVersion };
  }

  /** The same for idempotency keys. Nobody is told of theirs: a call under a forgotten key runs as under a new one. @returns how many were forgotten. */
  forgetKeys(retention: Retention, nowMs: number, isWaiting: (clientId: string) => boolean): number {
    const silent = this.#longestSilent('keys', retention, nowMs, ({ clientId }) => isWaiting(clientId));
    if (silent.length === 0) return 0;
    this.#database.transaction(() => {
      for (const { clientId } of silent) this.remove(clientId);
    });
    return silent.length;
  }

  /** Longest silent first, up to the first that may stay. */
  #longestSilent(kind: keyof typeof KINDS, retention: Retention, nowMs: number, isLive: (row: SilentRow) => boolean): SilentRow[] {
    const over = this.#count(kind) - retention.rowsMax;
    const silent: SilentRow[] = [];
    const bySilence = this.#database
      .prepare(`SELECT client_id, group_id, first_version, seen_ms FROM alcove_clients WHERE ${KINDS[kind]} ORDER BY seen_ms`)
      .iterate();
    for (const [clientId, groupId, firstVersion, seenMs] of bySilence) {
      const row = { clientId: String(clientId), groupId: String(groupId), firstVersion: Number(firstVersion), seenMs: Number(seenMs) };
      const isOld = nowMs - row.seenMs > retention.ageMsMax + slackMs(retention);
      if (silent.length >= FORGET_ROWS_MAX || (silent.length >= over && !isOld)) break;
      if (!isLive(row)) silent.push(row);
    }
    return silent;
  }
}

const clientOf = ([clientId, groupId, subject, lastMutationId, lastVersion, firstVersion]: Row): ClientRow => ({
  clientId: String(clientId),
  groupId: String(groupId),
  subject: String(subject),
  lastMutationId: Number(lastMutationId),
  lastVersion: Number(lastVersion),
  firstVersion: Number(firstVersion),
});

const rejectionOf = ([mutationId, version, code, message]: Row): Rejection => ({
  mutationId: Number(mutationId),
  version: Number(version),
  code: isErrorCode(code) ? code : 'internal',
  message: String(message),
});
